"""Unit tests of the options and their defaults."""

from typing import Any

import pytest
from pydantic import ValidationError

from app.config.addresses import HostPort
from app.config.errors import ConfigError
from app.config.help import reference
from app.config.options import Options, make_options
from app.config.sections.authorization import AuthorizationOptions, UserOptions
from app.config.sections.cluster import ClusterOptions
from app.config.sections.jetstream import JetStreamOptions
from app.config.sections.leaf_nodes import LeafOptions
from app.config.sections.section import Section, key_of
from app.config.sections.websocket import WebsocketOptions
from app.domain.limits import Limits
from app.entrypoints.settings import limits

SECTIONS = [section for _, section, _ in reference.SECTIONS]
FIELDS = [(section, name) for section in SECTIONS for name in section.model_fields]


def mistakes(**given: object) -> list[str]:
    """What is wrong with these options, line by line."""
    with pytest.raises(ConfigError) as raised:
        make_options(given)
    return str(raised.value).splitlines()


def test_the_defaults_are_gnatsds() -> None:
    """A server without options behaves like gnatsd started without flags."""
    options = make_options({})

    assert {
        "host": "0.0.0.0",  # noqa: S104 - nothing listens
        "port": 4222,
        "client_advertise": None,
        "server_name": None,
        "server_tags": (),
        "no_header_support": False,
        "no_auth_user": None,
        "http_host": None,
        "http_port": 0,
        "https_host": None,
        "https_port": 0,
        "tls": None,
        "jetstream": None,
        "store_dir": None,
        "allow_non_tls": False,
        "tls_reload": "signal",
        "debug": False,
        "trace": False,
        "logtime": True,
        "logtime_utc": False,
        "log_file": None,
        "log_format": "text",
        "syslog": False,
        "remote_syslog": None,
        "pid_file": None,
        "ports_file_dir": None,
        "max_connections": 65_536,
        "max_control_line": 4096,
        "max_subscriptions": 0,
        "max_closed_clients": 10_000,
        "max_payload": 1_048_576,
        "max_pending_size": 10_485_760,
        "slow_consumer": "cut",
        "ping_interval": 120.0,
        "ping_max": 2,
        "write_deadline": 10.0,
        "lame_duck_duration": 120.0,
        "lame_duck_grace_period": 10.0,
        "compatibility": "current",
    } == options.model_dump(
        exclude={"authorization", "cluster", "hooks", "leafnodes", "websocket", "unix_socket"}
    )
    assert 1.0 == options.authorization.timeout
    assert (None, None) == (options.http, options.https)
    assert 0 == options.websocket.port
    assert (None, "0660", None) == tuple(dict(options.unix_socket).values())
    assert (None, False, None) == tuple(dict(options.hooks).values())


def test_the_domain_has_the_same_defaults() -> None:
    """Limits made without options are those of gnatsd's default options."""
    assert Limits() == limits(make_options({"compatibility": "0.8.0"}))


@pytest.mark.parametrize(("section", "name"), FIELDS)
def test_every_option_is_described(section: type[Section], name: str) -> None:
    """Each option has a sentence."""
    assert key_of(section.model_fields[name]).meaning.endswith(".")


@pytest.mark.parametrize("section", SECTIONS)
def test_no_two_options_share_a_key(section: type[Section]) -> None:
    """Each key, whichever of its names is used, means one thing."""
    names = [
        name
        for field_name, field in section.model_fields.items()
        for name in (field_name, *key_of(field).also)
    ]
    names += [*section.addresses, *section.refused]

    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("websocket", ("ws",)),
        ("cluster.cluster_advertise", ("advertise",)),
        ("leafnodes.advertise", ("leafnode_advertise",)),
        ("jetstream.enabled", ("enable",)),
        ("websocket.compression", ("compress",)),
        (
            "websocket.allowed_origins",
            ("allowed_origin", "allow_origins", "allow_origin", "origins", "origin"),
        ),
        ("authorization.default_permissions", ("default_permission", "permissions")),
        ("authorization.users.permissions", ("permission", "authorization")),
    ],
)
def test_other_names_of_current_servers(path: str, names: tuple[str, ...]) -> None:
    """A key has all the names that it has in nats-server."""
    sections: dict[str, type[Section]] = {
        "": Options,
        "websocket": WebsocketOptions,
        "cluster": ClusterOptions,
        "leafnodes": LeafOptions,
        "jetstream": JetStreamOptions,
        "authorization": AuthorizationOptions,
        "authorization.users": UserOptions,
    }
    section, _, name = path.rpartition(".")

    assert names == key_of(sections[section].model_fields[name]).also


@pytest.mark.parametrize("port", [-1, 1, 4222, 65535])
def test_ports(port: int) -> None:
    """A port is a number of TCP, or -1 for any free one."""
    assert port == make_options({"port": port}).port


@pytest.mark.parametrize("name", [name for name, field in Options.model_fields.items() if field.default])
def test_zero_means_the_default(name: str) -> None:
    """Zero and the empty string stand for the default, except that a boolean is what it is."""
    default = Options.model_fields[name].default

    if default is True:
        assert make_options({name: False}).logtime is False
    elif not isinstance(default, Section):
        empty = "" if isinstance(default, str) else 0
        assert default == getattr(make_options({name: empty}), name)


@pytest.mark.parametrize("empty", [0, 0.0, "0s", "0h0m"])
def test_no_time_means_the_default_time(empty: object) -> None:
    """However it is written, a time of zero means the default."""
    assert 120.0 == make_options({"ping_interval": empty}).ping_interval


