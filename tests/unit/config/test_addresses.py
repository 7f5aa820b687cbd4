"""Unit tests of addresses and URLs."""

import pytest

from app.config.addresses import (
    AddressError,
    HostPort,
    parse_cluster,
    parse_leaf,
    parse_listen,
    parse_route,
    without_password,
)
from app.domain.cluster.route_url import RouteUrl
from app.domain.leaf.leaf_url import LeafUrl

ESCAPES = "two hexadecimal digits must follow a %; write %25 for a % itself"


def parts_of(url: RouteUrl) -> tuple[str, int, str, str]:
    """All that a URL says; two are equal when they lead to one place."""
    return url.host, url.port, url.user, url.password


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("localhost:4242", HostPort("localhost", 4242)),
        (":4222", HostPort("", 4222)),
        ("127.0.0.1:-1", HostPort("127.0.0.1", -1)),
        ("[::1]:4222", HostPort("::1", 4222)),
        ("h:0", HostPort("h", 0)),
        ("h:65535", HostPort("h", 65535)),
    ],
)
def test_addresses_to_listen_at(text: str, endpoint: HostPort) -> None:
    """An address is a host, which may be empty, and a port."""
    assert endpoint == parse_listen(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("localhost", 'Could not parse address string "localhost"'),
        ("", 'Could not parse address string ""'),
        ("::1", 'Could not parse address string "::1"'),
        ("::1:4222", 'Could not parse address string "::1:4222"'),
        ("[::1]", 'Could not parse address string "[::1]"'),
        ("h:", 'Could not parse port ""'),
        ("h:http", 'Could not parse port "http"'),
        ("h:99999", 'Could not parse port "99999"'),
        ("h:-2", 'Could not parse port "-2"'),
        ("h:4222 ", 'Could not parse port "4222 "'),
        ("h:" + "9" * 5000, f'Could not parse port "{"9" * 5000}"'),
    ],
)
def test_addresses_that_are_none(text: str, message: str) -> None:
    """The error is gnatsd's, and shows what was written."""
    with pytest.raises(AddressError) as raised:
        parse_listen(text)

    assert message == str(raised.value)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("nats://h:4248", ("h", 4248, "", "")),
        ("nats-route://h:4248", ("h", 4248, "", "")),
        ("nats://u:p@h:4248", ("h", 4248, "u", "p")),
        ("nats://u%40x:p%2F@h:1/", ("h", 1, "u@x", "p/")),
        ("nats://[::1]:4248", ("::1", 4248, "", "")),
    ],
)
def test_routes(text: str, parts: tuple[str, int, str, str]) -> None:
    """A route is a URL with a host and a port, and perhaps with a user."""
    assert parts == parts_of(parse_route(text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("h:4248", 'error parsing route url ["h:4248"]'),
        ("", 'error parsing route url [""]'),
        ("nats://h:abc", 'error parsing route url ["nats://h:abc"]'),
        ("nats://h:0", 'error parsing route url ["nats://h:0"]'),
        ("nats://:4248", 'error parsing route url ["nats://:4248"]'),
        ("nats://[::1:4248", 'error parsing route url ["nats://[::1:4248"]'),
        ("nats://h :4248", 'error parsing route url ["nats://h :4248"]'),
        ("nats://u:s3c/ret@h:1", 'error parsing route url ["nats://u:[REDACTED]@h:1"]'),
        ("nats://u:s3cret@h:x", 'error parsing route url ["nats://u:[REDACTED]@h:x"]'),
        ("nats://h", "address h: missing port in address"),
        (
            "nats://u:s3c%ret@h:1",
            f'error parsing route url ["nats://u:[REDACTED]@h:1"]: {ESCAPES}',
        ),
        (
            "nats://u%@h:1",
            f'error parsing route url ["nats://u%@h:1"]: {ESCAPES}',
        ),
        (
            "nats://u:%ff@h:1",
            'error parsing route url ["nats://u:[REDACTED]@h:1"]: the %-escaped bytes are not UTF-8',
        ),
        ("nats://u:s3cret@h", "address h: missing port in address"),
        ("nats://", "missing port in address"),
    ],
)
def test_routes_that_are_none(text: str, message: str) -> None:
    """The error is gnatsd's, without the password."""
    with pytest.raises(AddressError) as raised:
        parse_route(text)

    assert message == str(raised.value)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("nats://:4248", ("", 4248, "", "")),
        ("nats://h:-1", ("h", -1, "", "")),
        ("nats://u:p@h:4248", ("h", 4248, "u", "p")),
    ],
)
def test_listeners_of_a_cluster(text: str, parts: tuple[str, int, str, str]) -> None:
    """A listener's URL may leave out the host, and ask for any free port."""
    assert parts == parts_of(parse_cluster(text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("127.0.0.1:15999", 'error parsing cluster url ["127.0.0.1:15999"], write nats://host:port'),
        ("nats://h:abc", 'error parsing cluster url ["nats://h:abc"], write nats://host:port'),
        ("nats://u:s@h:x", 'error parsing cluster url ["nats://u:[REDACTED]@h:x"], write nats://host:port'),
        ("nats://h", "address h: missing port in address"),
        ("nats://", "missing port in address"),
        ("nats://u@h:4248", "Expected cluster password to be set."),
    ],
)
def test_listeners_that_are_none(text: str, message: str) -> None:
    """The error is gnatsd's where it has one."""
    with pytest.raises(AddressError) as raised:
        parse_cluster(text)

    assert message == str(raised.value)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("nats://u:p@h:1", "nats://u:[REDACTED]@h:1"),
        ("nats://u:p@q/r:s@h:1", "nats://u:[REDACTED]@h:1"),
        ("u:p@h:1", "u:[REDACTED]@h:1"),
        ("nats://u:p\nq@h:1", "nats://u:[REDACTED]@h:1"),
        ("nats://h:1", "nats://h:1"),
        ("nats://u@h:1", "nats://u@h:1"),
    ],
)
def test_a_password_is_not_shown(text: str, shown: str) -> None:
    """Whatever is between a colon and the last @ is kept back."""
    assert shown == without_password(text)


