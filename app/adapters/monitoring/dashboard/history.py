"""What the server did in the last minutes and hours: samples in rings of fixed size.

A sample holds running totals, so that rates come from the difference of any two, and
a window with larger steps is the same samples, fewer of them.
"""

from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

STEP_SECONDS = 2.0
"""Time between two samples of the finest window."""

LENGTH = 300
"""Steps that a window shows."""


class Sample(NamedTuple):
    """The state at one time; the page reads the fields by their place."""

    at: float
    """On the monotonic scale, in seconds."""
    in_msgs: int
    out_msgs: int
    in_bytes: int
    out_bytes: int
    cpu_seconds: float
    """Processor time that the process has used so far."""
    mem: int
    """Resident bytes."""
    connections: int


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time that can be looked at."""

    name: str
    every: int
    """Samples of the finest window from one to the next."""

    @property
    def seconds(self) -> float:
        """How long it is."""
        return STEP_SECONDS * self.every * LENGTH


WINDOWS = (Window("10m", 1), Window("2h", 12), Window("24h", 144))


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The newest samples of a window."""

    ring: str
    """Name of the window whose samples these are: a finer one, as long as it holds all there is."""
    first: int
    """The number of the first one in this ring, counted since the server started."""
    step: float
    """Seconds from one to the next."""
    samples: list[Sample]
    latest: list[Sample]
    """The last two of the finest window, for the figures of now."""


class History:
    """The samples of all windows. `LENGTH` rates need one sample more."""

    def __init__(self) -> None:
        self._count = 0
        self._rings = {window: deque[Sample](maxlen=LENGTH + 1) for window in WINDOWS}

    def add(self, sample: Sample) -> None:
        """Keep a sample in each window whose turn it is."""
        for window, ring in self._rings.items():
            if self._count % window.every == 0:
                ring.append(sample)
        self._count += 1

    def since(self, window: Window, number: int, ring_of_number: str = "") -> Excerpt:
        """The samples of a window from a number on, as far as they are still there.

        A young server's samples all fit into a finer ring, which shows more. A number
        that counts the samples of another ring has no meaning, and all are given.
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
        """The finest window that still holds all samples; the wanted one, when no finer one does."""
        return next(
            source for source in WINDOWS if source is window or self._count <= source.every * LENGTH + 1
        )
