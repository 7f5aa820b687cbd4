"""The description of an exception: in a log by its type and place, of a file by its reason."""

from pathlib import Path
from traceback import walk_tb


def described(error: BaseException) -> str:
    """Its type and where it was raised, as ``ValueError at file.py:12``.

    Its own text stays out: it may hold a secret, or whatever a peer has sent.
    """
    frames = list(walk_tb(error.__traceback__))
    if not frames:
        return type(error).__name__
    frame, line = frames[-1]
    return f"{type(error).__name__} at {Path(frame.f_code.co_filename).name}:{line}"


def reason_of(error: Exception) -> str:
    """Why a file could not be used, in the system's words; with every version of Python the same."""
    if isinstance(error, ValueError) and "null" in str(error):
        return "embedded null byte"
    return getattr(error, "strerror", None) or str(error)
