"""The history of the last minutes and hours: samples in rings of fixed size.

A sample holds running totals, so the difference of any two gives a rate, and a window
with larger steps has the same samples, but fewer of them.
"""

from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

STEP_SECONDS = 2.0
"""Time between two samples of the finest window."""

LENGTH = 300
"""Steps of a window."""


class HistorySample(NamedTuple):
    """The state at one time. The page reads the fields by position."""

    at: float
    """On the monotonic scale, in seconds."""
    in_msgs: int
    out_msgs: int
    in_bytes: int
    out_bytes: int
    cpu_seconds: float
    """Processor time used by the process so far."""
    mem: int
    """Resident bytes."""
    connections: int


@dataclass(frozen=True, slots=True)
class Window:
    """A period that the page can show."""

    name: str
    every: int
    """Samples of the finest window per sample of this one."""

    @property
    def seconds(self) -> float:
        """Its length."""
        return STEP_SECONDS * self.every * LENGTH


WINDOWS = (Window("10m", 1), Window("2h", 12), Window("24h", 144))


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The newest samples of a window."""

    ring: str
    """Name of the window whose samples these are: a finer one while that still holds all samples."""
    first: int
    """Number of the first sample, counted in this ring since the server started."""
    step: float
    """Seconds from one to the next."""
    samples: list[HistorySample]
    latest: list[HistorySample]
    """The last two of the finest window, for current figures."""


class History:
    """The samples of all windows. `LENGTH` rates need one sample more."""

    def __init__(self) -> None:
        self._count = 0
        self._rings = {window: deque[HistorySample](maxlen=LENGTH + 1) for window in WINDOWS}

    def add(self, sample: HistorySample) -> None:
        """Add a sample to each window that takes it."""
        for window, ring in self._rings.items():
            if self._count % window.every == 0:
                ring.append(sample)
        self._count += 1

    def since(self, window: Window, number: int, ring_of_number: str = "") -> Excerpt:
        """The samples of a window from a number on, as far as the ring still has them.

        All samples of a young server fit into a finer ring, which shows more. A number
        that counts in another ring has no meaning, and all samples are returned.
        """
        source = self._source(window)
        ring = self._rings[source]
        taken = -(-self._count // source.every)
        oldest = taken - len(ring)
        known = number if ring_of_number in ("", source.name) else 0
        first = min(max(known, oldest), taken)
        return Excerpt(
            ring=source.name,
            first=first,
            step=STEP_SECONDS * source.every,
            samples=list(islice(ring, first - oldest, None)),
            latest=list(self._rings[WINDOWS[0]])[-2:],
        )

    def _source(self, window: Window) -> Window:
        """The finest window that still holds all samples; else the window itself."""
        return next(
            source for source in WINDOWS if source is window or self._count <= source.every * LENGTH + 1
        )
