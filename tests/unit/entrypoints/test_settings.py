"""Unit tests of what options become for the adapters and the domain."""

import ssl

import pytest

from app.adapters.auth.authenticators import AllowAll
from app.adapters.auth.setup import AuthSettings
from app.adapters.logs.setup import LogSettings
from app.adapters.net_asyncio.tls_choice import ChoiceTerms
from app.adapters.net_asyncio.unix_socket import UnixSocketSettings
from app.config.options import make_options
from app.domain.connection_type import ConnectionType
from app.domain.events import Event
from app.domain.limits import Limits
from app.domain.permissions.configured_users import ConfiguredUsers
from app.domain.permissions.rules import Permissions, Rule, entry
from app.domain.protocol.client_level import CLIENT_LEVEL
from app.domain.security.credentials import Identity
from app.entrypoints.settings import (
    accepted_route_tls,
    anonymous,
    auth_settings,
    client_choice,
    client_tls,
    configured_users,
    dialed_route_tls,
    limits,
    log_settings,
    nonce_maker,
    server_info,
    tls_files,
    unix_socket_settings,
    websocket_tls,
    websocket_urls,
)
from tests.fakes.entropy import SeededEntropy
from tests.fakes.single_user import SingleUser
from tests.support.certificates import certificates
from tests.support.nkeys import NkeyUser


def test_limits() -> None:
    """Each limit is the option of its name."""
    options = make_options(
        {
            "max_connections": 1,
            "max_control_line": 2,
            "max_payload": 3,
            "max_pending_size": 4,
            "ping_interval": 5,
            "ping_max": 6,
            "write_deadline": 7,
            "authorization": {"timeout": 8},
            "slow_consumer": "hold",
        }
    )

    assert Limits(1, 2, 3, 4, 5.0, 6, 7.0, 8.0, "hold", delay_budget=7.0) == limits(options)


@pytest.mark.parametrize(
    ("options", "deadline", "budget"),
    [
        ({}, 10.0, 2.0),
        ({"write_deadline": 5}, 5.0, 5.0),
        ({"compatibility": "0.8.0"}, 2.0, 2.0),
        ({"compatibility": "0.8.0", "write_deadline": 10}, 10.0, 10.0),
    ],
)
def test_deadlines(options: dict[str, object], deadline: float, budget: float) -> None:
    """A client may read nothing for as long as that server allows; it delays others for 2 s at most."""
    made = limits(make_options(options))

    assert (deadline, budget) == (made.write_deadline, made.delay_budget)


def test_a_large_message_fits() -> None:
    """Where nobody has chosen the bound of pending bytes, it leaves room for the largest message."""
    assert Limits().max_pending == limits(make_options({})).max_pending
    assert 25 * 2**20 < limits(make_options({"max_payload": 24 * 2**20})).max_pending
    assert 5 == limits(make_options({"max_payload": 24 * 2**20, "max_pending_size": 5})).max_pending


def test_the_log() -> None:
    """Each choice about the log is handed on."""
    options = make_options(
        {
            "log_file": "f",
            "log_format": "json",
            "debug": True,
            "trace": True,
            "logtime": False,
            "syslog": True,
            "remote_syslog": "udp://h:1",
        }
    )

    assert LogSettings(
        log_file="f",
        json_lines=True,
        debug=True,
        trace=True,
        logtime=False,
        syslog=True,
        remote_syslog="udp://h:1",
    ) == log_settings(options)


def test_nobody_is_asked_by_default() -> None:
    """Without users, token and authenticator there is nobody to ask."""
    assert AuthSettings(max_waiting=65_536) == auth_settings(make_options({}))


def test_one_user() -> None:
    """A single user comes with the token, which the adapter weighs against it."""
    options = make_options({"authorization": {"user": "u", "password": "p", "token": "t"}})

    assert ({"u": "p"}, "t") == (auth_settings(options).users, auth_settings(options).token)


def test_permissions() -> None:
    """A user's own permissions replace the default ones whole; the single user has none."""
    nkey = NkeyUser(1).nkey
    users = (
        {"user": "a", "permissions": {"publish": "x"}},
        {"user": "b"},
        {"user": "c", "permissions": {}},
        {"nkey": nkey},
    )
    given = {"users": users, "default_permissions": {"subscribe": "d"}}
    default = Permissions(subscribe=Rule((entry("d"),)))

    assert {
        "a": Permissions(Rule((entry("x"),))),
        "b": default,
        "c": Permissions(),
        nkey: default,
    } == auth_settings(make_options({"authorization": given})).permissions
    assert {} == auth_settings(make_options({"authorization": {"users": users[1:2]}})).permissions
    unnamed = anonymous(make_options({"authorization": given, "no_auth_user": "b"}))
    assert {Identity("b", permissions=default)} == set(unnamed.values())


