"""A client of bytes and lines, without knowledge of the protocol.

It runs over any pair of streams, so the same test runs over TCP and memory. The pair that
``asyncio.open_connection`` returns fits:

    reader, writer = await asyncio.open_connection(host, port)
    client = await RawClient.greet(reader, writer, abort=writer.transport.abort)

It reads only while a test waits for something, so a test that waits for nothing
is a slow consumer.
"""

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Protocol, Self

from tests.support.patience import PATIENCE

DEADLINE = PATIENCE
"""Seconds until a test gives up on the broker; far more than any case needs."""

CHUNK = 64 * 1024


def shown(data: bytes | bytearray) -> str:
    """The bytes as a failed test shows them: the last few hundred, and how many came before."""
    tail = bytes(data[-300:])
    return f"{tail!r}" if len(tail) == len(data) else f"{len(data) - len(tail)} bytes and {tail!r}"


class ByteSource(Protocol):
    """Where bytes come from, as `asyncio.StreamReader` gives them."""

    async def read(self, n: int, /) -> bytes:
        """From 1 to ``n`` bytes, or none at the end; raises ConnectionError after a reset."""
        ...


class ByteSink(Protocol):
    """Where bytes go, as `asyncio.StreamWriter` takes them."""

    def write(self, data: bytes, /) -> None:
        """Take ``data``, to be sent in order."""
        ...

    async def drain(self) -> None:
        """Wait until little is left to send; raises ConnectionError when the link is gone."""
        ...

    def write_eof(self) -> None:
        """Half-close; reading continues."""
        ...

    def close(self) -> None:
        """End the link; may be called twice."""
        ...


class RawClient:
    """One connection, from the moment the broker has said INFO.

    Every wait ends at `DEADLINE`. Every ``expect`` method raises AssertionError
    when something else comes, or nothing.
    """

    info_line: bytes
    """The first line, as it came."""

    info: dict[str, object]
    """The first line's JSON."""

    def __init__(self, source: ByteSource, sink: ByteSink, abort: Callable[[], None]) -> None:
        """Take over both ends; ``abort`` ends the link at once."""
        self._source = source
        self._sink = sink
        self._abort = abort
        self._buffer = bytearray()
        self._ended = False

    @classmethod
    async def greet(cls, source: ByteSource, sink: ByteSink, abort: Callable[[], None]) -> Self:
        """A client that has read the broker's INFO."""
        client = cls(source, sink, abort)
        client._take_info(await client.line())
        return client

    @classmethod
    def greeted(cls, info_line: bytes, source: ByteSource, sink: ByteSink, abort: Callable[[], None]) -> Self:
        """A client whose INFO came in before its layers were there."""
        client = cls(source, sink, abort)
        client._take_info(info_line)
        return client

    def _take_info(self, line: bytes) -> None:
        self.info_line = line
        self.info = json.loads(line.removeprefix(b"INFO "))

    async def send(self, data: bytes) -> None:
        """Send ``data`` in one piece; raises ConnectionError when the link is gone."""
        async with asyncio.timeout(DEADLINE):
            self._sink.write(data)
            await self._sink.drain()

    async def send_bytewise(self, data: bytes) -> None:
        """Send ``data`` one byte at a time, and let the broker take each."""
        for value in data:
            await self.send(bytes((value,)))
            await self.settle()

    async def settle(self) -> None:
        """Let the broker, which runs in this loop, take what was sent, before more is sent.

        One turn of the loop finds that there is something to read, the next one
        reads it, and the third is for a broker that wakes a task to do so.
        """
        for _ in range(3):
            await asyncio.sleep(0)

    async def flood(self, chunk: bytes, times: int) -> None:
        """Send ``chunk`` many times, or until the broker has had enough of it."""
        with contextlib.suppress(ConnectionError):
            for _ in range(times):
                await self.send(chunk)

    async def line(self) -> bytes:
        """The next line, its line end included."""
        async with asyncio.timeout(DEADLINE):
            while b"\n" not in self._buffer and not self._ended:
                await self._fill()
        end = self._buffer.find(b"\n") + 1
        assert end, f"wanted a line, the end came after {shown(self._buffer)}"
        return self._take(end)

    async def read_exactly(self, count: int) -> bytes:
        """The next ``count`` bytes."""
        async with asyncio.timeout(DEADLINE):
            while len(self._buffer) < count and not self._ended:
                await self._fill()
        assert len(self._buffer) >= count, f"wanted {count} bytes, the end came after {shown(self._buffer)}"
        return self._take(count)

    async def rest(self) -> bytes:
        """All bytes until the broker closes the connection cleanly."""
        async with asyncio.timeout(DEADLINE):
            while not self._ended:
                await self._fill()
        return self._take(len(self._buffer))

    async def expect(self, expected: bytes) -> None:
        """Exactly ``expected`` comes next; what comes after it is left for later."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DEADLINE):
                while len(self._buffer) < len(expected) and self._agrees(expected) and not self._ended:
                    await self._fill()
        got = self._take(len(expected)) if self._agrees(expected) else bytes(self._buffer)
        assert expected == got, f"wanted {shown(expected)}, got {shown(got)}"

    async def expect_eof(self) -> None:
        """The broker closes the connection cleanly, without another byte."""
        await self.expect_end(b"")

    async def expect_end(self, expected: bytes) -> None:
        """Exactly ``expected`` comes, and then an orderly end."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DEADLINE):
                while self._agrees(expected) and not self._ended:
                    await self._fill()
        got = self._take(len(self._buffer))
        assert expected == got, f"wanted {shown(expected)} and the end, got {shown(got)}"
        assert self._ended, f"wanted the end after {shown(expected)}, but the connection is still open"

    async def expect_cut(self) -> bytes:
        """The broker ends the connection, by a reset if it must; returns what came until then."""
        async with asyncio.timeout(DEADLINE):
            with contextlib.suppress(ConnectionError):
                while not self._ended:
                    await self._fill()
        return self._take(len(self._buffer))

    async def fence(self) -> None:
        """Exchange PING and PONG: all that was sent before has been obeyed, and nothing else came."""
        await self.send(b"PING\r\n")
        await self.expect(b"PONG\r\n")

    def half_close(self) -> None:
        """Send no more; go on reading."""
        self._sink.write_eof()

    async def close(self) -> None:
        """Close cleanly; may be called twice."""
        self._sink.close()
        await asyncio.sleep(0)

    def abort(self) -> None:
        """Leave without a word."""
        self._abort()

    async def _fill(self) -> None:
        data = await self._source.read(CHUNK)
        self._ended = not data
        self._buffer += data

    def _agrees(self, expected: bytes) -> bool:
        """Whether what came so far is a beginning of ``expected``, or the other way round."""
        return expected.startswith(self._buffer[: len(expected)])

    def _take(self, count: int) -> bytes:
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken
