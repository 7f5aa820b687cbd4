"""The files that a configuration stands in: opened with care, and read as a whole.

A name on a command line or behind ``include`` may lead anywhere: to a pipe nobody
writes to, a device without an end, or a hundred megabytes of something else.
"""

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from app.config.errors import ConfigError, Place, Problem

LARGEST_FILE = 4 * 1024 * 1024
"""Bytes in one file."""

Identity: TypeAlias = tuple[int, int]
"""The same for all names of one file."""


class Unreadable(Exception):
    """There is no text to be had; says which file and why, as Go words it."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"open {path if path.isprintable() else ascii(path)}: {reason}")


@dataclass(frozen=True, slots=True)
class Source:
    path: str
    text: str
    identity: Identity | None = None
    """None for a text that stands in no file."""


def open_source(path: str) -> Source:
    """The file's text. Raises `Unreadable`, or `ConfigError` where it is not UTF-8."""
    try:
        status = Path(path).stat()
        if stat.S_ISDIR(status.st_mode):
            raise Unreadable(path, "is a directory")
        if not stat.S_ISREG(status.st_mode):
            raise Unreadable(path, "is not a regular file")
        with Path(path).open("rb", buffering=0) as file:
            data = _read(file.fileno(), path)
    except OSError as error:
        raise Unreadable(path, _reason(error)) from error
    except ValueError as error:
        raise Unreadable(path, "no file can have this name") from error
    return Source(path, _decoded(data, path), (status.st_dev, status.st_ino))


def _read(descriptor: int, path: str) -> bytes:
    """All there is, whatever size the system gave: some files have none until they are read."""
    pieces = []
    left = LARGEST_FILE
    while piece := os.read(descriptor, left + 1):
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
