"""Notifications to the service manager, in systemd's protocol.

With ``Type=notify`` a service counts as started when it sends a notification, and with
``WatchdogSec`` it is killed when its notifications stop. Each is a datagram of lines; its
address is in the environment. Without that variable nothing is sent.
"""

import os
import socket
from collections.abc import Callable, Mapping

from ...ports.clock import Clock

_SEND_SECONDS = 0.1
"""Time limit of one notification. The event loop waits for it, so it is short."""

_MICROSECONDS = 1_000_000


Send = Callable[[str, bytes], None]
"""Sends a datagram to the address in the environment. Raises `OSError`."""


def send_datagram(address: str, message: bytes) -> None:
    """Send over a Unix socket; an address that begins with @ is in the abstract namespace."""
    path = os.fsencode(address)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
        link.settimeout(_SEND_SECONDS)
        link.connect(b"\0" + path[1:] if path.startswith(b"@") else path)
        link.send(message)


class ServiceManager:
    """Sends notifications to the service manager, if there is one.

    A failure is passed to `warn` in one line, the first time only; the server goes on.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        warn: Callable[[str], None],
        send: Send = send_datagram,
    ) -> None:
        """`environment` is that of the process."""
        self._address = environment.get("NOTIFY_SOCKET", "")
        self._warn = warn
        self._send = send
        self._warned = False
        self._is_stopping = False
        self.alive_every = self._read_interval(environment)
        """Seconds between watchdog notifications, half of the time limit; None without a watchdog."""

    def ready(self) -> None:
        """The server accepts clients. Nobody hears of it after `stopping`: a reload may end later."""
        if not self._is_stopping:
            self._send_lines("READY=1")

    def reloading(self, monotonic: float) -> None:
        """The server reads its configuration again; `ready` follows. `monotonic` is the system's clock."""
        self._send_lines(f"RELOADING=1\nMONOTONIC_USEC={int(monotonic * _MICROSECONDS)}")

    def stopping(self) -> None:
        """The server is stopping."""
        self._is_stopping = True
        self._send_lines("STOPPING=1")

    def status(self, text: str) -> None:
        """What the server does, for people: one line."""
        self._send_lines(f"STATUS={text}")

    def keep_alive(self, clock: Clock) -> None:
        """Send watchdog notifications from now on, if there is a watchdog.

        `clock` is that of the event loop, so that they stop when the loop is stuck.
        """
        interval = self.alive_every
        if interval is not None:
            self._send_lines("WATCHDOG=1")
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

    def _send_lines(self, lines: str) -> None:
        if not self._address:
            return
        try:
            self._send(self._address, lines.encode("ascii"))
        except OSError as error:
            self._complain(f"{self._address}: {error}")

    def _complain(self, reason: str) -> None:
        if not self._warned:
            self._warned = True
            self._warn(f"cannot talk to the service manager: {reason}")
