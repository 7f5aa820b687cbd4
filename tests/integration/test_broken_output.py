"""Programs whose answers cannot be written: nobody reads them, or the disk is full."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.patience import PATIENCE
from tests.support.server_process import ROOT

SERVER, MKPASSWD, TOP = "app.entrypoints.server", "app.entrypoints.mkpasswd", "app.entrypoints.top"
ANSWERS = [
    (SERVER, "-h"),
    (SERVER, "-v"),
    (SERVER, "--help_tls"),
    (SERVER, "--completion", "bash"),
    (SERVER, "-t"),
    (MKPASSWD, "-c", "4"),
    (TOP, "-h"),
    (TOP, "-v"),
]
MISUSES = [(SERVER, "-nope"), (TOP, "-nope"), (SERVER, "-c", "/nope")]

CLOSED, FULL, BOTH_FULL = 'exec "$@" >&-', 'exec "$@" >/dev/full', 'exec "$@" >/dev/full 2>/dev/full'


def run(script: str, *words: str, stdout: int = subprocess.DEVNULL) -> tuple[int, str]:
    """The status of a program that a shell runs, and what it said on standard error."""
    done = subprocess.run(
        ["sh", "-c", script, "sh", sys.executable, "-m", *words],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("words", ANSWERS)
def test_nobody_reads(words: tuple[str, ...]) -> None:
    """A closed pipe is not reported; the exit status is that of a failed write."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = run('exec "$@"', *words, stdout=writing)
    finally:
        os.close(writing)

    assert (1, "") == done


@pytest.mark.parametrize("words", ANSWERS)
def test_no_space_left(words: tuple[str, ...]) -> None:
    """What cannot be written is one clear line, and a failure."""
    assert (1, "cannot write to standard output: no space left on device\n") == run(FULL, *words)


@pytest.mark.parametrize("words", ANSWERS)
def test_no_standard_output(words: tuple[str, ...]) -> None:
    """Who starts a program without standard output wants no answer, and gets no complaint."""
    assert (0, "") == run(CLOSED, *words)


@pytest.mark.parametrize(("words", "status"), [(MISUSES[0], 2), (MISUSES[1], 2), (MISUSES[2], 1)])
def test_nothing_can_be_reported(words: tuple[str, ...], status: int) -> None:
    """If not even an error can be written, the exit status still shows the failure."""
    assert (status, "") == run(BOTH_FULL, *words)


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    """A file whose name cannot be encoded is named as well as can be."""
    name = os.fsencode(tmp_path) + b"/\xff.conf"
    os.mknod(name)

    assert (0, "") == run('exec "$@"', SERVER, "-t", "-c", os.fsdecode(name))
