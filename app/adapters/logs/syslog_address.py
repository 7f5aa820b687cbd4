"""Where a syslog daemon is, and how to reach it.

gnatsd's addresses (configuration.md, sections 5 and 9): ``udp://host:port``,
``tcp://host:port``, ``unix:///path``; and the daemon of this machine, which has
no address but a few places where it may be.
"""

import errno
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from app.adapters.logs.destinations import SyslogError

LOCAL_PATHS = ("/dev/log", "/var/run/syslog", "/var/run/log")
"""Where daemons listen on the usual systems; the first that answers is taken."""

CONNECT_SECONDS = 5.0
"""How long one attempt to connect may take."""

SEND_SECONDS = 10.0
"""How long a daemon may take nothing before it counts as gone."""

_SCHEMES = ("udp", "tcp", "unix")


@dataclass(frozen=True, slots=True)
class SyslogAddress:
    """A daemon, and how to get a socket connected to it."""

    name: str
    """For people."""
    local: bool
    """Whether it is on this machine, reached by a path."""
    connect: Callable[[], socket.socket]
    """A new socket, whose sends raise `TimeoutError` after `SEND_SECONDS`. Raises `OSError`."""


def remote_address(url: str) -> SyslogAddress:
    """The daemon that `url` names; nothing is looked up yet. Raises `SyslogError`."""
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
    """The daemon of this machine, wherever it listens."""
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
        host.encode("idna")  # as a resolver will, which then raises what is no `OSError`
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
    """To an IPv4 address if there is any: no answer would tell that a daemon has but one of the two."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    family, kind, protocol, _, address = min(found, key=lambda entry: entry[0] is not socket.AF_INET)
    return _connected(socket.socket(family, kind, protocol), address)


def _connect_path(path: str) -> socket.socket:
    """As a stream, which is what gnatsd asks for, or with datagrams, which is what most daemons take."""
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
