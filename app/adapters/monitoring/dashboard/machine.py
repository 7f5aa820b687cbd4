"""How much memory the machine allows this process."""

import os
from collections.abc import Iterable
from pathlib import Path

CGROUP_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
"""Of a container: version 2 and version 1."""


def memory_limit(cgroup_limits: Iterable[Path] = CGROUP_LIMITS) -> int:
    """Bytes that the process may use: those of its container, or those of the machine.

    Reading them takes some microseconds.
    """
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([machine, *filter(None, map(_limit, cgroup_limits))])


def _limit(path: Path) -> int:
    """The number in a file; 0 for none."""
    try:
        text = path.read_text("ascii").strip()
    except OSError:
        return 0
    return int(text) if text.isdigit() else 0