def test_several_users() -> None:
    """Several users have a password each, an empty one where none was given."""
    users = ({"user": "a", "password": "x"}, {"user": "b"})
    options = make_options({"authorization": {"users": users}, "max_connections": 9})

    assert {"a": "x", "b": ""} == auth_settings(options).users
    assert 9 == auth_settings(options).max_waiting


def test_an_authenticator_of_ones_own() -> None:
    """Its name and its time are handed on."""
    asked = {"authenticator": "m:f", "authenticator_timeout": "100ms"}
    settings = auth_settings(make_options({"authorization": asked}))

    assert ("m:f", 0.1) == (settings.authenticator, settings.authenticator_seconds)


def test_what_info_says() -> None:
    """INFO names the address and the largest payload, and whether a login is needed."""
    options = make_options({"host": "h", "port": 7, "max_payload": 8})
    info = server_info(options, SeededEntropy(1), AllowAll())

    assert (CLIENT_LEVEL, "h", 7, 8, False) == (
        info.version,
        info.host,
        info.port,
        info.max_payload,
        info.auth_required,
    )
    assert SeededEntropy(1).identifier() == info.server_id == info.server_name


def test_names_in_info() -> None:
    """The server and its cluster have the names that were given."""
    options = make_options({"server_name": "n", "cluster": {"name": "c"}})
    info = server_info(options, SeededEntropy(1), AllowAll())

    assert ("n", "c") == (info.server_name, info.cluster)


def test_headers_can_be_switched_off() -> None:
    """With `no_header_support` INFO offers none."""
    infos = [
        server_info(make_options({"no_header_support": off}), SeededEntropy(1), AllowAll())
        for off in (False, True)
    ]

    assert [True, False] == [info.headers for info in infos]


def test_the_version_of_gnatsd() -> None:
    """With its protocol goes its version."""
    info = server_info(make_options({"compatibility": "0.8.0"}), SeededEntropy(1), AllowAll())

    assert "0.8.0" == info.version


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, 4096),
        ({"compatibility": "0.8.0"}, 1024),
        ({"compatibility": "0.8.0", "max_control_line": 4096}, 4096),
        ({"max_control_line": 1024}, 1024),
    ],
)
def test_the_longest_line(given: dict[str, object], expected: int) -> None:
    """It is as configured, or that of the server that clients find."""
    assert expected == limits(make_options(given)).max_control_line


@pytest.mark.parametrize(("given", "expected"), [(0, 0), (-1, 0), (5, 5)])
def test_the_most_subscriptions(given: int, expected: int) -> None:
    """Zero and a negative number are no limit."""
    assert expected == limits(make_options({"max_subscriptions": given})).max_subscriptions


@pytest.mark.parametrize(
    ("advertised", "reported"),
    [("me:1", ("me", 1)), ("me", ("me", 0)), ("[2001:db8::1]:1", ("2001:db8::1", 1)), (None, ("", 0))],
)
def test_the_address_that_clients_get(advertised: str | None, reported: tuple[str, int]) -> None:
    """What is advertised to clients is in INFO, and is not where the server listens."""
    given = {"host": "h", "port": 7} | ({"client_advertise": advertised} if advertised else {})
    info = server_info(make_options(given), SeededEntropy(1), AllowAll())

    assert ("h", 7, *reported) == (info.host, info.port, info.advertised_host, info.advertised_port)


@pytest.mark.parametrize(
    ("section", "urls"),
    [
        ({"host": "h"}, ("h:80",)),
        ({"host": "h", "advertise": "outside"}, ("outside:80",)),
        ({"host": "h", "advertise": "outside:443"}, ("outside:443",)),
    ],
)
def test_addresses_for_clients_of_websockets(section: dict[str, object], urls: tuple[str, ...]) -> None:
    """They are those of the listener with its real port, or what is advertised."""
    assert urls == websocket_urls(make_options({"websocket": section}), 80)


def test_the_unix_socket() -> None:
    """There is one when there is a path; its mode is octal."""
    given = {"path": "/run/nats.sock", "mode": "0600", "group": "nats"}

    assert UnixSocketSettings("/run/nats.sock", 0o600, "nats") == unix_socket_settings(
        make_options({"unix_socket": given})
    )
    assert unix_socket_settings(make_options({})) is None


