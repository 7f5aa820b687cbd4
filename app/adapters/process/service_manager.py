"""Telling the service manager how the server is, as systemd wants to hear it.

Under ``Type=notify`` systemd takes a service for started when it says so, and with
``WatchdogSec`` it kills one that falls silent. The words are lines in a datagram;
where to send it stands in the environment. Started by anything else, the server
has nobody to tell, and all of this does nothing.
"""

import os
import socket
import time
from collections.abc import Callable, Mapping

from app.ports.clock import Clock

_SEND_SECONDS = 0.1
"""How long a word may take. The event loop waits for it, so it is short."""

_MICROSECONDS = 1_000_000


Send = Callable[[str, bytes], None]
"""Sends a datagram to an address as it stands in the environment. Raises `OSError`."""


def send_datagram(address: str, words: bytes) -> None:
    """Over a socket of this machine; an address with @ in front is in the abstract namespace."""
    path = os.fsencode(address)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
        link.settimeout(_SEND_SECONDS)
        link.connect(b"\0" + path[1:] if path.startswith(b"@") else path)
        link.send(words)


class ServiceManager:
    """Speaks to whoever started this process.

    Failures are told to `warn`, in one line, the first time only: a server that
    serves is worth more than one that ends because nobody listens.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        warn: Callable[[str], None],
        monotonic: Callable[[], float] = time.monotonic,
        send: Send = send_datagram,
    ) -> None:
        """`environment` is the process's. `monotonic` is the system's clock of that name, in seconds."""
        self._address = environment.get("NOTIFY_SOCKET", "")
        self._warn = warn
        self._monotonic = monotonic
        self._send = send
        self._warned = False
        self.alive_every = self._read_interval(environment)
        """Seconds between two signs of life, half of what is granted; None when nobody waits for any."""

    def ready(self) -> None:
        """The server serves; after `reloading`: with its new settings."""
        self._tell("READY=1")

    def reloading(self) -> None:
        """The server reads its configuration again. To be followed by `ready`, whatever comes of it."""
        # Without the time the manager cannot tell this word from an older one.
        self._tell(f"RELOADING=1\nMONOTONIC_USEC={int(self._monotonic() * _MICROSECONDS)}")

    def stopping(self) -> None:
        """The server has begun to stop."""
        self._tell("STOPPING=1")

    def keep_alive(self, clock: Clock) -> None:
        """Give signs of life from now on, if anybody waits for them.

        `clock` is that of the event loop, so that they end when the loop is stuck.
        """
        interval = self.alive_every
        if interval is not None:
            self._tell("WATCHDOG=1")
            clock.call_later(interval, lambda: self.keep_alive(clock))

    def _read_interval(self, environment: Mapping[str, str]) -> float | None:
        granted = environment.get("WATCHDOG_USEC", "")
        owner = environment.get("WATCHDOG_PID", "")
        if not self._address or not granted or owner not in ("", str(os.getpid())):
            return None
        if not granted.isdecimal() or not int(granted):
            self._complain(f"WATCHDOG_USEC is {granted!r}, not a number of microseconds")
            return None
        return int(granted) / _MICROSECONDS / 2

    def _tell(self, words: str) -> None:
        if not self._address:
            return
        try:
            self._send(self._address, words.encode("ascii"))
        except OSError as error:
            self._complain(f"{self._address}: {error}")

    def _complain(self, reason: str) -> None:
        if not self._warned:
            self._warned = True
            self._warn(f"cannot talk to the service manager: {reason}")
