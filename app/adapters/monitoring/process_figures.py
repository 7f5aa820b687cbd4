"""Figures of this process: memory, processor time, descriptors, and lateness of the event loop."""

import os
import resource
import sys
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable
from pathlib import Path

_PAGE = resource.getpagesize()
_PEAK_UNIT = 1 if sys.platform == "darwin" else 1024

_WINDOWS_OF_LAG = 15
"""Windows over which the largest lag is reported; scrapes are usually as many seconds apart."""

_ENTRIES = 128
"""Descriptors counted in one step."""


CGROUP_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
"""Memory limits of a container: version 2 and version 1."""


class ProcessFigures:
    """Memory and processors now, and processor time over the last window, which is a second."""

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        processor_seconds: Callable[[], float] = time.process_time,
        statm: Path = Path("/proc/self/statm"),
        descriptors: Path = Path("/proc/self/fd"),
    ) -> None:
        self._monotonic = monotonic
        self.processor_seconds = processor_seconds
        """Processor time used by the process so far."""
        self._statm = statm
        self._descriptors = descriptors
        self._lags: deque[float] = deque(maxlen=_WINDOWS_OF_LAG)
        self._since = monotonic()
        self._spent = processor_seconds()
        self.cpu = 0.0
        """Percent of one core, with one decimal; 0.0 until the first window ends."""

    def sample(self, lag: float = 0.0) -> None:
        """End a window and begin the next; the loop was `lag` seconds late."""
        self._lags.append(lag)
        now, spent = self._monotonic(), self.processor_seconds()
        if now > self._since:
            self.cpu = round(100 * (spent - self._spent) / (now - self._since), 1)
        self._since, self._spent = now, spent

    def memory(self) -> int:
        """Resident bytes; the largest value so far where the system has no /proc."""
        try:
            return int(self._statm.read_bytes().split()[1]) * _PAGE
        except OSError:
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _PEAK_UNIT

    def lag(self) -> float:
        """Largest lateness of the loop in the last windows, in seconds."""
        return max(self._lags, default=0.0)

    def open_descriptors(self) -> Generator[None, None, int | None]:
        """Number of open descriptors, in steps; None where the system does not report it."""
        try:
            if count := self._descriptors.stat().st_size:  # Linux counts since 6.2
                return count
            with os.scandir(self._descriptors) as entries:
                for count, _ in enumerate(entries, 1):
                    if count % _ENTRIES == 0:
                        yield
        except OSError:
            return None
        return max(0, count - 1)  # one was that of the list itself

    def max_descriptors(self) -> int:
        """The limit of open descriptors."""
        return resource.getrlimit(resource.RLIMIT_NOFILE)[0]

    def cores(self) -> int:
        """Processors of the machine."""
        return os.cpu_count() or 1

    def usable_cores(self) -> int:
        """Processors this process may run on."""
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else self.cores()


def memory_limit(cgroup_limits: Iterable[Path] = CGROUP_LIMITS) -> int:
    """Bytes that the process may use: the limit of its container, or the memory of the machine.

    Reading them takes some microseconds.
    """
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([machine, *filter(None, map(_limit, cgroup_limits))])


def _limit(path: Path) -> int:
    """The number in a file; 0 if there is none."""
    try:
        text = path.read_text("ascii").strip()
    except OSError:
        return 0
    return int(text) if text.isdigit() else 0
