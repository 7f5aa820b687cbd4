"""A reader that does not keep up, and its publisher: what flow control has to deal with."""

import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Self

HOST = "127.0.0.1"
SECONDS = 30.0
SUBJECT = "reports.nightly"
_BLOCK = b"x" * 16_000
_SIP = 20_000
_SIP_SECONDS = 0.1
_ROOM = 64 * 1024
"""What the system keeps for the slow reader."""


class SlowReader:
    """A publisher and its slow reader, on threads of their own, within a ``with`` block.

    With `companion` a quick reader listens, too, so that the slow one keeps messages from it.
    """

    def __init__(self, port: int, *, companion: bool = False) -> None:
        """`port` is that of the server."""
        self._port = port
        self._links: list[socket.socket] = []
        self._chores: list[tuple[str, Callable[[socket.socket], None]]] = [("laptop-on-wifi", self._sip)]
        if companion:
            self._chores.append(("archive", self._read))
        self._chores.append(("report-builder", self._publish))
        self._threads: list[threading.Thread] = []
        self._is_over = threading.Event()

    def __enter__(self) -> Self:
        for name, chore in self._chores:
            link = self._connect(name)
            thread = threading.Thread(target=self._work, args=(chore, link), name=name, daemon=True)
            self._links.append(link)
            self._threads.append(thread)
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for link in self._links:
            with suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(SECONDS)
        for link in self._links:
            link.close()

    def _connect(self, name: str) -> socket.socket:
        """A client; all but the publisher listen."""
        link = socket.socket()
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _ROOM)
        link.settimeout(SECONDS)
        link.connect((HOST, self._port))
        hello = json.dumps({"verbose": False, "name": name, "lang": "go", "version": "1.37.0"})
        listen = "" if name == "report-builder" else f"SUB {SUBJECT} 1\r\n"
        link.sendall(f"CONNECT {hello}\r\n{listen}PING\r\n".encode())
        while b"PONG" not in link.recv(_ROOM):
            pass
        return link

    def _work(self, chore: Callable[[socket.socket], None], link: socket.socket) -> None:
        """Until the link breaks, which it does when the reader is closed as a slow consumer."""
        with suppress(OSError):
            while not self._is_over.is_set():
                chore(link)

    def _publish(self, link: socket.socket) -> None:
        link.sendall(b"PUB %b %d\r\n%b\r\n" % (SUBJECT.encode(), len(_BLOCK), _BLOCK))
        time.sleep(0.008)  # about two megabytes a second

    def _sip(self, link: socket.socket) -> None:
        """Two hundred kilobytes a second."""
        if not link.recv(_SIP):
            raise ConnectionError
        time.sleep(_SIP_SECONDS)

    def _read(self, link: socket.socket) -> None:
        if not link.recv(1 << 20):
            raise ConnectionError
