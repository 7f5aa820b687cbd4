"""The three streams a process is born with, and may be born without."""

import os
import sys

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


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
