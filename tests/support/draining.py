"""A queue group under load, at the servers of a cluster, whose members join and leave cleanly.

A member that leaves reads until its server has confirmed the UNSUB, so no message may be lost.
``python -m tests.support.draining MESSAGES LEAVINGS PORT...`` runs it against running servers,
and prints the number of lost messages.
"""

import asyncio
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from tests.support.patience import PATIENCE

_HELLO = b'CONNECT {"verbose":false,"pedantic":false}\r\n'
_HEADED_HELLO = b'CONNECT {"verbose":false,"pedantic":false,"headers":true}\r\n'
_SUBJECT, _QUEUE, _READY = b"work.now", b"workers", b"ready"

BATCH = 10
"""Messages that a publisher sends before it waits for a PONG."""

LIMIT = 5
"""Maximum number of messages of every second member."""

DEADLINE = PATIENCE
"""Maximum seconds to wait for a server."""

SLACK = 10
"""Publishing may be ahead of the leavings by the share of this number of them."""

TICK = 0.001
"""Seconds between checks of the progress of others."""

SILENCE_SECONDS = 3.0
"""Seconds without a message after which the missing ones count as lost."""


@dataclass(frozen=True, slots=True)
class DrainPlan:
    """The size of the load."""

    messages: int
    leavings: int
    floating: int = 4
    """Members per server that join and leave, besides the steady one."""
    steady: tuple[int, ...] | None = None
    """Servers with a steady member; all if None."""
    changing: tuple[int, ...] | None = None
    """Servers with members that join and leave; all if None."""
    headers: bool = False
    """Whether messages have headers, which must arrive whole."""


class Worker:
    """One connection of a client."""

    def __init__(self, got: Counter[int], *, headers: bool = False) -> None:
        self._got = got
        self._headers = headers
        self._pongs: list[asyncio.Future[None]] = []
        self.arrived = asyncio.Event()
        """Set by each message."""
        self.taken = 0
        self.greeted: set[bytes] = set()
        """Publishers whose messages on the ready subject have arrived."""

    async def connect(self, port: int) -> Self:
        """Connect, and wait until the server has accepted CONNECT."""
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", port)
        self._task = asyncio.ensure_future(self._read())
        self._writer.write(_HEADED_HELLO if self._headers else _HELLO)
        await self.settle()
        return self

    async def settle(self) -> None:
        """Wait until the server has processed all input."""
        pong = asyncio.get_running_loop().create_future()
        self._pongs.append(pong)
        self._writer.write(b"PING\r\n")
        await asyncio.wait_for(pong, DEADLINE)

    async def join(self, limit: int = 0) -> None:
        """Join the group; with a limit, for that number of messages."""
        self._writer.write(b"SUB %b %b 1\r\n" % (_SUBJECT, _QUEUE))
        if limit:
            self._writer.write(b"UNSUB 1 %d\r\n" % limit)
        await self.settle()

    async def await_publishers(self, publishers: Sequence["Worker"], subject: bytes) -> None:
        """Wait until the servers of all publishers know this member: its SUB of `subject` came after it."""
        self._writer.write(b"SUB %b 2\r\n" % subject)
        await self.settle()
        async with asyncio.timeout(DEADLINE):
            for number, publisher in enumerate(publishers):
                while b"%d" % number not in self.greeted:
                    await publisher.greet(subject, b"%d" % number)
                    await _tick()
        self._writer.write(b"UNSUB 2\r\n")

    async def greet(self, subject: bytes, name: bytes) -> None:
        """Publish a name on a ready subject."""
        self._writer.write(b"PUB %b %d\r\n%b\r\n" % (subject, len(name), name))
        await self.settle()

    async def leave(self) -> None:
        """Leave the group, read the messages sent until then, and close."""
        self._writer.write(b"UNSUB 1\r\n")
        await self.settle()
        self.close()

    def publish(self, numbers: range) -> None:
        """Publish these numbers in one write."""
        self._writer.write(b"".join(map(self._message, numbers)))

    def _message(self, number: int) -> bytes:
        data = b"%d" % number
        if not self._headers:
            return b"PUB %b re.ply %d\r\n%b\r\n" % (_SUBJECT, len(data), data)
        block = _block_of(data)
        sizes = len(block), len(block) + len(data)
        return b"HPUB %b re.ply %d %d\r\n%b%b\r\n" % (_SUBJECT, *sizes, block, data)

    def close(self) -> None:
        """Close the connection."""
        self._task.cancel()
        self._writer.close()

    async def _read(self) -> None:
        while line := await self._reader.readline():
            words = line.split()
            if words[0] in (b"MSG", b"HMSG"):
                data = await self._reader.readexactly(int(words[-1]) + 2)
                if words[2] == b"2":
                    self.greeted.add(data[:-2])
                    continue
                verb = b"HMSG" if self._headers else b"MSG"
                assert [verb, _SUBJECT, b"1", b"re.ply"] == words[:4]
                size = int(words[4]) if self._headers else 0
                block, data = data[:size], data[size:-2]
                assert not self._headers or block == _block_of(data)
                self._got[int(data)] += 1
                self.taken += 1
                self.arrived.set()
            elif words[0] == b"PONG":
                self._pongs.pop(0).set_result(None)


