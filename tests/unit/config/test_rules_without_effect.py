"""Unit tests of options that another one switches off."""

import pytest

from app.config import rules
from app.config.document import Block
from app.config.flags import CONFIG_FILE, parse
from app.config.load import load
from tests.support.document import FILE, Pairs, Value, document
from tests.support.nkeys import NkeyUser


def notices(*words: str, pairs: list[tuple[str, Value]] | None = None) -> list[str]:
    """What has no effect in a command line and a file."""

    def read(*_: object) -> Block:
        return document(*pairs or ())

    given = dict(parse(words).given) | ({} if pairs is None else {CONFIG_FILE: FILE})
    return [str(notice) for notice in load(given, {}, read).notices]


PAIR: Pairs = [("cert_file", "c"), ("key_file", "k")]
USERS: Pairs = [("authorization", [("users", ([("user", "a")],))])]
SIGNER: Pairs = [("authorization", [("users", ([("user", "a")], [("nkey", NkeyUser().nkey)]))])]
MAPPED: Pairs = [*PAIR, ("verify_and_map", True)]
NO_OTHERS = "because tls.verify_and_map lets no client without a certificate in"
MAPS = "tls.verify_and_map; name an nkey"
ALWAYS_FIRST = "as the handshake always comes first there"
CLUSTER = "without a cluster: set cluster.port, or --cluster"


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        (
            [("cluster", [("no_advertise", True)])],
            f"x.conf:2:14: cluster.no_advertise has no effect {CLUSTER}",
        ),
        (
            [("unix_socket", [("mode", "0600")])],
            "x.conf:2:6: unix_socket.mode has no effect without unix_socket.path",
        ),
        (
            [("hooks", [("shadow", True)])],
            "x.conf:2:8: hooks.shadow has no effect without hooks.factory",
        ),
        (
            [("websocket", [("advertise", "h:1")])],
            f"x.conf:2:11: websocket.advertise has no effect {CLUSTER}",
        ),
        ([("cluster", [("host", "h")])], f"x.conf:2:6: cluster.host has no effect {CLUSTER}"),
        (
            [("cluster", [("tls", [("cert_file", "c"), ("key_file", "k")])])],
            f"x.conf:2:5: cluster.tls has no effect {CLUSTER}",
        ),
        (
            [("cluster", [("port", -1), ("authorization", [("password", "p")])])],
            "x.conf:4:10: cluster.authorization.password has no effect without a user",
        ),
        (
            [("authorization", [("authenticator_timeout", 5), ("token", "t")])],
            "x.conf:2:23: authorization.authenticator_timeout has no effect without an authenticator",
        ),
        (
            [("authorization", [("token", "")])],
            "x.conf:2:7: authorization.token is empty: no login is required",
        ),
        (
            [("authorization", [("user", "")])],
            "x.conf:2:6: authorization.user is empty: no login is required",
        ),
        (
            [("tls", [("cert_file", "c"), ("key_file", "k"), ("verify_and_map", True)])],
            "x.conf:4:16: tls.verify_and_map has the effect of tls.verify without authorization.users",
        ),
        (
            [("allow_non_tls", True)],
            "x.conf:1:15: allow_non_tls has no effect without tls: connections are not encrypted",
        ),
        (
            [("allow_non_tls", True), ("tls", [*PAIR, ("handshake_first", True)])],
            "x.conf:1:15: allow_non_tls has no effect because tls.handshake_first requires TLS",
        ),
        (
            [("allow_non_tls", True), ("tls", MAPPED), *USERS],
            f"x.conf:1:15: allow_non_tls has no effect {NO_OTHERS}",
        ),
        (
            [("no_auth_user", "a"), ("tls", MAPPED), *USERS],
            f"x.conf:1:14: no_auth_user has no effect because of {MAPS}",
        ),
        (
            [*USERS, ("websocket", [("port", -1), ("tls", MAPPED), ("no_auth_user", "a")])],
            f"x.conf:11:14: websocket.no_auth_user has no effect because of websocket.{MAPS}",
        ),
        (
            [("cluster", [("port", -1), ("tls", [*PAIR, ("handshake_first", "auto")])])],
            f"x.conf:6:17: cluster.tls.handshake_first has no effect {ALWAYS_FIRST}",
        ),
        (
            [("websocket", [("port", -1), ("tls", [*PAIR, ("handshake_first", True)])])],
            f"x.conf:6:17: websocket.tls.handshake_first has no effect {ALWAYS_FIRST}",
        ),
        (
            [("websocket", [("port", -1), ("no_tls", True), ("tls", PAIR)])],
            "x.conf:4:5: websocket.tls has no effect beside websocket.no_tls",
        ),
        (
            [("syslog", True), ("remote_syslog", "udp://h:1")],
            "x.conf:1:8: syslog has no effect because the log goes to remote_syslog",
        ),
        (
            [("remote_syslog", "udp://h:1"), ("log_file", "l")],
            "x.conf:1:15: remote_syslog has no effect because the log goes to log_file",
        ),
    ],
)
def test_of_a_file(pairs: list[tuple[str, Value]], expected: str) -> None:
    """A key is named with its place, and with what switches it off."""
    assert [expected] == notices(pairs=pairs)


