"""Plain blocking sockets for tests at full speed, where asyncio would be the bottleneck."""

import socket
import threading

QUIET = b'CONNECT {"verbose":false,"pedantic":false}\r\n'
PIECE = 64 * 1024
DEADLINE = 60.0


def dial(port: int, *lines: bytes) -> socket.socket:
    """A quiet client that has sent these lines, and received a PONG after them."""
    link = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE)
    link.sendall(QUIET + b"".join(lines) + b"PING\r\n")
    read_until(link, b"PONG\r\n")
    return link


def read_until(link: socket.socket, ending: bytes) -> bytes:
    """All bytes up to and with `ending`; raises ConnectionError at an earlier end."""
    got = b""
    while not got.endswith(ending):
        data = link.recv(PIECE)
        if not data:
            raise ConnectionError(f"ended after {got!r}")
        got += data
    return got


class CountingReader(threading.Thread):
    """Reads a link at full speed until a number of bytes has arrived, or the link ends."""

    def __init__(self, link: socket.socket, wanted: int) -> None:
        super().__init__(daemon=True)
        self._link = link
        self._wanted = wanted
        self.count = 0
        self.start()

    def run(self) -> None:
        """Read; called by the thread."""
        room = bytearray(4 * PIECE)
        while self.count < self._wanted:
            size = self._link.recv_into(room)
            if not size:
                return
            self.count += size

    def result(self) -> int:
        """How many bytes came, once they did."""
        self.join(DEADLINE)
        return self.count
