"""What the program calls itself."""

import sys

from app import __version__
from app.entrypoints.identity import PROGRAM, RUNTIME


def test_names() -> None:
    """The program and the interpreter, each with its version."""
    assert f"pynatsd {__version__}" == PROGRAM
    assert RUNTIME.endswith(sys.version.split()[0])
