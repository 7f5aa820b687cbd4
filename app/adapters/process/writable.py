"""Whether a file could be written, found out without making or changing it."""

import errno
import os
from pathlib import Path

_PROBING = os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


def reason_not_writable(path: str) -> str:
    """Why a start could not open `path` for writing, in the system's few words; empty if it could."""
    try:
        os.close(os.open(path, _PROBING))
    except FileNotFoundError:
        return _reason_not_creatable(path)
    except OSError as error:
        if error.errno == errno.ENXIO:  # a pipe that nobody reads yet
            return ""
        return (error.strerror or str(error)).lower()
    except ValueError as error:  # a name that no file can have
        return str(error)
    return ""


def _reason_not_creatable(path: str) -> str:
    """The same for a file that is not there yet; a link counts as what it leads to."""
    directory = Path(path).resolve().parent
    if not path or not directory.is_dir():
        return os.strerror(errno.ENOENT).lower()
    if path.endswith(os.sep):
        return os.strerror(errno.EISDIR).lower()
    return "" if os.access(directory, os.W_OK | os.X_OK) else os.strerror(errno.EACCES).lower()
