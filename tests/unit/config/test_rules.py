"""Unit tests of options that cannot be had together."""

import pytest

from app.config.document import Block
from app.config.flag_syntax import Value
from app.config.given import Given
from app.config.options import Options, make_options
from app.config.rules import contradictions
from app.config.validation import salvage
from tests.support.nkeys import NkeyUser


def found(values: dict[str, object], flags: dict[str, Value] | None = None, **known: object) -> list[str]:
    """What contradicts itself in a configuration that is valid part by part."""
    block = Block.of(values)
    whole = bool(known.get("whole", True))
    unclear = frozenset({()}) if known.get("unclear") else frozenset()
    given = Given(block, block, flags=flags or {}, whole=whole, unclear=unclear)
    return [problem.text for problem in contradictions(make_options(values), given)]


@pytest.mark.parametrize(
    "values",
    [
        {"port": 1, "http_port": 1},
        {"http_port": 4222},
        {"port": 1, "https_port": 1, "tls": {"cert_file": "c", "key_file": "k"}},
        {"port": 1, "cluster": {"port": 1}},
        {"host": "10.0.0.1", "port": 1, "cluster": {"port": 1}},
        {"host": "localhost", "port": 1, "http_host": "127.0.0.1", "http_port": 1},
        {"host": "::", "port": 1, "http_host": "h", "http_port": 1},
    ],
)
def test_one_port_for_two(values: dict[str, object]) -> None:
    """Two listeners that may share an address cannot share a port."""
    (problem,) = found(values)

    assert "is used twice" in problem


@pytest.mark.parametrize(
    "values",
    [
        {"port": -1, "http_port": -1, "cluster": {"port": -1}},
        {"host": "10.0.0.1", "port": 1, "http_host": "10.0.0.2", "http_port": 1},
        {"http_port": 0, "https_port": 0},
        {"port": 1, "http_port": 2, "cluster": {"port": 3}},
    ],
)
def test_ports_apart(values: dict[str, object]) -> None:
    """Free ports, ports that are off, and ports of different hosts do not meet."""
    assert [] == found(values)


def test_where_both_are_given() -> None:
    """The line names both, by flag or by key, and the default as such."""
    assert ["port 4222 is used twice, by the default of port and --http_port; use two different ports"] == (
        found({"http_port": 4222}, {"http_port": 4222})
    )


def test_tls_without_its_files() -> None:
    """Each missing file is named, for clients and for servers, unless it may be in what was not read."""
    values: dict[str, object] = {"tls": {"cert_file": "c"}, "cluster": {"tls": {"key_file": "k"}}}

    assert [
        "TLS Server private key must be present and valid.",
        "TLS Server certificate must be present and valid.",
    ] == found(values)
    assert [] == found(values, whole=False)


def test_encrypted_pages_without_tls() -> None:
    """They need TLS, unless it may be under a key that is misspelt."""
    assert ["TLS cert and key required for HTTPS: https_port needs `tls`"] == found({"https_port": 1})
    assert [] == found({"https_port": 1}, unclear=True)


@pytest.mark.parametrize(
    ("values", "refused"),
    [
        ({"max_pending_size": 1000, "max_payload": 2000}, True),
        ({"max_pending_size": 1000}, False),
        ({"max_pending_size": 4058, "max_payload": 2000}, False),
        ({"max_pending_size": 4059, "max_payload": 2000}, False),
        ({"max_payload": 2**30}, False),
        ({"max_pending_size": 0, "max_payload": 2**30}, False),
    ],
)
def test_one_message_fits(values: dict[str, object], *, refused: bool) -> None:
    """A bound below `max_payload` is refused if both are set; one that is unset follows the message."""
    problems = found(values)

    assert refused is bool(problems)
    assert all("max_pending_size" in problem and "max_payload" in problem for problem in problems)


def test_what_was_wrong_is_not_compared() -> None:
    """The default that takes the place of a wrong value says nothing about what was meant."""
    intended = Block.of({"port": "x", "http_port": 4222})
    options, used = salvage(Options, intended)
    assert options is not None

    assert [] == contradictions(options, Given(used, intended))