@pytest.mark.parametrize(
    "pairs",
    [
        [("allow_non_tls", True), ("tls", MAPPED), *SIGNER],
        [("no_auth_user", NkeyUser().nkey), ("tls", MAPPED), *SIGNER],
        [("no_auth_user", "a"), ("tls", MAPPED), *USERS, ("websocket", [("port", -1), ("no_tls", True)])],
        [("no_auth_user", "a"), *USERS, ("websocket", [("port", -1), ("tls", MAPPED)])],
        [("no_auth_user", "a"), ("tls", PAIR), *USERS],
    ],
    ids=["allow_non_tls for nkeys", "an nkey", "for websockets", "not for websockets", "no mapping"],
)
def test_ways_to_do_without_a_certificate(pairs: list[tuple[str, Value]]) -> None:
    """They have an effect for users with an nkey, and at listeners where certificates do not count."""
    assert [] == notices(pairs=pairs)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("--auth=", "--auth is empty: no login is required"),
        ("--user=", "--user is empty: no login is required"),
        ("--tlscert c", "--tlscert has no effect without --tls: connections are not encrypted"),
        (
            "--tls=false --tlskey k",
            "--tlskey has no effect beside --tls=false: connections are not encrypted",
        ),
        (
            "--tls=false --tlsverify --tlscert c --tlskey k",
            "--tls=false has no effect because --tlsverify switches TLS on",
        ),
        ("--cluster nats://h:0", "--cluster has no effect with port 0; write nats://host:port"),
        ("--connect_retries 2", f"--connect_retries has no effect {CLUSTER}"),
        ("-s -l f", "--syslog has no effect because the log goes to --log"),
    ],
)
def test_of_flags(words: str, expected: str) -> None:
    """A flag is named as one writes it."""
    assert expected in notices(*words.split())


@pytest.mark.parametrize(
    ("words", "logins", "lost"),
    [
        ("--auth t", [("user", "u"), ("password", "p")], "authorization.user has no effect beside --auth"),
        ("--auth t", [("users", ([("user", "a")],))], "authorization.users has no effect beside --auth"),
        ("--user u", [("authenticator", "m:f")], "authorization.authenticator has no effect beside --user"),
    ],
)
def test_logins_that_a_flag_replaces(words: str, logins: list[tuple[str, Value]], lost: str) -> None:
    """Who could come in by the file, and cannot any more, is worth a line."""
    (notice,) = notices(*words.split(), pairs=[("authorization", logins)])

    assert notice.endswith(lost)


@pytest.mark.parametrize(
    "pairs",
    [
        [("prof_port", 0)],
        [("cluster", [("no_advertise", False), ("connect_retries", 0), ("host", "h"), ("port", 0)])],
        [("authorization", [("timeout", "0s"), ("authenticator_timeout", 0), ("password", "")])],
        [("syslog", False), ("log_file", "f"), ("remote_syslog", "")],
        [("cluster", [("port", -1), ("no_advertise", True), ("host", "h")])],
        [("authorization", [("user", "u"), ("timeout", 3)])],
        [("allow_non_tls", False)],
        [("allow_non_tls", True), ("tls", PAIR)],
        [("allow_non_tls", True), ("tls", [*PAIR, ("handshake_first", "auto")])],
        [("tls", [*PAIR, ("curve_preferences", ("CurveP384",))])],
        [("cluster", [("port", -1), ("tls", [*PAIR, ("handshake_first", False)])])],
    ],
)
def test_nothing_to_say(pairs: list[tuple[str, Value]]) -> None:
    """What asks for nothing, or has its effect, makes no line."""
    assert [] == notices(pairs=pairs)


@pytest.mark.parametrize(
    ("curves", "expected"),
    [
        (
            ("X25519", "CurveP256"),
            "only X25519 is used, CurveP256 has no effect: ",
        ),
        (
            ("X25519MLKEM768", "CurveP256", "CurveP384"),
            "only CurveP256 is used, X25519MLKEM768, CurveP384 have no effect: ",
        ),
    ],
)
@pytest.mark.parametrize("section", ["tls", "cluster.tls", "websocket.tls"])
def test_curves_that_cannot_be_set(
    monkeypatch: pytest.MonkeyPatch, section: str, curves: tuple[str, ...], expected: str
) -> None:
    """An interpreter that sets a single curve reports the others, in each section on TLS."""
    pairs: Pairs = [("tls", [*PAIR, ("curve_preferences", curves)])]
    outer = section.partition(".")[0]
    if outer != "tls":
        pairs = [(outer, [("port", -1), *pairs])]
    monkeypatch.setattr(rules, "_SETS_LISTS", False)
    (notice,) = notices(pairs=pairs)
    monkeypatch.setattr(rules, "_SETS_LISTS", True)

    assert [] == notices(pairs=pairs)
    assert f"{section}.curve_preferences: {expected}Python " in notice
    assert notice.startswith("x.conf:")