def _block_of(data: bytes) -> bytes:
    """The headers of the message with this payload."""
    return b"NATS/1.0\r\nNumber: %b\r\n\r\n" % data


class WorkerGroup:
    """The group, and its publishers."""

    def __init__(self, ports: Sequence[int], plan: DrainPlan) -> None:
        """`ports` are the client ports of the servers."""
        self._ports = ports
        self._plan = plan
        self.got: Counter[int] = Counter()
        self.left = 0
        """Number of members that have left."""
        self._sent = 0

    async def play(self) -> tuple[int, int]:
        """Returns the number of lost messages, and of messages received more than once."""
        plan = self._plan
        stay = [await self._worker(port) for port in self._those(plan.steady)]
        for peer in stay:
            await peer.join()
        publishers = [await self._worker(port) for port in self._ports]
        for number, peer in enumerate(stay):
            await peer.await_publishers(publishers, b"%b.%d" % (_READY, number))
        async with asyncio.TaskGroup() as tasks:
            for first, peer in enumerate(publishers):
                numbers = range(first, plan.messages, len(self._ports))
                tasks.create_task(self._publish(peer, numbers))
            for port in self._those(plan.changing):
                for number in range(plan.floating):
                    tasks.create_task(self._join_and_leave(port, LIMIT if number % 2 else 0))
        await self._await_rest(stay)
        for peer in (*stay, *publishers):
            peer.close()
        return plan.messages - len(self.got), sum(count > 1 for count in self.got.values())

    async def _worker(self, port: int) -> Worker:
        return await Worker(self.got, headers=self._plan.headers).connect(port)

    def _those(self, numbers: tuple[int, ...] | None) -> Sequence[int]:
        return self._ports if numbers is None else [self._ports[number] for number in numbers]

    async def _publish(self, peer: Worker, numbers: range) -> None:
        """Publish these numbers at a pace that lasts until the members have left."""
        for first in range(0, len(numbers), BATCH):
            batch = numbers[first : first + BATCH]
            peer.publish(batch)
            self._sent += len(batch)
            await peer.settle()
            while self._is_ahead(SLACK) and self.left < self._plan.leavings:
                await _tick()

    async def _join_and_leave(self, port: int, limit: int) -> None:
        """Join and leave until the planned number of members have left."""
        plan = self._plan
        while self.left < plan.leavings and self._sent < plan.messages:
            peer = await self._worker(port)
            await peer.join(limit)
            while self._sent < plan.messages and not self._is_ahead(0):
                await _tick()
            self.left += 1
            while limit > peer.taken and self._sent < plan.messages:
                await _tick()
            await peer.leave()

    def _is_ahead(self, slack: int) -> bool:
        """Whether more messages were sent than the share of the members that left, and of `slack` more."""
        return self._sent * self._plan.leavings >= (self.left + slack) * self._plan.messages

    async def _await_rest(self, stay: Sequence[Worker]) -> None:
        """Wait until all messages have arrived, or none has for some seconds."""
        while len(self.got) < self._plan.messages:
            for peer in stay:
                peer.arrived.clear()
            waits = [asyncio.ensure_future(peer.arrived.wait()) for peer in stay]
            done, pending = await asyncio.wait(
                waits, timeout=SILENCE_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            for wait in pending:
                wait.cancel()
            if not done:
                return


async def _tick() -> None:
    """Let other tasks run: their progress is a count without an event."""
    await asyncio.sleep(TICK)


def main(words: Sequence[str]) -> None:
    """Run it against the servers on these ports."""
    messages, leavings, *ports = map(int, words)
    group = WorkerGroup(ports, DrainPlan(messages, leavings))
    lost, twice = asyncio.run(group.play())
    sys.stdout.write(f"{messages} messages, {group.left} leavings: {lost} lost, {twice} twice\n")


if __name__ == "__main__":
    main(sys.argv[1:])
