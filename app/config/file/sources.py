"""The files of a configuration: opened with care, and read as a whole.

A name on a command line or after ``include`` may lead anywhere: to a pipe without
a writer, a device without an end, or a hundred megabytes of something else.
"""

import os
import select
import stat
import time
from typing import TypeAlias

from ...domain.text import printable
from ...domain.value_object import value_object
from ..errors import ConfigError, Place, Problem

LARGEST_FILE = 4 * 1024 * 1024
"""Bytes in one file."""

PATIENCE = 10.0
"""Seconds in which a pipe or device must come to its end."""

PAUSE = 0.01
"""Seconds before a file is read again that was written while it was read."""

FileIdentity: TypeAlias = tuple[int, int]
"""The same for all names of one file."""


class Unreadable(Exception):
    """The file cannot be read; says which file and why, as Go words it."""

    def __init__(self, path: str, reason: str, call: str = "open") -> None:
        super().__init__(f"{call} {printable(path)}: {reason}")


@value_object
class SourceFile:
    """A file that has been read."""

    path: str
    text: str
    identity: FileIdentity | None = None
    """None for a text that is in no file."""


def open_source(path: str, patience: float = PATIENCE) -> SourceFile:
    """The file's text, which is waited for as long as `patience`, in seconds.

    Raises `Unreadable`, or `ConfigError` where it is not UTF-8.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        try:
            data = _read_whole(descriptor, path, patience)
            status = os.fstat(descriptor)
        finally:
            os.close(descriptor)
    except IsADirectoryError as error:  # which can be opened
        raise Unreadable(path, _reason(error), "read") from error
    except OSError as error:
        raise Unreadable(path, _reason(error)) from error
    except ValueError as error:
        raise Unreadable(path, "invalid file name") from error
    return SourceFile(path, _decoded(data, path), (status.st_dev, status.st_ino))


def _read_whole(descriptor: int, path: str, patience: float) -> bytes:
    """All there is, read again if it was written meanwhile: half of it may be valid, too."""
    end = time.monotonic() + patience
    while True:
        before = os.fstat(descriptor)
        data = _read(descriptor, path, patience)
        after = os.fstat(descriptor)
        if not stat.S_ISREG(after.st_mode) or _version(before) == _version(after):
            return data
        if time.monotonic() >= end:
            raise Unreadable(path, "changes while it is read; replace it by a rename")
        time.sleep(PAUSE)
        os.lseek(descriptor, 0, os.SEEK_SET)


def _version(status: os.stat_result) -> tuple[int, int]:
    return status.st_mtime_ns, status.st_size


def _read(descriptor: int, path: str, patience: float) -> bytes:
    """All there is, whatever size the system gave: some files have none until they are read."""
    pieces = []
    left = LARGEST_FILE
    end = time.monotonic() + patience
    ready = select.poll()
    ready.register(descriptor, select.POLLIN)
    while True:
        if not ready.poll(1000 * max(0.0, end - time.monotonic())):
            raise Unreadable(path, f"no end within {patience:g} s; does anything write to it?")
        piece = os.read(descriptor, left + 1)
        if not piece:
            break
        pieces.append(piece)
        left -= len(piece)
        if left < 0:
            raise Unreadable(path, f"is larger than {LARGEST_FILE // 1024**2} MiB")
    return b"".join(pieces)


def _reason(error: OSError) -> str:
    text = error.strerror or "cannot be read"
    return text[:1].lower() + text[1:]


def _decoded(data: bytes, path: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].decode()
        line = before.count("\n") + 1
        place = Place(path, line, len(before) - (before.rfind("\n") + 1) + 1)
        raise ConfigError([Problem("the file is not UTF-8 text", place)]) from error
