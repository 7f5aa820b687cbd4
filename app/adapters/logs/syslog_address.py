"""Addresses of syslog daemons, and connecting to them.

The addresses are gnatsd's (configuration-file.md, sections 5 and 9): ``udp://host:port``,
``tcp://host:port``, ``unix:///path``; and the daemon of this machine, which has
no address but a few usual paths.
"""

import errno
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from ...domain.value_object import value_object
from .destinations import SyslogError

LOCAL_PATHS = ("/dev/log", "/var/run/syslog", "/var/run/log")
"""Usual paths of daemons; the first that exists is used."""

CONNECT_SECONDS = 5.0
"""Time limit of one attempt to connect."""

SEND_SECONDS = 10.0
"""Time without progress after which a daemon counts as gone."""

_SCHEMES = ("udp", "tcp", "unix")


@value_object
class SyslogAddress:
    """A daemon, and a function that connects to it."""

    name: str
    """Its name in messages."""
    local: bool
    """Whether it is on this machine."""
    connect: Callable[[], socket.socket]
    """A new socket, whose sends raise `TimeoutError` after `SEND_SECONDS`. Raises `OSError`."""


def remote_address(url: str) -> SyslogAddress:
    """The daemon at `url`; no name is resolved yet. Raises `SyslogError`."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise _unreachable(url, str(error)) from None
    if parts.scheme not in _SCHEMES:
        raise SyslogError(
            f'error invalid network type: "{parts.scheme}"; '
            "write udp://host:port, tcp://host:port or unix:///path"
        )
    if parts.scheme == "unix":
        if not parts.path:
            raise _unreachable(url, "missing address")
        return SyslogAddress(url, local=True, connect=lambda: _connect_path(parts.path))
    host, port = _host_and_port(url, parts)
    if parts.scheme == "udp":
        return SyslogAddress(url, local=False, connect=lambda: _connect_udp(host, port))
    return SyslogAddress(url, local=False, connect=lambda: _connect_tcp(host, port))


def local_address(paths: Sequence[str] = LOCAL_PATHS) -> SyslogAddress:
    """The daemon of this machine."""
    return SyslogAddress("the local syslog", local=True, connect=lambda: _connect_first(paths))


def _host_and_port(url: str, parts: SplitResult) -> tuple[str, int]:
    try:
        port = parts.port
    except ValueError as error:
        raise _unreachable(url, str(error)) from None
    if not parts.netloc:
        raise _unreachable(url, "missing address")
    if port is None:
        raise _unreachable(url, "missing port in address")
    host = parts.hostname or "localhost"
    try:
        host.encode("idna")  # a resolver does the same, and would raise no `OSError`
    except UnicodeError:
        raise _unreachable(url, "no such host") from None
    return host, port


def _unreachable(url: str, reason: str) -> SyslogError:
    return SyslogError(f'error connecting to syslog: "{url}: {reason}"')


def _connect_tcp(host: str, port: int) -> socket.socket:
    connection = socket.create_connection((host, port), CONNECT_SECONDS)
    connection.settimeout(SEND_SECONDS)
    return connection


def _connect_udp(host: str, port: int) -> socket.socket:
    """Prefers IPv4: UDP does not show whether a daemon listens on only one of the two."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    family, kind, protocol, _, address = min(found, key=lambda entry: entry[0] is not socket.AF_INET)
    return _connected(socket.socket(family, kind, protocol), address)


def _connect_path(path: str) -> socket.socket:
    """As a stream, as gnatsd does, or else with datagrams, which most daemons accept."""
    try:
        return _connected(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM), path)
    except OSError as error:
        if error.errno != errno.EPROTOTYPE:
            raise
    return _connected(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM), path)


def _connect_first(paths: Sequence[str]) -> socket.socket:
    for path in paths:
        if Path(path).exists():
            return _connect_path(path)
    raise FileNotFoundError(errno.ENOENT, f"no daemon listens at {' or '.join(paths)}")


def _connected(connection: socket.socket, address: str | tuple[object, ...]) -> socket.socket:
    try:
        connection.settimeout(SEND_SECONDS)
        connection.connect(address)
    except OSError:
        connection.close()
        raise
    return connection
