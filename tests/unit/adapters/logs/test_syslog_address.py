"""Unit tests of addresses of syslog daemons; reaching them is tested with sockets elsewhere."""

import pytest

from app.adapters.logs.destinations import LogDestinationError, SyslogError
from app.adapters.logs.syslog_address import local_address, remote_address
from app.adapters.logs.syslog_sink import open_syslog


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("udp://localhost:514", False),
        ("udp://:514", False),
        ("tcp://[::1]:601", False),
        ("TCP://127.0.0.1:601", False),
        ("unix:///run/log.sock", True),
    ],
)
def test_an_address(url: str, local: bool) -> None:  # noqa: FBT001 - pytest's way
    """An address is understood without asking anybody, and known by its own text."""
    address = remote_address(url)

    assert (url, local) == (address.name, address.local)


@pytest.mark.parametrize(
    "url", ["http://h:1", "localhost:514", "127.0.0.1:514", "unixgram:///x", "x y z", ""]
)
def test_a_network_nobody_knows(url: str) -> None:
    """Anything but the three networks is refused, and the three are shown."""
    with pytest.raises(SyslogError, match=r'^error invalid network type: ".*"; write udp://host:port, tcp:'):
        remote_address(url)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("udp://localhost", "missing port in address"),
        ("tcp://[::1]", "missing port in address"),
        ("udp://", "missing address"),
        ("unix://", "missing address"),
        ("udp://h:99999", "Port out of range 0-65535"),
        ("udp://h:abc", "Port could not be cast to integer value as 'abc'"),
        ("udp://[::1", "Invalid IPv6 URL"),
        ("udp://a..b:514", "no such host"),
        (f"tcp://{64 * 'a'}.example:601", "no such host"),
    ],
)
def test_an_incomplete_address(url: str, reason: str) -> None:
    """The error has what is missing or wrong, and the address."""
    with pytest.raises(SyslogError) as raised:
        remote_address(url)

    assert f'error connecting to syslog: "{url}: {reason}"' == str(raised.value)


def test_no_daemon_on_this_machine() -> None:
    """When no daemon is where they usually are, the places are named."""
    address = local_address(("/nowhere/log", "/nor/here"))

    with pytest.raises(LogDestinationError) as raised:
        open_syslog(address, pytest.fail)

    assert (
        'error connecting to syslog: "the local syslog: no daemon listens at /nowhere/log or /nor/here"'
    ) == str(raised.value)
