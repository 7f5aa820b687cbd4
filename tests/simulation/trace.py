"""What happened, in virtual time: a window on the last events, and a checksum over all of them."""

import sys
from collections import deque
from collections.abc import Callable
from typing import Final
from zlib import crc32

KEPT: Final = 400
"""Events that a failure shows at most."""

_SHOWN: Final = 160
"""Bytes of one arrival that are shown."""


class Trace:
    """Notes events; `echo` prints each one as it comes."""

    def __init__(self, now: Callable[[], float], *, echo: bool = False) -> None:
        self._now = now
        self._echo = echo
        self._kept: deque[tuple[float, str, str | bytes]] = deque(maxlen=KEPT)
        self._sum = 0
        self.noted = 0

    def note(self, who: str, what: str) -> None:
        """Something was done, or happened, to `who`."""
        self._keep(who, what, what.encode())

    def told(self, who: str, what: str) -> None:
        """Somebody logged something: it is kept, but does not count for the digest."""
        now = self._now()
        self._kept.append((now, who, what))
        if self._echo:
            sys.stdout.write(_line(now, who, what) + "\n")

    def carried(self, way: str, data: bytes) -> None:
        """Bytes reached the reading end of a link; what only says "I am here" counts, but is not kept."""
        self._keep(way, data[:_SHOWN], data)

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
        """Equal for two runs in which the same happened at the same times."""
        return f"{self._sum:08x}-{self.noted}"

    def lines(self) -> list[str]:
        """The last events, oldest first."""
        return [_line(*event) for event in self._kept]


def _line(now: float, who: str, shown: str | bytes) -> str:
    text = shown if isinstance(shown, str) else repr(shown)[1:]
    return f"{now:12.6f}  {who:<24} {text}"


def _is_idle(data: bytes) -> bool:
    """Whether it only says "I am here"."""
    return not data.replace(b"PING\r\n", b"").replace(b"PONG\r\n", b"")
