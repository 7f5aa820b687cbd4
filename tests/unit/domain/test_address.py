"""Unit tests of how an address is written."""

import pytest

from app.domain.address import is_wildcard, joined, with_port


@pytest.mark.parametrize(
    ("host", "text"),
    [("127.0.0.1", "127.0.0.1:4222"), ("localhost", "localhost:4222"), ("::1", "[::1]:4222")],
)
def test_host_and_port(host: str, text: str) -> None:
    """Where the port begins is clear for every kind of host."""
    assert text == joined(host, 4222)


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("h", "h:6222"),
        ("h:1", "h:1"),
        ("10.0.0.1", "10.0.0.1:6222"),
        ("[::1]", "[::1]:6222"),
        ("[::1]:1", "[::1]:1"),
    ],
)
def test_a_port_where_there_is_none(address: str, text: str) -> None:
    """An address that has a port keeps it."""
    assert text == with_port(address, 6222)


@pytest.mark.parametrize(
    ("host", "wildcard"),
    [("", True), ("0.0.0.0", True), ("::", True), ("127.0.0.1", False), ("h", False)],  # noqa: S104 - nothing listens
)
def test_hosts_that_mean_every_address(host: str, *, wildcard: bool) -> None:
    """An empty host and the two zero addresses accept connections everywhere."""
    assert wildcard is is_wildcard(host)
