"""Settings of the C library's heap: free memory that is kept, and memory that is returned.

By default the C library returns large blocks at once and gets them back page by page,
which costs more than their use: a server in plain Python spent four fifths of its time on
that, at payloads of 8 KiB. So some megabytes are kept. After thousands of disconnects much
more is free; `find_trim` returns it to the system.
"""

import ctypes
from collections.abc import Callable

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Numbers of glibc's options, as in malloc.h; see mallopt(3)."""

KEPT_BYTES = 4 * 1024 * 1024
"""Free memory kept at the end of the heap."""

MMAP_BYTES = 2 * 1024 * 1024
"""Blocks of this size or more are mapped separately, and returned when they are freed."""


def keep_free_memory() -> None:
    """Keep some freed memory from now on, if the C library supports it."""
    try:
        set_option = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # no glibc
        return
    set_option(_TRIM_THRESHOLD, KEPT_BYTES)
    set_option(_MMAP_THRESHOLD, MMAP_BYTES)


def find_trim() -> Callable[[], None]:
    """A function that returns free memory to the system; it does nothing without glibc.

    The function takes milliseconds, and may be called in any thread.
    """
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):  # no glibc
        return lambda: None
    return lambda: trim(0)
