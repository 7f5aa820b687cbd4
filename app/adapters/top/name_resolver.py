"""Names of addresses, looked up in a thread."""

import queue
import socket
import threading
from collections import OrderedDict
from collections.abc import Callable

KEPT = 4096
"""Addresses whose names are remembered."""


def look_up(ip: str) -> str | None:
    """Ask the system's resolver; may take many seconds."""
    try:
        return socket.gethostbyaddr(ip)[0]
    except (OSError, UnicodeError):
        return None


class NameResolver:
    """Returns known names at once, and looks up unknown ones one after the other."""

    def __init__(self, look_up: Callable[[str], str | None] = look_up) -> None:
        self._look_up = look_up
        self._known: OrderedDict[str, str | None] = OrderedDict()
        self._wanted: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._worker: threading.Thread | None = None

    def find(self, ip: str) -> str | None:
        """The name; None while it is unknown, or if there is none. Called from one thread."""
        if ip not in self._known:
            self._known[ip] = None
            if len(self._known) > KEPT:
                self._known.popitem(last=False)
            self._wanted.put(ip)
            self._start()
        return self._known[ip]

    def _start(self) -> None:
        if self._worker is None:
            # A daemon: a name server that does not answer must not keep the program from ending.
            self._worker = threading.Thread(target=self._work, name="name-resolver", daemon=True)
            self._worker.start()

    def _work(self) -> None:
        while True:
            ip = self._wanted.get()
            name = self._look_up(ip)
            if ip in self._known:
                self._known[ip] = name
