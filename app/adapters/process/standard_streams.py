"""Standard input, output and error, which may be closed or fail."""

import contextlib
import os
import sys
from io import TextIOWrapper
from typing import TextIO

_NUMBERS = (0, 1, 2)


def fill_standard_streams() -> None:
    """Open the null device in place of each closed standard stream.

    Otherwise the next sockets get their numbers, and libuv ends the process when it closes
    one of these. `sys.__stderr__` stays as it is: the log checks it for a reader.
    """
    for number in _NUMBERS:
        if not _is_open(number):
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, which is `number`
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", closefd=False)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # the default of standard error


def say(text: str) -> bool:
    """Write to standard output; returns whether all of it was written.

    A failure is reported on standard error, unless the reader has closed the pipe.
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
    """Write to standard error; a failure is ignored."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        _give_up(sys.stderr)


def _give_up(stream: TextIO) -> None:
    """Send the rest of the buffer to the null device, since Python would retry it at the end."""
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
