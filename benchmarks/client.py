"""A raw client: a blocking socket that has introduced itself."""

import socket

from benchmarks.encode import PING, ends_with_pong

CONNECT = b'CONNECT {"verbose":false,"pedantic":false}\r\n'

PATIENCE = 30.0
"""Seconds without any progress after which a server is given up."""

_ABREAST = 50
"""Connections that greet at the same time; a listener's backlog holds more."""

_READ_BYTES = 64 * 1024


class RowFailed(Exception):
    """A server broke a promise while it was measured, so its figure does not count."""


def dial(port: int, opening: bytes = b"") -> socket.socket:
    """Connect, send `opening`, and wait until the server has obeyed it."""
    link = reach(port, opening)
    await_pong(link)
    return link


def reach(port: int, opening: bytes = b"") -> socket.socket:
    """Connect and send the greeting, `opening` and a PING, and wait for nothing.

    An opening that begins with a CONNECT of its own is the greeting.
    """
    link = socket.create_connection(("127.0.0.1", port), PATIENCE)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    link.sendall((b"" if opening.startswith(b"CONNECT ") else CONNECT) + opening + PING)
    return link


def await_pong(link: socket.socket) -> int:
    """Read up to a PONG that ends the input; return how many bytes that was.

    Raises `RowFailed` when the server refuses, closes or says nothing.
    """
    total = 0
    tail = b""
    while not ends_with_pong(tail):
        data = read_some(link)
        total += len(data)
        tail = (tail + data)[-256:]
        if b"-ERR" in tail:
            raise RowFailed(f"the server said {tail[tail.find(b'-ERR') :]!r}")
    return total


def read_some(link: socket.socket) -> bytes:
    """Read what there is, at least one byte. Raises `RowFailed` when there is none to come."""
    try:
        data = link.recv(_READ_BYTES)
    except TimeoutError:
        raise RowFailed(f"the server was silent for {PATIENCE:g} s") from None
    if not data:
        raise RowFailed("the server closed a connection")
    return data


def dial_many(port: int, count: int, opening: bytes = b"") -> list[socket.socket]:
    """Connect `count` times, some of them at the same time."""
    links: list[socket.socket] = []
    try:
        while len(links) < count:
            fresh = min(_ABREAST, count - len(links))
            links += [reach(port, opening) for _ in range(fresh)]
            for link in links[-fresh:]:
                await_pong(link)
    except BaseException:
        hang_up(links)
        raise
    return links


def hang_up(links: list[socket.socket]) -> None:
    """Close these connections."""
    for link in links:
        link.close()


def let_settle(port: int) -> None:
    """Wait until a server has dealt with all that was sent or closed before."""
    dial(port).close()
