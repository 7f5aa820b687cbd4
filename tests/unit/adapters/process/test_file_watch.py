"""Watching files for changes."""

import asyncio
import sys
from pathlib import Path

import pytest

from app.adapters.process.file_watch import FileWatchError, changes, check_watching, signature


def test_what_a_change_is(tmp_path: Path) -> None:
    """Other contents, another file under the name, and none at all are seen; reading changes nothing."""
    file, other = tmp_path / "a", tmp_path / "b"
    seen = [signature([str(file)])]
    for text in ("1", "22"):
        file.write_text(text, "ascii")
        seen.append(signature([str(file)]))
    other.write_text("33", "ascii")
    other.replace(file)
    seen.append(signature([str(file)]))
    file.read_text("ascii")

    assert (None,) == seen[0]
    assert 4 == len(set(seen))
    assert seen[-1] == signature([str(file)])


@pytest.mark.asyncio
async def test_a_change_is_seen(tmp_path: Path) -> None:
    """A file beside the watched one is none of its business."""
    file, stop = tmp_path / "a", asyncio.Event()
    file.write_text("1", "ascii")
    seen = 0

    async def watch() -> None:
        nonlocal seen
        async for _ in changes([str(file)], stop):
            seen += 1
            stop.set()

    task = asyncio.create_task(watch())
    while not task.done():
        (tmp_path / "beside").write_text("x", "ascii")
        file.write_text(f"{file.read_text('ascii')}1", "ascii")
        await asyncio.wait([task], timeout=0.2)

    assert 1 == seen


def test_the_library_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to install."""
    check_watching()
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    with pytest.raises(FileWatchError, match="install pynatsd with the extra `watch`"):
        check_watching()
