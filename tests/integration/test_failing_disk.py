"""A disk that fails under a real server: nothing is acknowledged that is not there, and all else goes on."""

import asyncio
import errno
import json
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from tests.kills.link import Link
from tests.support.failing_disk import FailingDisk, StoreServer
from tests.support.patience import PATIENCE

pytestmark = pytest.mark.asyncio

WAIT = PATIENCE
NOT_STORED = 10077
Answer = dict[str, object]


@pytest.fixture(name="disk")
def _disk(tmp_path: Path) -> FailingDisk:
    """A disk that does not fail yet."""
    try:
        return FailingDisk(tmp_path)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs a C compiler")


@asynccontextmanager
async def connected(server: StoreServer) -> AsyncIterator[Link]:
    """A client of it."""
    link = await Link.connect(server.port)
    try:
        yield link
    finally:
        await link.close()


async def make(link: Link) -> None:
    """A stream with a consumer, and one message."""
    stream = {"name": "S", "subjects": ["s"], "storage": "file", "allow_direct": True}
    consumer = {"stream_name": "S", "config": {"durable_name": "D", "ack_policy": "explicit"}}
    assert "error" not in await link.request(b"$JS.API.STREAM.CREATE.S", stream)
    assert "error" not in await link.request(b"$JS.API.CONSUMER.DURABLE.CREATE.S.D", consumer)
    assert (await publish(link, b"first"))["seq"] == 1


async def publish(link: Link, payload: bytes) -> Answer:
    """The answer to a publish."""
    answer: Answer = json.loads((await link.ask(b"s", payload)).payload)
    return answer


def error_of(answer: Answer) -> object:
    """The number of the error that answers; None for another answer."""
    error = answer.get("error")
    return error["err_code"] if isinstance(error, dict) else None


async def read(link: Link, sequence: int) -> bytes:
    """The payload of a message; empty if there is none."""
    arrival = await link.ask(b"$JS.API.DIRECT.GET.S", b'{"seq":%d}' % sequence)
    return arrival.payload


