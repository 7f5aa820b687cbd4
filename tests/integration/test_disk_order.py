"""Seen from outside: nothing is acknowledged before the disk has it."""

import json
from pathlib import Path

import pytest

from tests.kills.link import Arrival, Link
from tests.support.traced_server import TracedCall, TracedServer, can_trace, parse

pytestmark = pytest.mark.asyncio

WRITES = {"pwrite64", "pwritev", "pwritev2"}
SENDS = {"write", "writev", "sendto", "sendmsg"}
RECEIVES = {"read", "readv", "recvfrom", "recvmsg"}
SYNCS = {"fdatasync", "fsync"}


class Trace:
    """What a server did."""

    def __init__(self, calls: list[TracedCall]) -> None:
        self._calls = calls

    def _find(self, names: set[str], text: str) -> TracedCall:
        return next(call for call in self._calls if call.name in names and text in call.text)

    def between(self, reply: str) -> list[TracedCall]:
        """What was done from the moment at which a request came to that at which its answer left."""
        begin, end = self._find(RECEIVES, f" {reply} ").end, self._find(SENDS, f"MSG {reply} ").begin
        return [call for call in self._calls if begin < call.begin and call.end < end]

    def is_safe(self, reply: str, ending: str) -> bool:
        """Whether a file of this kind was written meanwhile, and then synced."""
        calls = self.between(reply)
        writes = [call for call in calls if call.name in WRITES and f"{ending}>" in call.text]
        return any(
            call.name in SYNCS and f"{ending}>" in call.text and not call.result and call.begin > write.end
            for write in writes
            for call in calls
        )

    def synced(self, reply: str) -> str:
        """The files and directories that were synced meanwhile."""
        return " ".join(call.text for call in self.between(reply) if call.name in SYNCS and not call.result)


async def use(link: Link) -> None:
    """One of everything that has to be safe; the answers are called `_X.` and what was done."""

    async def ask(name: str, subject: bytes, payload: bytes = b"") -> Arrival:
        return await link.first(b"_X." + name.encode(), subject, payload)

    stream = {"name": "S", "subjects": ["s"], "storage": "file"}
    await ask("create", b"$JS.API.STREAM.CREATE.S", json.dumps(stream).encode())
    for number in range(3):
        await ask(f"publish-{number}", b"s", b"message %d" % number)
    consumer = {"stream_name": "S", "config": {"durable_name": "D", "ack_policy": "explicit"}}
    await ask("consumer", b"$JS.API.CONSUMER.DURABLE.CREATE.S.D", json.dumps(consumer).encode())
    message = await ask("next", b"$JS.API.CONSUMER.MSG.NEXT.S.D")
    await ask("ack", message.reply, b"+ACK")
    await ask("delete", b"$JS.API.STREAM.MSG.DELETE.S", b'{"seq":2,"no_erase":true}')
    await ask("purge", b"$JS.API.STREAM.PURGE.S")


async def test_what_is_answered_was_synced(tmp_path: Path) -> None:
    """Between each request and its answer the file that it changes is written, and then synced."""
    if not can_trace(tmp_path):
        pytest.skip("needs strace, and the right to trace")
    server = TracedServer(tmp_path / "store", tmp_path / "trace")
    with server:
        link = await Link.connect(server.port)
        await use(link)
        await link.close()
    trace = Trace(server.calls())

    for number in range(3):
        assert trace.is_safe(f"_X.publish-{number}", ".segment")
    for name in ("consumer", "ack", "delete", "purge"):
        assert trace.is_safe(f"_X.{name}", ".journal")
    assert trace.is_safe("_X.create", ".journal")
    assert "/streams/1.new>" in trace.synced("_X.create")
    assert "/streams>" in trace.synced("_X.create")
    assert "/streams/1>" in trace.synced("_X.publish-0")


async def test_calls_of_threads_are_parted() -> None:
    """A call that was interrupted in the trace has its beginning and its end."""
    trace = (
        "7 fdatasync(17</d/1.segment> <unfinished ...>\n"
        '8 write(3<socket:[1]>, "x", 1) = 1\n'
        "7 <... fdatasync resumed>) = 0\n"
        "8 fsync(4</d>) = -1 EIO (Input/output error)\n"
    )

    assert parse(trace) == [
        TracedCall("write", '3<socket:[1]>, "x", 1', 1, 1, 1),
        TracedCall("fdatasync", "17</d/1.segment>", 0, 0, 2),
        TracedCall("fsync", "4</d>", -1, 3, 3),
    ]
