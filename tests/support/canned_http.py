"""A monitoring port that gives prepared answers, over real sockets, on a thread."""

import socket
import threading
from collections.abc import Sequence
from typing import Self

from tests.support.patience import PATIENCE


def answer(body: bytes, status: str = "200 OK", *, keep: bool = True) -> bytes:
    """A whole HTTP answer."""
    connection = b"keep-alive" if keep else b"close"
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: ".encode()
    return head + connection + b"\r\n\r\n" + body


class CannedHttp:
    """Serves connections one after the other, within a ``with`` block.

    Each connection has its list of answers, one for each request; after the last
    one it is closed. Requests are kept, as the lines that they begin with.
    """

    def __init__(self, *connections: Sequence[bytes]) -> None:
        self._connections = connections
        self.requests: list[str] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, name="canned", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        # Closing alone does not wake the thread that accepts.
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(PATIENCE)

    def _serve(self) -> None:
        for answers in self._connections:
            try:
                link, _ = self._listening.accept()
            except OSError:
                return
            with link, link.makefile("rb") as lines:
                for prepared in answers:
                    self.requests.append(lines.readline().decode("latin-1").strip())
                    while lines.readline().strip():
                        pass
                    link.sendall(prepared)