async def health_of(server: StoreServer) -> str:
    """What `/healthz` says."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.monitoring_port)
    writer.write(b"GET /healthz HTTP/1.0\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(), WAIT)
    writer.close()
    return answer.decode()


@pytest.mark.parametrize("call", ["fdatasync", "pwritev"])
async def test_an_error_of_the_disk_ends_storing(disk: FailingDisk, tmp_path: Path, call: str) -> None:
    """No later success covers it; reading goes on, it is reported, and a restart begins again."""
    with StoreServer(tmp_path / "store", disk) as server:
        async with connected(server) as link:
            await make(link)
            disk.fail(call, ".segment")
            assert error_of(await publish(link, b"failed")) == NOT_STORED
            disk.heal()
            assert error_of(await publish(link, b"refused")) == NOT_STORED
            assert await read(link, 1) == b"first"
        server.wait_for("stream S: the disk failed")
        assert "cannot store: broken" in await health_of(server)
        server.stop(signal.SIGKILL)
    with StoreServer(tmp_path / "store", disk) as server:
        async with connected(server) as link:
            sequence = (await publish(link, b"after"))["seq"]
            assert sequence in (2, 3)
            assert [await read(link, each) for each in (1, sequence)] == [b"first", b"after"]
            assert await read(link, 2) in (b"failed", b"after")
        assert "200 OK" in await health_of(server)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
async def test_a_stream_that_cannot_be_stored_is_not_made(
    disk: FailingDisk, tmp_path: Path, number: int
) -> None:
    """The error says so, nothing is left of it, and it can be made when there is room."""
    config = {"name": "S", "subjects": ["s"], "storage": "file"}
    with StoreServer(tmp_path / "store", disk) as server:
        async with connected(server) as link:
            disk.fail("pwritev", ".journal", number)
            for _ in range(2):
                assert error_of(await link.request(b"$JS.API.STREAM.CREATE.S", config)) == 10049
                assert (await link.request(b"$JS.API.STREAM.NAMES"))["streams"] is None
            disk.heal()
            assert error_of(await link.request(b"$JS.API.STREAM.CREATE.S", config)) is None
            assert (await publish(link, b"first"))["seq"] == 1
    assert len(list((tmp_path / "store").glob("**/streams/*"))) == 1


async def test_a_double_ack_that_is_not_on_the_disk_is_not_answered(
    disk: FailingDisk, tmp_path: Path
) -> None:
    """The message comes again after a restart."""
    with StoreServer(tmp_path / "store", disk) as server:
        async with connected(server) as link:
            await make(link)
            message = await link.first(b"_N", b"$JS.API.CONSUMER.MSG.NEXT.S.D")
            disk.fail("fdatasync", ".journal")
            answer = asyncio.create_task(link.ask(message.reply, b"+ACK"))
            assert error_of(await link.request(b"$JS.API.STREAM.PURGE.S")) == 10110
            assert not answer.done()
            server.stop(signal.SIGKILL)
            with pytest.raises(ConnectionError):
                await answer
    disk.heal()
    with StoreServer(tmp_path / "store", disk) as server:
        async with connected(server) as link:
            assert (await publish(link, b"second"))["seq"] == 2


async def test_a_read_error_is_no_wrong_byte(disk: FailingDisk, tmp_path: Path) -> None:
    """The message is not delivered, it is reported, and it is there when it can be read again."""
    with StoreServer(tmp_path / "store", disk) as server:
        async with connected(server) as link:
            await make(link)
    with StoreServer(tmp_path / "store", disk) as server:
        async with connected(server) as link:
            disk.fail("pread", ".segment")
            assert await read(link, 1) == b""
            disk.heal()
            assert await read(link, 1) == b"first"
        server.wait_for("stream S: message 1 is damaged in segment 1")
        assert "1 messages are lost" in await health_of(server)


@contextmanager
def small_disk(directory: Path, size: str) -> Iterator[Path]:
    """A file system of this size."""
    directory.mkdir()
    try:
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "pynatsd-test", str(directory)]
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs the right to mount a file system")
    try:
        yield directory
    finally:
        subprocess.run(["umount", str(directory)], check=True)


async def fill(link: Link) -> int:
    """Publish until there is no room; returns the last sequence that was acknowledged."""
    last = 1
    while True:
        answer = await publish(link, b"%d" % (last + 1) + bytes(60_000))
        if error_of(answer) is not None:
            assert error_of(answer) == NOT_STORED
            return last
        last = int(str(answer["seq"]))


async def test_a_full_file_system(tmp_path: Path) -> None:
    """Publishes are refused; all else goes on, also after a crash; and publishing when there is room."""
    with small_disk(tmp_path / "disk", "3m") as directory:
        settings = tmp_path / "settings.conf"
        settings.write_text(f'jetstream {{ store_dir: "{directory}", max_file: 1GB }}')
        with StoreServer(directory, settings=settings) as server:
            async with connected(server) as link:
                await make(link)
                last = await fill(link)
                assert last > 10
                assert (await read(link, 1)) == b"first"
                message = await link.first(b"_N", b"$JS.API.CONSUMER.MSG.NEXT.S.D")
                assert (await link.ask(message.reply, b"+ACK")).payload == b""
            server.wait_for("stream S: the disk is full")
            assert "cannot store: full" in await health_of(server)
            server.stop(signal.SIGKILL)
        with StoreServer(directory, settings=settings) as server:
            async with connected(server) as link:
                for sequence in range(2, last + 1):
                    assert (await read(link, sequence)).startswith(b"%d\0" % sequence)
                assert "error" not in await link.request(b"$JS.API.STREAM.PURGE.S")
                async with asyncio.timeout(WAIT):
                    while error_of(await publish(link, b"again" + bytes(60_000))) is not None:
                        pass
            assert "200 OK" in await health_of(server)


async def test_a_file_system_without_any_room(disk: FailingDisk, tmp_path: Path) -> None:
    """Where not even a write in place succeeds, publishes are refused as on a full one."""
    with StoreServer(tmp_path / "store", disk) as server:
        async with connected(server) as link:
            await make(link)
            disk.fail("pwritev", ".segment", errno.ENOSPC)
            assert error_of(await publish(link, b"refused")) == NOT_STORED
            assert await read(link, 1) == b"first"
            disk.heal()
            async with asyncio.timeout(WAIT):
                while error_of(answer := await publish(link, b"second")) is not None:
                    pass
            assert answer["seq"] == 2