def test_an_empty_log_file_is_none() -> None:
    """An empty file name is no file, as for every text."""
    assert make_options({"log_file": ""}).log_file is None


@pytest.mark.parametrize(("given", "seconds"), [(3, 3.0), (0.25, 0.25), ("1m30s", 90.0), ("500ms", 0.5)])
def test_times(given: object, seconds: float) -> None:
    """A time is a number of seconds, or a text with units."""
    assert seconds == make_options({"ping_interval": given}).ping_interval


def test_monitoring_is_on_the_host_of_clients() -> None:
    """Monitoring without a host of its own is where clients are."""
    options = make_options({"host": "h", "http_port": 8222, "https_host": "i", "https_port": 8223})

    assert (HostPort("h", 8222), HostPort("i", 8223)) == (options.http, options.https)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("port", -2, "must be at least -1"),
        ("port", 65536, "must be at most 65535"),
        ("port", "4222", "must be a whole number"),
        ("port", "", "must be a whole number"),
        ("port", True, "must be a whole number"),
        ("port", 4222.5, "must be a whole number"),
        ("http_port", 99999, "must be at most 65535"),
        ("host", 0, "must be a string; put it in quotes"),
        ("server_name", "a b", "must not contain spaces"),
        ("debug", 0, "must be true or false"),
        ("log_format", "xml", "must be 'text' or 'json'"),
        ("tls", True, "must be a map { … }"),
        ("authorization", "me", "must be a map { … }"),
        ("max_payload", -1, "must be at least 1"),
        ("max_payload", 2**30 + 1, "must be at most 1073741824"),
        ("max_payload", 10**40, "must be at most 1073741824"),
        ("max_payload", 1.5, "must be a whole number"),
        ("max_connections", -2, "must be at least 1"),
        ("max_connections", 2**31, "must be at most 2147483647"),
        ("max_control_line", -1, "must be at least 1"),
        ("max_pending_size", -1, "must be at least 1"),
        ("max_pending_size", 2**40 + 1, "must be at most 1099511627776"),
        ("ping_max", -1, "must be at least 1"),
        ("ping_interval", False, 'must be a number of seconds, or a time such as "2s"'),
        ("ping_interval", -1.0, "must be greater than 0"),
        ("ping_interval", "9000h", "must be at most 31536000"),
        ("ping_interval", "soon", 'must be a number of seconds, or a time such as "2s", "1m30s" or "500ms"'),
        ("write_deadline", float("inf"), "must be at most 31536000"),
        ("write_deadline", float("nan"), "must be greater than 0"),
        ("prt", 1, "is not an option"),
        ("prt", "", "is not an option"),
    ],
)
def test_a_bad_value_is_refused(name: str, value: object, reason: str) -> None:
    """The error names the option, and says what was expected."""
    assert [f"{name} {reason}"] == mistakes(**{name: value})


def test_all_mistakes_at_once() -> None:
    """The errors name all wrong values at once."""
    given: dict[str, Any] = {
        "port": 99999,
        "authorization": {"timeout": -1, "users": ({"user": "u"}, {"user": "u"})},
        "tls": {"verify": 5},
    }

    assert [
        "port must be at most 65535",
        'user "u" is defined twice',
        "authorization.timeout must be greater than 0",
        "error parsing tls config, expected 'verify' to be a boolean",
    ] == mistakes(**given)


def test_lists_are_arrays() -> None:
    """Who embeds a server may write lists."""
    options = make_options(
        {
            "authorization": {"users": [{"user": "u"}]},
            "tls": {"cipher_suites": ["TLS_RSA_WITH_AES_128_CBC_SHA"]},
            "cluster": {"routes": ["nats://h:1"]},
        }
    )

    assert options.tls is not None
    assert ("TLS_RSA_WITH_AES_128_CBC_SHA",) == options.tls.cipher_suites
    assert (UserOptions(user="u"),) == options.authorization.users
    assert 1 == len(options.cluster.routes)


def test_options_never_change() -> None:
    """Options can be read by everyone because nobody can alter them."""
    options = make_options({})

    with pytest.raises(ValidationError, match="frozen"):
        options.port = 1


def test_the_bound_of_pending_bytes() -> None:
    """A chosen bound is kept, and the usual one is raised for large messages alone."""
    assert 10_485_760 == make_options({}).pending_limit
    assert 7 == make_options({"max_pending_size": 7}).pending_limit
    assert 2**30 < make_options({"max_payload": 2**30}).pending_limit


def test_the_times_of_lame_duck_mode() -> None:
    """They are bounded as with nats-server, in its words; zero means the default."""
    assert ["invalid lame_duck_duration of 5s, minimum is 30 seconds"] == mistakes(lame_duck_duration="5s")
    assert [
        "lame duck grace period (40s) should be strictly lower than lame duck duration (30s)"
    ] == mistakes(lame_duck_duration=30, lame_duck_grace_period=40)
    options = make_options({"lame_duck_duration": "1m", "lame_duck_grace_period": 0})
    assert (60.0, 10.0) == (options.lame_duck_duration, options.lame_duck_grace_period)


def test_tags_are_one_word_or_several() -> None:
    """A text or a list of texts gives tags, as with nats-server's `server_tags`."""
    tags = [make_options({"server_tags": value}).server_tags for value in ("eu", ("eu", "id:7"))]

    assert [("eu",), ("eu", "id:7")] == tags
