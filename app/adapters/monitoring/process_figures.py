"""What this process takes: memory and processor time."""

import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

_STATM = Path("/proc/self/statm")
_PAGE = resource.getpagesize()
_PEAK_UNIT = 1 if sys.platform == "darwin" else 1024

WINDOW_SECONDS = 1.0
"""How often `ProcessFigures.sample` is to be called."""


def resident_bytes() -> int:
    """Memory in RAM; where the system has no /proc, the most there ever was."""
    try:
        return int(_STATM.read_bytes().split()[1]) * _PAGE
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _PEAK_UNIT


def cores() -> int:
    """Processors of the machine."""
    return os.cpu_count() or 1


def usable_cores() -> int:
    """Processors this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return cores()


class ProcessFigures:
    """Processor time over the last window, in percent of one core."""

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        processor_seconds: Callable[[], float] = time.process_time,
    ) -> None:
        self._monotonic = monotonic
        self._processor_seconds = processor_seconds
        self._since = monotonic()
        self._spent = processor_seconds()
        self.cpu = 0.0
        """Percent, with one decimal; 0.0 until the first window is over."""

    def sample(self) -> None:
        """End a window, and begin the next."""
        now, spent = self._monotonic(), self._processor_seconds()
        if now > self._since:
            self.cpu = round(100 * (spent - self._spent) / (now - self._since), 1)
        self._since, self._spent = now, spent
