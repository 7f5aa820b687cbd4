"""Unit tests of the standard streams, each in a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.patience import PATIENCE

OPENS_A_FILE = """
import os, sys
from app.adapters.process.standard_streams import fill_standard_streams

fill_standard_streams()
print("to standard output", flush=True)
print("to standard error", file=sys.stderr, flush=True)
number = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)
os.write(number, str(number).encode())
"""


@pytest.mark.parametrize(
    ("closing", "out", "err"),
    [
        ("", "to standard output\n", "to standard error\n"),
        ("<&-", "to standard output\n", "to standard error\n"),
        (">&-", "", "to standard error\n"),
        ("2>&-", "to standard output\n", ""),
        ("<&- >&- 2>&-", "", ""),
    ],
)
def test_numbers_of_standard_streams(tmp_path: Path, closing: str, out: str, err: str) -> None:
    """What is opened later gets none of the three numbers, and open streams stay what they are."""
    file = tmp_path / "number"
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {closing}', "sh", sys.executable, "-c", OPENS_A_FILE, str(file)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )

    assert (out, err) == (done.stdout, done.stderr)
    assert int(file.read_text()) not in (0, 1, 2)
