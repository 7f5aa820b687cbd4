"""The heap: memory that is freed, and how much of it is kept for the next read.

The C library gives back at once what was large, and gets it anew from the system page
by page, which costs more than all that is done with it: a server in plain Python spent
four fifths of its time on that, at payloads of 8 KiB. So some megabytes are kept. After
a rush, when thousands of connections have left, much more is free; it is returned when
the library is asked.
"""

import ctypes
from collections.abc import Callable

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Numbers of glibc's settings, as in its malloc.h; see mallopt(3)."""

KEPT_BYTES = 4 * 1024 * 1024
"""Free memory at the end of the heap that is kept."""

OWN_PAGES_BYTES = 2 * 1024 * 1024
"""From this size on a piece of memory has pages of its own, and is given back when it is freed."""


def keep_room() -> None:
    """Keep some freed memory from now on, where the C library can be told so."""
    try:
        set_option = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # no glibc
        return
    set_option(_TRIM_THRESHOLD, KEPT_BYTES)
    set_option(_MMAP_THRESHOLD, OWN_PAGES_BYTES)


def find_trim() -> Callable[[], None]:
    """The call that gives free memory back; one that does nothing where there is none.

    It takes milliseconds and may be made from any thread.
    """
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):  # no glibc
        return lambda: None
    return lambda: trim(0)