@pytest.mark.parametrize("no_tls", [False, True])
def test_websockets_without_tls(*, no_tls: bool) -> None:
    """Websockets need TLS, unless the operator says that they go without."""
    values: dict[str, object] = {"websocket": {"port": 8080, "no_tls": no_tls}}
    block = Block.of(values)

    problems = contradictions(make_options(values), Given(block, block))

    assert [problem.text[:36] for problem in problems] == (
        [] if no_tls else ["websocket requires TLS configuration"[:36]]
    )


PAIR = {"cert_file": "c", "key_file": "k"}
MAPPED = {**PAIR, "verify_and_map": True}
NKEY = NkeyUser().nkey


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        (
            {"no_auth_user": "a"},
            'no_auth_user: "a" needs authorization.users; add them, or remove no_auth_user',
        ),
        (
            {"no_auth_user": "a", "authorization": {"token": "t"}},
            'no_auth_user: "a" needs authorization.users; add them, or remove no_auth_user',
        ),
        (
            {"no_auth_user": "a", "authorization": {"users": ({"user": "b"},)}},
            'no_auth_user: "a" is not among authorization.users; add it, or name another user',
        ),
        (
            {
                "websocket": {"port": 1, "no_tls": True, "no_auth_user": "a"},
                "authorization": {"users": ({"user": "b"},)},
            },
            'websocket.no_auth_user: "a" is not among authorization.users; add it, or name another user',
        ),
        (
            {"cluster": {"port": 1, "tls": MAPPED}},
            "cluster.tls.verify_and_map is for clients; servers log in by cluster.authorization: remove it",
        ),
        (
            {"websocket": {"port": 1, "no_tls": True, "tls": MAPPED}},
            "websocket.tls.verify_and_map needs TLS, which websocket.no_tls switches off: remove one",
        ),
        (
            {"tls": {**PAIR, "verify": True}, "authorization": {"users": ({"user": "CN=a"}, {"user": "b"})}},
            (
                'user "CN=a" has no password, and no listener has tls.verify_and_map: '
                "set it, or give the user a password"
            ),
        ),
        (
            {"tls": MAPPED, "authorization": {"users": ({"user": "CN=a,O=b"}, {"user": "cn=a, o=b"})}},
            'users "CN=a,O=b" and "cn=a, o=b" are one and the same certificate; remove one',
        ),
    ],
)
def test_users_that_cannot_be(values: dict[str, object], problem: str) -> None:
    """Users without credentials and users of certificates are named, where something is wrong with them."""
    assert [problem] == found(values)


@pytest.mark.parametrize(
    "values",
    [
        {"no_auth_user": "a", "authorization": {"users": ({"user": "a", "password": "x"},)}},
        {"no_auth_user": NKEY, "authorization": {"users": ({"nkey": NKEY},)}},
        {"no_auth_user": "CN=a", "authorization": {"users": ({"user": "CN=a"},)}},
        {"authorization": {"users": ({"user": "CN=a", "password": "x"}, {"user": "b"})}},
        {"tls": MAPPED, "authorization": {"users": ({"user": "CN=a"}, {"user": "a@b"}, {"nkey": NKEY})}},
        {"tls": MAPPED, "authorization": {"users": ({"user": "CN=a,O=b"}, {"user": "O=b,CN=a"})}},
    ],
)
def test_users_that_can_be(values: dict[str, object]) -> None:
    """What nats-server takes, and lets nobody in by mistake, is right."""
    assert [] == found(values)


def test_users_that_are_not_certain() -> None:
    """Where a part of the file could not be read, users may be in it."""
    assert [] == found({"no_auth_user": "a"}, whole=False)
    assert [] == found({"authorization": {"users": ({"user": "CN=a"},)}}, whole=False)


@pytest.mark.parametrize("outer", ["", "websocket", "cluster"])
@pytest.mark.parametrize("verify", [False, True])
def test_pins_without_client_certificates(outer: str, *, verify: bool) -> None:
    """Without `verify` no client shows a certificate; servers always do."""
    tls = {"cert_file": "c", "key_file": "k", "verify": verify, "pinned_certs": ("0" * 64,)}
    values: dict[str, object] = {outer: {"port": -1, "tls": tls}} if outer else {"tls": tls}
    name = f"{outer}.tls" if outer else "tls"
    complaint = f"{name}.pinned_certs requires client certificates: set {name}.verify: true"

    assert ([] if verify or outer == "cluster" else [complaint]) == found(values)
