"""Watching files for changes, by the library watchfiles (ADR 0052)."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import aclosing, suppress
from pathlib import Path

DEBOUNCE_MS = 500
"""How long further changes are waited for: a certificate and its key are two files."""

CHECK_SECONDS = 5.0
"""How often files are looked at, whatever the system says of their directories."""

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


async def changes(
    paths: Callable[[], Iterable[str]], stop: asyncio.Event, check_seconds: float = CHECK_SECONDS
) -> AsyncIterator[None]:
    """Each time when some of the files are others than before, or have other names, until `stop` is set.

    Directories are watched: a file may be replaced, and may be a link into a directory that is. What
    happens elsewhere is seen after `check_seconds`: further links on the way to a file, other names, and
    directories that are not there yet, or are on another machine.
    """
    from watchfiles import awatch  # noqa: PLC0415 - see `check_watching`

    watched = sorted(paths())
    known = signature(watched)
    while not stop.is_set():
        folders = {Path(path).parent for path in watched if Path(path).parent.is_dir()}
        if not folders:
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), check_seconds)
        else:
            events = awatch(
                *folders,
                stop_event=stop,
                recursive=False,
                debounce=DEBOUNCE_MS,
                rust_timeout=round(check_seconds * 1000),
                yield_on_timeout=True,
            )
            with suppress(FileNotFoundError):  # it is gone again
                async with aclosing(events):
                    async for _ in events:
                        if (sorted(paths()), signature(watched)) != (watched, known):
                            break
        before, watched = (watched, known), sorted(paths())
        known = signature(watched)
        if (watched, known) != before and not stop.is_set():
            yield
