"""Where lines go, as unbuffered streams: a file, or standard error; for syslog see `syslog_sink`.

Errors at start, each with gnatsd's text (configuration.md, section 7):

    LogDestinationError
    ├── LogFileError    a file cannot be opened
    └── SyslogError     a syslog daemon cannot be reached, or its address is wrong
"""

import contextlib
import os
import sys
from io import FileIO, RawIOBase

_FILE_MODE = 0o660


class LogDestinationError(Exception):
    """The log cannot go where it is wanted; the text says why."""


class LogFileError(LogDestinationError):
    """The log file cannot be opened."""


class SyslogError(LogDestinationError):
    """There is no syslog at this address."""


class LogFile(FileIO):
    """Appends to a file; a new one has mode 0660 minus umask (configuration.md, section 8)."""

    def __init__(self, path: str) -> None:
        """Raises `LogFileError`."""
        self._path = path
        super().__init__(_descriptor(path), "a")

    def reopen(self) -> None:
        """Leave the file, which may have been moved, for the one that has its name now.

        Between two writes nothing is lost. Raises `LogFileError`, and stays with the old file then.
        """
        fresh = _descriptor(self._path)
        try:
            os.dup2(fresh, self.fileno(), inheritable=False)
        finally:
            os.close(fresh)


def _descriptor(path: str) -> int:
    try:
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, _FILE_MODE)
    except (OSError, ValueError) as error:  # the latter for a name that no file can have
        reason = "embedded null byte" if "\0" in path else getattr(error, "strerror", None) or str(error)
        raise LogFileError(f"error opening file: open {path}: {reason.lower()}") from error


def open_stderr() -> RawIOBase:
    """Standard error; nowhere when the process has none.

    Python knows whether it was started with one. The number 2 alone does not tell:
    it may have become a client's socket since.
    """
    stream = sys.__stderr__
    if stream is None or stream.closed:
        return FileIO(os.devnull, "w")
    return FileIO(stream.fileno(), "w", closefd=False)


def warn(text: str) -> None:
    """Say it on standard error; when that fails too there is nobody left to tell."""
    with contextlib.suppress(OSError), open_stderr() as stream:
        stream.write(f"{text}\n".encode("utf-8", "backslashreplace"))
