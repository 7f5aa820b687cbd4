"""From a configured host and port to a listening socket."""

import asyncio
import os
import socket

from ...domain.address import HIGHEST_PORT
from ...ports.transport import ListenError

_WILDCARDS = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - to listen everywhere is the documented default

_Resolved = tuple[socket.AddressFamily, str, tuple[int, ...]]
"""Family, numeric host, and for IPv6 the flow label and the scope."""


async def listening_socket(host: str, port: int, backlog: int) -> socket.socket:
    """Bind and listen; port 0 or -1 means any free port.

    A wildcard host takes IPv4 and IPv6 alike where the system has both
    (client-protocol.md, section 1). A name means one of its addresses, an IPv4
    one if there is any. Raises `ListenError` with a plain reason.
    """
    if not -1 <= port <= HIGHEST_PORT:
        raise ListenError(f"port must be between 1 and {HIGHEST_PORT}, or -1 for any free port")
    try:
        listening = await _bound(host, max(port, 0), backlog)
    except (socket.gaierror, UnicodeError):
        raise ListenError("no such host") from None
    except OSError as error:
        raise ListenError(plain_reason(error)) from None
    listening.settimeout(0)
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def plain_reason(error: OSError) -> str:
    """Say why a system call failed, in the system's own few words."""
    return os.strerror(error.errno).lower() if error.errno else str(error)


async def _bound(host: str, port: int, backlog: int) -> socket.socket:
    if host not in _WILDCARDS:
        family, numeric, rest = await _resolve(host)
        return socket.create_server((numeric, port, *rest), family=family, backlog=backlog)
    if socket.has_dualstack_ipv6():
        return socket.create_server(
            ("::", port), family=socket.AF_INET6, backlog=backlog, dualstack_ipv6=True
        )
    return socket.create_server(("", port), backlog=backlog)


async def _resolve(host: str) -> _Resolved:
    """Turn a name or a literal address into the one address to bind."""
    try:  # a literal needs no resolver, and so no thread
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        loop = asyncio.get_running_loop()
        found = list(await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM))
    family, _, _, _, address = min(found, key=lambda entry: entry[0] is not socket.AF_INET)
    return family, str(address[0]), address[2:]
