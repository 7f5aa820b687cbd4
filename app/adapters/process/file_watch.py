"""Watching files for changes, by the library watchfiles (ADR 0052)."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from pathlib import Path

DEBOUNCE_MS = 500
"""How long further changes are waited for: a certificate and its key are two files."""

Signature = tuple[tuple[int, int, int] | None, ...]
"""By file: inode, time of its last change, and size; None for one that is not there."""


class FileWatchError(Exception):
    """Files cannot be watched; the text says what to do."""


def check_watching() -> None:
    """Raises `FileWatchError` where the library is missing."""
    try:
        import watchfiles  # noqa: F401, PLC0415 - only servers that watch files need it
    except ImportError:
        text = "tls_reload: auto needs the library watchfiles; install pynatsd with the extra `watch`"
        raise FileWatchError(text) from None


def signature(paths: Iterable[str]) -> Signature:
    """What has changed when a file has; a link counts as what it leads to."""
    found: list[tuple[int, int, int] | None] = []
    for path in paths:
        status = None
        with suppress(OSError):
            status = Path(path).stat()
        found.append(None if status is None else (status.st_ino, status.st_mtime_ns, status.st_size))
    return tuple(found)


async def changes(paths: Iterable[str], stop: asyncio.Event) -> AsyncIterator[None]:
    """Each time when some of the files are others than before, until `stop` is set.

    Directories are watched: a file may be replaced, and may be a link into a directory that is.
    """
    from watchfiles import awatch  # noqa: PLC0415 - see `check_watching`

    watched = sorted(paths)
    folders = {Path(path).parent for path in watched}
    known = signature(watched)
    async for _ in awatch(*folders, stop_event=stop, recursive=False, debounce=DEBOUNCE_MS):
        now = signature(watched)
        if now != known:
            known = now
            yield
