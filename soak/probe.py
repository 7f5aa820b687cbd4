"""A client that does nothing wrong, and notes how long it waits."""

import json
import socket
import threading
import time

from soak.environment import HOST, PASSWORD, USER

_EVERY_SECONDS = 0.05
_PATIENCE = 60.0
_PUBLISHED = b"PUB probe 5\r\nstill\r\n"
_PING, _PONG = b"PING\r\n", b"PONG\r\n"
_DELIVERED = b"MSG probe 1 5\r\nstill\r\n"


class LatencyProbe(threading.Thread):
    """Publishes to itself and pings, twenty times a second, until it is stopped."""

    def __init__(self, port: int) -> None:
        """Log in. Raises `OSError` when the server cannot be reached."""
        super().__init__(daemon=True)
        self._link = socket.create_connection((HOST, port), _PATIENCE)
        self._link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        login = {"user": USER, "pass": PASSWORD, "verbose": False, "pedantic": False, "name": "probe"}
        self._link.sendall(b"CONNECT " + json.dumps(login).encode() + b"\r\nSUB probe 1\r\n")
        self._stopped = threading.Event()
        self._asked: float | None = None
        self._worst = 0.0
        self.failure = ""
        """Why it ended before it was stopped."""

    def run(self) -> None:
        """Ask again and again; called by the thread."""
        try:
            self._exchange(b"")
            while not self._stopped.wait(_EVERY_SECONDS):
                self._exchange(_DELIVERED)
        except OSError as error:
            if not self._stopped.is_set():
                self.failure = f"the probe was let down: {error}"

    def take_worst(self) -> float:
        """The longest wait since the last call, in milliseconds; one that has not ended counts."""
        asked = self._asked
        waiting = 0.0 if asked is None else time.monotonic() - asked
        worst, self._worst = max(self._worst, waiting), 0.0
        return 1000 * worst

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()
        self._link.close()
        self.join(_PATIENCE)

    def _exchange(self, delivered: bytes) -> None:
        self._asked = asked = time.monotonic()
        self._link.sendall((_PUBLISHED if delivered else b"") + b"PING\r\n")
        got = b""
        while _PONG not in got:
            data = self._link.recv(65536)
            if not data:
                raise ConnectionError(f"closed after {got[-200:]!r}")
            got += data
            if _PING in got:  # once in two minutes; a client that does not answer is closed
                self._link.sendall(_PONG)
                got = got.replace(_PING, b"")
        if delivered not in got:
            raise ConnectionError(f"wanted {delivered!r}, got {got[-200:]!r}")
        self._worst = max(self._worst, time.monotonic() - asked)
        self._asked = None
