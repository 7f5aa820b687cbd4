"""Files of the process: the pid file, and a check for writable files (configuration-file.md, section 8)."""

import errno
import os
from pathlib import Path

from ...domain.failure import reason_of

_FILE_MODE = 0o660
_PROBING = os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class PidFileError(Exception):
    """The pid file cannot be written; the text is gnatsd's."""


def write_pid_file(path: str, pid: int | None = None) -> None:
    """Write the decimal number and nothing else; `pid` is this process unless given.

    An existing file is overwritten: a server that was killed leaves one. A new file has
    mode 0660 minus umask. It is never removed, so its readers must expect a process that
    no longer exists. Raises `PidFileError`.
    """
    text = str(os.getpid() if pid is None else pid)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _FILE_MODE)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
    except (OSError, ValueError) as error:
        reason = reason_of(error)
        raise PidFileError(f"Could not write pidfile: open {path}: {reason.lower()}") from error


def reason_not_writable(path: str) -> str:
    """Why `path` cannot be opened for writing, in the system's words; empty if it can. Changes no file."""
    try:
        os.close(os.open(path, _PROBING))
    except FileNotFoundError:
        return _reason_not_creatable(path)
    except OSError as error:
        if error.errno == errno.ENXIO:  # a pipe without a reader
            return ""
        return (error.strerror or str(error)).lower()
    except ValueError as error:  # an invalid name
        return str(error)
    return ""


def reason_not_a_directory(path: str) -> str:
    """Why no file can be made in the directory `path`, which may have to be made first; empty if one can."""
    directory = Path(path).absolute()
    try:
        nearest = next(place for place in (directory, *directory.parents) if _is_there(place))
    except OSError as error:  # a file on the way, links in a circle, a name that is too long
        return (error.strerror or str(error)).lower()
    except ValueError as error:  # an invalid name
        return str(error)
    if not nearest.is_dir():
        return os.strerror(errno.ENOTDIR).lower()
    return "" if os.access(nearest, os.W_OK | os.X_OK) else os.strerror(errno.EACCES).lower()


def _is_there(place: Path) -> bool:
    """Whether there is something of this name. Raises `OSError` where that cannot be known."""
    try:
        place.stat()
    except FileNotFoundError:
        return False
    return True


def _reason_not_creatable(path: str) -> str:
    """The same for a file that does not exist; a link counts as its target."""
    directory = Path(path).resolve().parent
    if not path or not directory.is_dir():
        return os.strerror(errno.ENOENT).lower()
    if path.endswith(os.sep):
        return os.strerror(errno.EISDIR).lower()
    return "" if os.access(directory, os.W_OK | os.X_OK) else os.strerror(errno.EACCES).lower()
