"""A raw client over a websocket (RFC 6455): it frames what it sends, and counts the data it gets.

What it sends is masked with zeros, which costs the client nothing and the server what any mask does.
"""

import socket

from benchmarks.client import CONNECT, PATIENCE, RowFailed, read_some
from benchmarks.encode import PING, ends_with_pong

_REQUEST = (
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
_FINAL_BINARY, _MASKED, _LENGTH = 0x82, 0x80, 0x7F
_TWO, _EIGHT = 126, 127
_ZEROS = bytes(4)


def frame(data: bytes) -> bytes:
    """A whole message from a client."""
    size = len(data)
    if size < _TWO:
        head = bytes((_FINAL_BINARY, _MASKED | size))
    elif size < 1 << 16:
        head = bytes((_FINAL_BINARY, _MASKED | _TWO)) + size.to_bytes(2, "big")
    else:
        head = bytes((_FINAL_BINARY, _MASKED | _EIGHT)) + size.to_bytes(8, "big")
    return head + _ZEROS + data


class FrameCounter:
    """Finds the data in the frames of a server, which are not masked."""

    def __init__(self) -> None:
        self._head = b""
        self._left = 0
        """Bytes of the frame to come."""

    def spans(self, data: memoryview) -> list[tuple[int, int]]:
        """Where the data of messages is in these bytes, which follow those of the call before."""
        found: list[tuple[int, int]] = []
        at, size = 0, len(data)
        while at < size:
            if self._left:
                end = min(size, at + self._left)
                found.append((at, end))
                self._left -= end - at
                at = end
            else:
                self._head += bytes(data[at : at + 1])
                at += 1
                self._read_head()
        return found

    def _read_head(self) -> None:
        """See whether the header is complete."""
        head = self._head
        if len(head) < len(b"12"):
            return
        length = head[1] & _LENGTH
        extra = 2 if length == _TWO else 8 if length == _EIGHT else 0
        if len(head) == 2 + extra:
            self._left = int.from_bytes(head[2:], "big") if extra else length
            self._head = b""


class WebLink:
    """A client's link, used as a socket."""

    def __init__(self, port: int) -> None:
        """Connect and ask for a websocket. Raises `RowFailed` and `OSError`."""
        self._link = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self._link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._link.sendall(_REQUEST)
        self._counter = FrameCounter()
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += read_some(self._link)
        if not answer.startswith(b"HTTP/1.1 101"):
            raise RowFailed(f"the server refused a websocket: {answer!r}")
        self._unread = answer.partition(b"\r\n\r\n")[2]

    def introduce(self, opening: bytes) -> None:
        """Send the greeting and `opening`, and wait until the server has obeyed."""
        self.sendall(CONNECT + opening + PING)
        heard, data = b"", self._unread
        self._unread = b""
        while True:
            view = memoryview(data)
            heard += b"".join(bytes(view[start:end]) for start, end in self._counter.spans(view))
            if ends_with_pong(heard):
                return
            if b"-ERR" in heard:
                raise RowFailed(f"the server said {heard!r}")
            data = read_some(self._link)

    def sendall(self, data: bytes) -> None:
        """Send it as one message."""
        self._link.sendall(frame(data))

    def recv_into(self, room: bytearray) -> int:
        """Read what there is; return how many bytes of data that is, and -1 if there is none in it."""
        count = self._link.recv_into(room)
        spans = self._counter.spans(memoryview(room)[:count])
        data = sum(end - start for start, end in spans)
        return data if data or not count else -1

    def close(self) -> None:
        """Close the link."""
        self._link.close()


def dial_web(port: int, opening: bytes = b"") -> WebLink:
    """A client over a websocket that has introduced itself. Raises `RowFailed` and `OSError`."""
    link = WebLink(port)
    link.introduce(opening)
    return link
