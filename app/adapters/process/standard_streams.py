"""The three streams a process is born with, may be born without, and may fail to write to."""

import contextlib
import os
import sys
from io import TextIOWrapper
from typing import TextIO

_NUMBERS = (0, 1, 2)


def fill_standard_streams() -> None:
    """Open the null device in place of each standard stream that is closed.

    Without that the next sockets get their numbers, and libuv ends the process when it
    closes one of these. `sys.__stderr__` stays as it is: it tells the log that there is
    nobody to read it.
    """
    for number in _NUMBERS:
        if not _is_open(number):
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, which is this one
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", closefd=False)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as standard error has it from birth


def say(text: str) -> bool:
    """Write it to standard output, and tell whether all of it could be written.

    A reader that has gone knows that it has; any other failure is told on standard error.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        _give_up(sys.stdout)
        return False
    except OSError as error:
        _give_up(sys.stdout)
        complain(f"cannot write to standard output: {(error.strerror or str(error)).lower()}\n")
        return False
    return True


def complain(text: str) -> None:
    """Write it to standard error; when that fails too there is nobody left to tell."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        _give_up(sys.stderr)


def _give_up(stream: TextIO) -> None:
    """Let what is left in the buffer go nowhere, for Python tries to write it once more at the end."""
    with contextlib.suppress(OSError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
