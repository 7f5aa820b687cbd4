"""What this process takes: memory and processor time."""

import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

_PAGE = resource.getpagesize()
_PEAK_UNIT = 1 if sys.platform == "darwin" else 1024

WINDOW_SECONDS = 1.0
"""How often `ProcessFigures.sample` is to be called."""


class ProcessFigures:
    """Memory and processors now, and processor time over the last window."""

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        processor_seconds: Callable[[], float] = time.process_time,
        statm: Path = Path("/proc/self/statm"),
    ) -> None:
        self._monotonic = monotonic
        self._processor_seconds = processor_seconds
        self._statm = statm
        self._since = monotonic()
        self._spent = processor_seconds()
        self.cpu = 0.0
        """Percent of one core, with one decimal; 0.0 until the first window is over."""

    def sample(self) -> None:
        """End a window, and begin the next."""
        now, spent = self._monotonic(), self._processor_seconds()
        if now > self._since:
            self.cpu = round(100 * (spent - self._spent) / (now - self._since), 1)
        self._since, self._spent = now, spent

    def memory(self) -> int:
        """Bytes in RAM; where the system has no /proc, the most there ever were."""
        try:
            return int(self._statm.read_bytes().split()[1]) * _PAGE
        except OSError:
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _PEAK_UNIT

    def cores(self) -> int:
        """Processors of the machine."""
        return os.cpu_count() or 1

    def usable_cores(self) -> int:
        """Processors this process may run on."""
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else self.cores()
