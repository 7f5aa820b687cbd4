"""How much memory the machine allows the process."""

import os
from pathlib import Path

import pytest

from app.adapters.monitoring.dashboard.machine import memory_limit

WHOLE = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


@pytest.mark.parametrize(("text", "memory"), [("1048576\n", 1_048_576), ("max\n", WHOLE), (None, WHOLE)])
def test_memory(tmp_path: Path, text: str | None, memory: int) -> None:
    """The limit of a container counts, where there is one; else all that the machine has."""
    limit = tmp_path / "memory.max"
    if text is not None:
        limit.write_text(text, "ascii")

    assert memory == memory_limit([limit])
