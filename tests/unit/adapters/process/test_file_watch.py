"""Watching files for changes."""

import asyncio
import sys
from pathlib import Path

import pytest

from app.adapters.process.file_watch import FileWatchError, changes, check_watching, signature
from tests.support.patience import PATIENCE


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
        async for _ in changes(lambda: [str(file)], stop):
            seen += 1
            stop.set()

    task = asyncio.create_task(watch())
    while not task.done():
        (tmp_path / "beside").write_text("x", "ascii")
        file.write_text(f"{file.read_text('ascii')}1", "ascii")
        await asyncio.wait([task], timeout=0.2)

    assert 1 == seen


class Watched:
    """Files that are watched until they have changed once; `names` are theirs."""

    def __init__(self, *names: Path) -> None:
        self.names = [*map(str, names)]
        self.seen = 0
        self._stop = asyncio.Event()
        self._task = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        async for _ in changes(lambda: self.names, self._stop, 0.05):
            self.seen += 1
            self._stop.set()

    async def until_seen(self) -> int:
        """How many changes were seen, when there was one."""
        async with asyncio.timeout(PATIENCE):
            await self._task
        return self.seen


@pytest.mark.asyncio
async def test_a_directory_that_is_a_link(tmp_path: Path) -> None:
    """The file is another one when the link on the way to it leads elsewhere."""
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "cert").write_text(name, "ascii")
    link, fresh = tmp_path / "current", tmp_path / "fresh"
    link.symlink_to("a")
    watched = Watched(link / "cert")
    await asyncio.sleep(0)
    fresh.symlink_to("b")
    fresh.replace(link)

    assert 1 == await watched.until_seen()


@pytest.mark.asyncio
async def test_a_file_behind_a_link(tmp_path: Path) -> None:
    """It is written in its own directory, which is not that of the link."""
    file, link = tmp_path / "elsewhere" / "cert", tmp_path / "here" / "cert"
    for each in (file, link):
        each.parent.mkdir()
    file.write_text("1", "ascii")
    link.symlink_to(file)
    watched = Watched(link)
    await asyncio.sleep(0)
    file.write_text("22", "ascii")

    assert 1 == await watched.until_seen()


@pytest.mark.asyncio
async def test_a_directory_that_comes_later(tmp_path: Path) -> None:
    """A directory that is not there ends no watch."""
    file = tmp_path / "later" / "cert"
    watched = Watched(file)
    await asyncio.sleep(0)
    file.parent.mkdir()
    file.write_text("1", "ascii")

    assert 1 == await watched.until_seen()


@pytest.mark.asyncio
async def test_other_names(tmp_path: Path) -> None:
    """Files that are watched from now on count as changed: they may have, since somebody read them."""
    files = [tmp_path / name for name in "ab"]
    for each in files:
        each.write_text("1", "ascii")
    watched = Watched(files[0])
    await asyncio.sleep(0)
    watched.names = [str(files[1])]

    assert 1 == await watched.until_seen()


def test_the_library_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to install."""
    check_watching()
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    with pytest.raises(FileWatchError, match="install pynatsd with the extra `watch`"):
        check_watching()
