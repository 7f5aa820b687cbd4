"""The heap: giving memory back to the system after a rush.

The C library keeps what was freed for the next rush. After thousands of
connections have left, that is most of what they took; glibc returns it when asked.
"""

import ctypes
from collections.abc import Callable


def find_trim() -> Callable[[], None]:
    """The call that gives free memory back; one that does nothing where there is none.

    It takes milliseconds and may be made from any thread.
    """
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):  # no glibc
        return lambda: None
    return lambda: trim(0)
