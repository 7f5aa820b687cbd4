"""Send queue: bytes of a socket that its peer has not acknowledged yet."""

import fcntl
import struct
import termios

_INT = struct.Struct("i")


def unacknowledged(descriptor: int) -> int:
    """Bytes that were sent and that the peer's side has not taken; 0 where the system does not say.

    Linux answers for sockets what terminals are asked with this request (tcp(7), SIOCOUTQ).
    """
    try:
        answer = fcntl.ioctl(descriptor, termios.TIOCOUTQ, bytes(_INT.size))
    except OSError:
        return 0
    return int(_INT.unpack(answer)[0])
