"""The trace of a simulation: the last events in virtual time, and a digest of all events."""

import sys
from collections import deque
from collections.abc import Callable
from typing import Final
from zlib import crc32

KEPT: Final = 400
"""Maximum number of events that are kept."""

_SHOWN: Final = 160
"""Maximum bytes of one arrival that are shown."""


class Trace:
    """Records events; `echo` prints each one at once."""

    def __init__(self, now: Callable[[], float], *, echo: bool = False) -> None:
        self._now = now
        self._echo = echo
        self._kept: deque[tuple[float, str, str | bytes]] = deque(maxlen=KEPT)
        self._sum = 0
        self.noted = 0

    def note(self, who: str, what: str) -> None:
        """Record an event of `who`."""
        self._keep(who, what, what.encode())

    def logged(self, who: str, what: str) -> None:
        """Record a log line of `who`; the digest omits it."""
        now = self._now()
        self._kept.append((now, who, what))
        if self._echo:
            sys.stdout.write(_line(now, who, what) + "\n")

    def carried(self, path: str, data: bytes) -> None:
        """Record bytes that arrived; lines of PING and PONG alone are in the digest, but not kept."""
        self._keep(path, data[:_SHOWN], data)

    def _keep(self, who: str, shown: str | bytes, data: bytes) -> None:
        now = self._now()
        self.noted += 1
        self._sum = crc32(data, (self._sum + int(now * 1e9)) & 0xFFFFFFFF)
        if isinstance(shown, bytes) and _is_idle(shown):
            return
        self._kept.append((now, who, shown))
        if self._echo:
            sys.stdout.write(_line(now, who, shown) + "\n")

    @property
    def digest(self) -> str:
        """A checksum; equal runs have equal digests."""
        return f"{self._sum:08x}-{self.noted}"

    def lines(self) -> list[str]:
        """The last events, oldest first."""
        return [_line(*event) for event in self._kept]


def _line(now: float, who: str, shown: str | bytes) -> str:
    text = shown if isinstance(shown, str) else repr(shown)[1:]
    return f"{now:12.6f}  {who:<24} {text}"


def _is_idle(data: bytes) -> bool:
    """Whether it is PING and PONG alone."""
    return not data.replace(b"PING\r\n", b"").replace(b"PONG\r\n", b"")