def test_what_info_says_of_tls() -> None:
    """INFO says whether TLS is needed, and whether clients have to show certificates."""
    reported = [
        server_info(make_options({"tls": tls} if tls else {}), SeededEntropy(1), AllowAll())
        for tls in (None, section(), {**section(), "verify": True})
    ]

    assert [(False, False), (True, False), (True, True)] == [
        (info.tls_required, info.tls_verify) for info in reported
    ]


def section() -> dict[str, object]:
    """A section on TLS whose files are there."""
    pair = certificates().server
    return {
        "cert_file": pair.cert_file,
        "key_file": pair.key_file,
        "ca_file": certificates().authority.ca_file,
        "timeout": 3.0,
    }


def test_how_clients_are_protected() -> None:
    """Without a section there is no TLS; with one there are a context and a time, and a greeting first."""
    terms = client_tls(make_options({"tls": section()}), lambda _: None)

    assert client_tls(make_options({}), lambda _: None) is None
    assert terms is not None
    assert (3.0, False, ssl.CERT_NONE) == (terms.timeout, terms.for_routes, terms.context.verify_mode)


def test_how_routes_are_protected() -> None:
    """Between servers both sides verify, whatever was said of it, and the handshake comes first."""
    options = make_options({"cluster": {"port": 1, "tls": {**section(), "verify": False}}})

    for make in (accepted_route_tls, dialed_route_tls):
        terms = make(options, lambda _: None)

        assert make(make_options({}), lambda _: None) is None
        assert terms is not None
        assert (3.0, True, ssl.CERT_REQUIRED) == (terms.timeout, terms.for_routes, terms.context.verify_mode)


def test_nonces_are_made_for_users_with_nkeys_alone() -> None:
    """Without users that sign there is nothing to sign, so INFO keeps its bytes."""
    nkey = NkeyUser().nkey
    options = make_options({"authorization": {"users": ({"nkey": nkey}, {"user": "derek"})}})
    make = nonce_maker(options, SeededEntropy(1))

    assert (nkey,) == auth_settings(options).nkeys
    assert {"derek": ""} == auth_settings(options).users
    assert make is not None
    assert SeededEntropy(1).nonce() == make()
    assert nonce_maker(make_options({}), SeededEntropy(1)) is None


def test_an_authenticator_of_ones_own_gets_a_nonce() -> None:
    """It may have users that sign."""
    options = make_options({"authorization": {"authenticator": "m:f"}})
    make = nonce_maker(options, SeededEntropy(1))

    assert make is not None
    assert SeededEntropy(1).nonce() == make()


STANDARD, WEBSOCKET = ConnectionType.STANDARD, ConnectionType.WEBSOCKET
USERS = {"users": ({"user": "a"}, {"user": "b", "password": "x"}, {"nkey": NkeyUser().nkey})}
MAPPED = {"verify_and_map": True}


@pytest.mark.parametrize(
    ("given", "users"),
    [
        ({}, {}),
        ({"no_auth_user": "a"}, {STANDARD: "a", WEBSOCKET: "a"}),
        ({"no_auth_user": "a", "websocket": {"no_auth_user": "b"}}, {STANDARD: "a", WEBSOCKET: "b"}),
        ({"websocket": {"no_auth_user": "b"}}, {WEBSOCKET: "b"}),
        ({"no_auth_user": "a", "tls": MAPPED}, {WEBSOCKET: "a"}),
        ({"no_auth_user": "a", "websocket": {"port": -1, "tls": MAPPED}}, {STANDARD: "a"}),
        (
            {"no_auth_user": NkeyUser().nkey, "tls": MAPPED},
            {STANDARD: NkeyUser().nkey, WEBSOCKET: NkeyUser().nkey},
        ),
    ],
)
def test_clients_without_credentials(given: dict[str, object], users: dict[ConnectionType, str]) -> None:
    """Each listener has its user, except where certificates say who a client is."""
    options = make_options({"authorization": USERS, **given})

    assert {kind: Identity(user) for kind, user in users.items()} == anonymous(options)
    assert set(users.values()) == set(auth_settings(options).anonymous)


def test_info_says_whether_a_login_is_required() -> None:
    """It is not where a client may do without, as with nats-server; websockets alone do not count."""
    for given, required in (
        ({}, True),
        ({"no_auth_user": "a"}, False),
        ({"websocket": {"no_auth_user": "a"}}, True),
    ):
        options = make_options({"authorization": USERS, **given})
        assert required is server_info(options, SeededEntropy(1), SingleUser("a", "x")).auth_required