def test_a_password_stays_out_of_representations() -> None:
    """A URL can be logged as it is."""
    assert "s3cret" not in repr(parse_route("nats://u:s3cret@h:1"))


@pytest.mark.parametrize(
    ("text", "host", "port", "login"),
    [
        ("nats-leaf://hub", "hub", 7422, ("", "", "")),
        ("leaf://hub:7423", "hub", 7423, ("", "", "")),
        ("nats://u:p@hub:1", "hub", 1, ("u", "p", "")),
        ("nats://u:@hub:1", "hub", 1, ("u", "", "")),
        ("tls://tok%3A@[::1]", "::1", 7422, ("", "", "tok:")),
    ],
)
def test_addresses_of_hubs(text: str, host: str, port: int, login: tuple[str, str, str]) -> None:
    """The port may be left out, and a name alone is a token."""
    url = parse_leaf(text)

    assert LeafUrl(host, port) == url
    assert login == (url.user, url.password, url.token)
    assert text.startswith("tls:") is url.tls


@pytest.mark.parametrize(
    "text",
    [
        "hub:7422",
        "nats://",
        "nats://:7422",
        "nats://hub:0",
        "nats://hub:-1",
        "nats://hub:x",
        "nats://a:b:c",
        "nats://[::1",
        "nats://u:%zz@hub",
        "ws://u:p@hub",
        "http://hub",
        "nats://hub name",
    ],
)
def test_what_is_no_address_of_a_hub(text: str) -> None:
    """The error repeats the text, so that the line can be found, but no login."""
    with pytest.raises(AddressError) as raised:
        parse_leaf(text)

    assert "u:p" not in str(raised.value)


def test_a_token_is_in_no_error() -> None:
    """A name before the host may be a token, so it is left out whole."""
    with pytest.raises(AddressError) as raised:
        parse_leaf("ws://s3cret@hub:1")

    assert str(raised.value).startswith('error parsing leafnode url ["ws://[REDACTED]@hub:1"]')
