"""Destinations of the log, as unbuffered streams: a file, or standard error; for syslog see `syslog_sink`.

Errors at start, with gnatsd's texts (configuration-file.md, section 7):

    LogDestinationError
    ├── LogFileError    a file cannot be opened
    └── SyslogError     a syslog daemon cannot be reached, or its address is wrong
"""

import contextlib
import os
import sys
from io import FileIO, RawIOBase

from ...domain.failure import reason_of

_FILE_MODE = 0o660


class LogDestinationError(Exception):
    """The destination of the log cannot be used; the text says why."""


class LogFileError(LogDestinationError):
    """The log file cannot be opened."""


class SyslogError(LogDestinationError):
    """The syslog daemon cannot be reached."""


class LogFile(FileIO):
    """Appends to a file; a new one has mode 0660 minus umask (configuration-file.md, section 8)."""

    def __init__(self, path: str) -> None:
        """Raises `LogFileError`."""
        self._path = path
        super().__init__(_descriptor(path), "a")

    def reopen(self) -> None:
        """Open the file of this name again; the old one may have been moved away.

        No line is lost between two writes. Raises `LogFileError`, and keeps the old file then.
        """
        fresh = _descriptor(self._path)
        try:
            os.dup2(fresh, self.fileno(), inheritable=False)
        finally:
            os.close(fresh)


def _descriptor(path: str) -> int:
    try:
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, _FILE_MODE)
    except (OSError, ValueError) as error:  # ValueError: an invalid name
        reason = reason_of(error)
        raise LogFileError(f"error opening file: open {path}: {reason.lower()}") from error


def open_stderr() -> RawIOBase:
    """Standard error; the null device if the process has none.

    `sys.__stderr__` shows whether it was started with one. Descriptor 2 does not: it may be
    a client's socket by now.
    """
    stream = sys.__stderr__
    if stream is None or stream.closed:
        return FileIO(os.devnull, "w")
    return FileIO(stream.fileno(), "w", closefd=False)


def warn(text: str) -> None:
    """Write a line to standard error; a failure is ignored."""
    with contextlib.suppress(OSError), open_stderr() as stream:
        stream.write(f"{text}\n".encode("utf-8", "backslashreplace"))