@pytest.mark.parametrize(
    ("section", "own", "identify"),
    [
        ({}, False, False),
        ({"verify": True}, False, False),
        ({"verify": True}, True, True),
        ({}, True, False),
        ({"verify_and_map": True}, False, True),
    ],
)
def test_whose_certificates_are_read(section: dict[str, object], *, own: bool, identify: bool) -> None:
    """The names are read where users are found by them, or an authenticator of one's own may want them."""
    files = certificates().files()
    tls = {"cert_file": files.cert_file, "key_file": files.key_file, "ca_file": files.ca_file, **section}
    authorization = {"authenticator": "m:f"} if own else USERS
    websocket = {"port": -1, "tls": tls}
    options = make_options({"authorization": authorization, "tls": tls, "websocket": websocket})

    for made in (client_tls(options, fail), websocket_tls(options, fail)):
        assert made is not None
        assert identify is made.identify
        assert (ssl.CERT_REQUIRED if section else ssl.CERT_NONE) == made.context.verify_mode
    expected = [STANDARD, WEBSOCKET] if section.get("verify_and_map") else []
    assert expected == list(auth_settings(options).mapped)


def fail(event: Event) -> None:
    """Nothing is logged."""
    pytest.fail(event.text())


@pytest.mark.parametrize(
    ("first", "optional", "expected"),
    [
        (False, False, None),
        (True, False, None),
        (True, True, None),
        (False, True, ChoiceTerms(3.0, None, optional=True)),
        ("auto", False, ChoiceTerms(3.0, 0.05)),
        ("300ms", True, ChoiceTerms(3.0, 0.3, optional=True)),
    ],
)
def test_what_clients_may_choose(
    first: bool | str,  # noqa: FBT001 - a value of the file
    optional: bool,  # noqa: FBT001 - the same
    expected: ChoiceTerms | None,
) -> None:
    """A client may choose where INFO waits for a handshake, and where TLS is optional."""
    options = make_options({"tls": {**section(), "handshake_first": first}, "allow_non_tls": optional})
    terms = client_tls(options, lambda _: None)

    assert expected == client_choice(options)
    assert client_choice(make_options({"allow_non_tls": optional})) is None
    assert terms is not None
    assert (first is not False) == terms.first


def test_what_info_says_where_tls_is_optional() -> None:
    """INFO says that TLS is available, and not that it is required, unless `handshake_first` requires it."""
    tls = {**section(), "handshake_first": False}
    said = []
    for values in (
        {"tls": tls, "allow_non_tls": True},
        {"tls": {**tls, "handshake_first": True}, "allow_non_tls": True},
        {"allow_non_tls": True},
    ):
        info = server_info(make_options(values), SeededEntropy(1), AllowAll())
        said.append((info.tls_required, info.tls_available))

    assert [(False, True), (True, False), (False, False)] == said


def test_pins_and_curves_reach_each_kind_of_link() -> None:
    """Clients, websockets and both ends of routes have the pins of their section."""
    pin = "0" * 64
    tls = {**section(), "verify": True, "pinned_certs": (pin,), "curve_preferences": ("CurveP256",)}
    options = make_options({"tls": tls, "cluster": {"tls": tls}, "websocket": {"tls": tls}})

    assert options.tls is not None
    assert ("CurveP256",) == tuple(tls_files(options.tls).curves)
    for make in (client_tls, websocket_tls, accepted_route_tls, dialed_route_tls):
        terms = make(options, lambda _: None)
        assert terms is not None
        assert {pin} == terms.pins


def test_configured_users() -> None:
    """Users are known with their permissions, and without their secrets."""
    rules = {"publish": "a"}
    users = [
        {"user": "alice", "password": "s3cr3t", "permissions": rules},
        {"user": "bob", "password": "s3cr3t"},
    ]
    given: dict[str, object] = {"authorization": {"users": users}, "no_auth_user": "alice"}

    known = configured_users(make_options(given))

    allowed = Permissions(Rule((entry("a"),)))
    assert ConfiguredUsers({"alice": allowed, "bob": None, "": allowed}) == known
    assert "s3cr3t" not in repr(known)


@pytest.mark.parametrize(
    ("authorization", "expected"),
    [
        ({}, ConfiguredUsers(login_required=False)),
        ({"token": "t0ken"}, ConfiguredUsers({"": None})),
        ({"user": "derek", "password": "x"}, ConfiguredUsers({"derek": None})),
        ({"authenticator": "a.b:c"}, ConfiguredUsers(external=True)),
    ],
)
def test_users_of_other_logins(authorization: dict[str, object], expected: ConfiguredUsers) -> None:
    """A token is for clients without a name, and nothing is known of the users of an authenticator."""
    assert expected == configured_users(make_options({"authorization": authorization}))
