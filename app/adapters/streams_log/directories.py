"""The places of the files of streams, and their sizes."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from ...ports.files import Files
from .file_head import GONE, NEW
from .journal import JOURNAL_SIZE, RESERVE, sync_directory
from .segment import SEGMENT_SIZE
from .steps import Step

STREAMS = "streams"
"""The directory that has those of all streams."""


class Sizes(NamedTuple):
    """How large files get, in bytes."""

    segment: int = SEGMENT_SIZE
    journal: int = JOURNAL_SIZE
    ahead: int = RESERVE
    """Room that files get at least ahead of what is written."""


SIZES = Sizes()
"""Those of a server."""


def stream_directory(number: int) -> str:
    """The directory of one stream."""
    return f"{STREAMS}/{number}"


def making_stream(files: Files, directory: str, fill: Callable[[str], list[Step]]) -> list[Step]:
    """Steps that make the directory of a stream, under another name until `fill` has filled that."""
    made = f"{directory}{NEW}"
    return [
        partial(files.make_directory, made),
        *fill(made),
        partial(sync_directory, files, made),
        partial(files.rename, made, directory),
        partial(sync_directory, files, STREAMS),
    ]


def give_up_stream(files: Files, directory: str) -> None:
    """Take its name from the directory of a stream: after a crash it is removed as a whole, or not at all.

    Raises `OSError`; then it has its name, as far as that can be known.
    """
    gone = f"{directory}{GONE}"
    try:
        files.rename(directory, gone)
    except FileNotFoundError:  # it was never complete, if there is anything
        return
    try:
        sync_directory(files, STREAMS)
    except OSError:
        with suppress(OSError):
            files.rename(gone, directory)
        raise


def remove_stream(files: Files, directory: str) -> None:
    """Remove what was given up, or never complete; what is left of it is removed at the next start."""
    for ending in (GONE, NEW):
        with suppress(OSError):
            remove_directory(files, f"{directory}{ending}")


def remove_directory(files: Files, name: str) -> None:
    """Remove a directory and the files in it. Raises `OSError`."""
    for each in files.names(name):
        files.remove(f"{name}/{each}")
    files.remove_directory(name)
