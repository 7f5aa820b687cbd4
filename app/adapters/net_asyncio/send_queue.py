"""Queues of a socket: bytes that its peer has not acknowledged yet, and bytes that we have not read."""

import fcntl
import struct
import termios

_INT = struct.Struct("i")


def unacknowledged(descriptor: int) -> int:
    """Bytes that were sent and that the peer's side has not taken; 0 where the system does not say.

    Linux answers for sockets what terminals are asked with this request (tcp(7), SIOCOUTQ).
    """
    return _ask(descriptor, termios.TIOCOUTQ)


def unread(descriptor: int) -> int:
    """Received bytes that were not read yet; 0 where the system does not report it."""
    return _ask(descriptor, termios.FIONREAD)


def _ask(descriptor: int, request: int) -> int:
    try:
        answer = fcntl.ioctl(descriptor, request, bytes(_INT.size))
    except OSError:
        return 0
    return int(_INT.unpack(answer)[0])
