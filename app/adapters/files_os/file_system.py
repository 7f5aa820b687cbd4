"""The sync of a whole file system, by a descriptor of anything in it."""

import ctypes
import errno
import os
from functools import cache


@cache
def _library() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def can_sync() -> bool:
    """Whether this system has it: Linux has. What it needs later is opened now."""
    try:
        return hasattr(_library(), "syncfs")
    except OSError:  # there is no library that could be opened
        return False


def sync_file_system(descriptor: int) -> None:
    """Have all on the disk that was written or named in its file system. Raises `OSError`."""
    while _library().syncfs(ctypes.c_int(descriptor)):
        error = ctypes.get_errno()
        if error != errno.EINTR:
            raise OSError(error, os.strerror(error))
