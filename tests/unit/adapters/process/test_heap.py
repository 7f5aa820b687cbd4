"""Keeping a little memory, and giving back much."""

import ctypes
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from app.adapters.process.heap import KEPT_BYTES, MMAP_BYTES, find_trim, keep_free_memory

ROOT = Path(__file__).parents[4]


def test_glibc_is_asked_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """All free memory is given back, no reserve kept."""
    asked: list[int] = []

    class Library:
        """Notes what it is asked."""

        malloc_trim = asked.append

    monkeypatch.setattr(ctypes, "CDLL", lambda _name: Library)
    find_trim()()

    assert [0] == asked


def test_some_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The C library is set by the numbers of its header."""
    settings: list[tuple[int, int]] = []

    class Library:
        """Notes the settings."""

        @staticmethod
        def mallopt(setting: int, value: int) -> int:
            settings.append((setting, value))
            return 1

    monkeypatch.setattr(ctypes, "CDLL", lambda _name: Library)
    keep_free_memory()

    assert [(-1, KEPT_BYTES), (-3, MMAP_BYTES)] == settings


FAULTS = """
import resource
from app.adapters.process.heap import keep_free_memory

room = memoryview(bytearray(256 * 1024))

def touch():
    for _ in range(100):
        data = bytes(room)
        b"MSG".join([data[start : start + 8192] for start in range(0, len(data), 8192)])
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

keep_free_memory()
touch()
before = touch()
print(touch() - before)
"""


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="other C libraries have no such setting; runs with glibc"
)
def test_pages_are_not_fetched_anew() -> None:
    """What is read and passed on comes and goes without the system, which takes a fault for each page."""
    output = subprocess.run(
        [sys.executable, "-c", FAULTS], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout

    assert int(output) < 1000


def test_without_glibc(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the C library cannot be asked, nothing happens."""

    def refuse(_name: None) -> None:
        raise OSError

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    give_back = find_trim()

    keep_free_memory()
    give_back()
    assert callable(give_back)
