"""Directories that a server cannot or should not use: it says so, and leaves them as they are."""

import asyncio
import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path
from struct import pack

import pytest

from app.adapters.streams_log.record import FILE_HEAD, FORMAT, encode
from tests.integration.test_failing_disk import small_disk
from tests.kills.link import Link
from tests.support.failing_disk import StoreServer
from tests.support.patience import PATIENCE
from tests.support.server_process import CURRENT, ROOT, ServerProcess

pytestmark = pytest.mark.asyncio

STREAMS = "jetstream/streams"


async def fill(directory: Path, *names: str) -> None:
    """Streams with three messages each."""
    with StoreServer(directory) as server:
        link = await Link.connect(server.port)
        for name in names:
            config = {"name": name, "subjects": [name], "storage": "file"}
            assert "error" not in await link.request(b"$JS.API.STREAM.CREATE." + name.encode(), config)
            for number in range(3):
                await link.ask(name.encode(), b"%d" % number)
        await link.close()


async def states(server: StoreServer) -> dict[str, object]:
    """How many messages each stream has."""
    link = await Link.connect(server.port)
    listed = await link.request(b"$JS.API.STREAM.LIST")
    await link.close()
    streams = listed["streams"] or []
    assert isinstance(streams, list)
    return {each["config"]["name"]: each["state"]["messages"] for each in streams}


def refused(directory: Path, *before: str) -> str:
    """What a server says that does not start."""
    command = [*before, *ServerProcess.command, "-js", "-sd", str(directory), *CURRENT]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert ended.returncode == 1, ended.stderr
    return ended.stderr


def snapshot(directory: Path) -> dict[str, str]:
    """All files, and what is in them."""
    return {
        str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in directory.rglob("*")
        if path.is_file()
    }


def make_read_only(directory: Path) -> None:
    """From now on nothing can be written there."""
    subprocess.run(["mount", "-o", "remount,ro", str(directory)], check=True)


async def test_two_servers(tmp_path: Path) -> None:
    """The second one does not start."""
    with StoreServer(tmp_path):
        text = await asyncio.to_thread(refused, tmp_path)

    assert "another server uses this directory; each server needs its own" in text


async def test_a_newer_version(tmp_path: Path) -> None:
    """The server does not start, and changes nothing."""
    await fill(tmp_path, "S")
    (journal,) = (tmp_path / STREAMS / "1").glob("*.journal")
    data = bytearray(journal.read_bytes())
    length = int.from_bytes(data[8:12], "little")
    body = pack("<QIH", 7, 1, FORMAT + 1)
    data[8 : 8 + length] = encode(FILE_HEAD, 0, 1, 0, (b"S", b"", body), 0, 8)[0]
    journal.write_bytes(data)
    before = snapshot(tmp_path)

    assert "was written by a newer version; use that version" in refused(tmp_path)
    assert before == snapshot(tmp_path)


async def test_a_read_only_file_system(tmp_path: Path) -> None:
    """The server does not start, and says why."""
    with small_disk(tmp_path / "disk", "8m") as directory:
        await fill(directory, "S")
        make_read_only(directory)
        text = refused(directory)

    assert f"{directory}/jetstream: the directory cannot be locked: [Errno 30] Read-only file system" in text


async def test_a_directory_of_somebody_else(tmp_path: Path) -> None:
    """The server does not start, and says why."""
    await fill(tmp_path, "S")
    before: list[str] = []
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("needs setpriv, to be less than root")
        before = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
        for path in (tmp_path / "jetstream").rglob("*"):
            os.chown(path, 65534, 65534)
        os.chown(tmp_path / "jetstream", 65534, 65534)
        (tmp_path / "jetstream" / "lock").chmod(0o600)
    else:
        (tmp_path / "jetstream" / "lock").chmod(0)

    assert "the directory cannot be locked: [Errno 13] Permission denied" in refused(tmp_path, *before)


@pytest.mark.parametrize("gone", ["*.journal", "*.segment", "*"])
async def test_a_half_deleted_directory(tmp_path: Path, gone: str) -> None:
    """What is missing is reported; nothing else goes because of it, and other streams are whole."""
    await fill(tmp_path, "S", "T")
    for path in (tmp_path / STREAMS / "1").glob(gone):
        path.unlink()
    before = snapshot(tmp_path)
    with StoreServer(tmp_path) as server:
        found = await states(server)
        log = server.wait_for("[ERR] JetStream: ")
    after = snapshot(tmp_path)

    assert found == ({"S": 0, "T": 3} if gone == "*.segment" else {"T": 3})
    assert re.search("messages are lost: 1-3" if gone == "*.segment" else "no journal that can be read", log)
    assert {name for name in before if "/1/" in name} <= set(after)
    if gone == "*.journal":
        assert {name: text for name, text in before.items() if "/1/" in name}.items() <= after.items()
