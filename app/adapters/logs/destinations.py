"""Where lines go, as unbuffered streams: a file, or standard error."""

import contextlib
import os
import sys
from io import FileIO, RawIOBase

_FILE_MODE = 0o660


class LogFileError(Exception):
    """The log file cannot be opened; the text is gnatsd's (configuration.md, section 7)."""


def open_file(name: str) -> RawIOBase:
    """Append to the file; a new one has mode 0660 minus umask (configuration.md, section 8).

    Raises `LogFileError`.
    """
    try:
        return FileIO(os.open(name, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, _FILE_MODE), "a")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise LogFileError(f"error opening file: open {name}: {reason}") from error


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
