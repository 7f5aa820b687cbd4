"""A queue group under load whose members come and go in good order, at the servers of a cluster.

Every member that goes takes what it was sent until its server has confirmed its end, so
every message has somebody to take it.
``python -m tests.support.draining MESSAGES LEAVINGS PORT...`` plays it against servers that
run already, and says what was lost.
"""

import asyncio
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

_HELLO = b'CONNECT {"verbose":false,"pedantic":false}\r\n'
_SUBJECT, _QUEUE = b"work.now", b"workers"

BATCH = 10
"""Messages that a publisher has under way at once."""

LIMIT = 5
"""Messages that every second member asks for at most."""

SETTLE_SECONDS = 0.5
"""How long news of a member may travel."""

SLACK = 10
"""Publishing may be ahead of the leavings by what is due for this number of them."""

TICK = 0.001
"""Seconds between looks at how far the others are."""

PATIENCE = 3.0
"""Seconds without a message after which no more is waited for."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is to happen."""

    messages: int
    leavings: int
    floating: int = 4
    """Members per server that come and go, besides the one that stays."""
    steady: tuple[int, ...] | None = None
    """Which servers have a member that stays; all if None."""
    restless: tuple[int, ...] | None = None
    """Which servers have members that come and go; all if None."""


class Peer:
    """One connection of a client."""

    def __init__(self, got: Counter[int]) -> None:
        self._got = got
        self._pongs: list[asyncio.Future[None]] = []
        self.taken = 0

    async def connect(self, port: int) -> Self:
        """Connect, and be let in."""
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", port)
        self._task = asyncio.ensure_future(self._read())
        self._writer.write(_HELLO)
        await self.settle()
        return self

    async def settle(self) -> None:
        """Wait until the server has obeyed all that was sent."""
        pong = asyncio.get_running_loop().create_future()
        self._pongs.append(pong)
        self._writer.write(b"PING\r\n")
        await asyncio.wait_for(pong, 20.0)

    async def join(self, limit: int = 0) -> None:
        """Become a member of the group; with a limit, for that number of messages."""
        self._writer.write(b"SUB %b %b 1\r\n" % (_SUBJECT, _QUEUE))
        if limit:
            self._writer.write(b"UNSUB 1 %d\r\n" % limit)
        await self.settle()

    async def leave(self) -> None:
        """Be a member no more, take what was sent until then, and close."""
        self._writer.write(b"UNSUB 1\r\n")
        await self.settle()
        self.close()

    def publish(self, numbers: range) -> None:
        """Publish these, in one write."""
        payloads = [b"%d" % number for number in numbers]
        self._writer.write(
            b"".join(b"PUB %b re.ply %d\r\n%b\r\n" % (_SUBJECT, len(data), data) for data in payloads)
        )

    def close(self) -> None:
        """Go."""
        self._task.cancel()
        self._writer.close()

    async def _read(self) -> None:
        while line := await self._reader.readline():
            words = line.split()
            if words[0] == b"MSG":
                data = await self._reader.readexactly(int(words[-1]) + 2)
                assert [b"MSG", _SUBJECT, b"1", b"re.ply"] == words[:4]
                self._got[int(data)] += 1
                self.taken += 1
            elif words[0] == b"PONG":
                self._pongs.pop(0).set_result(None)


class Group:
    """The group, and those who publish to it."""

    def __init__(self, ports: Sequence[int], plan: Plan) -> None:
        """`ports` are those of the servers, for clients."""
        self._ports = ports
        self._plan = plan
        self.got: Counter[int] = Counter()
        self.left = 0
        """How many members have left."""
        self._sent = 0

    async def play(self) -> tuple[int, int]:
        """How many messages nobody got, and how many were got more than once."""
        plan = self._plan
        stay = [await Peer(self.got).connect(port) for port in self._those(plan.steady)]
        for peer in stay:
            await peer.join()
        publishers = [await Peer(self.got).connect(port) for port in self._ports]
        await asyncio.sleep(SETTLE_SECONDS)
        async with asyncio.TaskGroup() as tasks:
            for first, peer in enumerate(publishers):
                numbers = range(first, plan.messages, len(self._ports))
                tasks.create_task(self._publish(peer, numbers))
            for port in self._those(plan.restless):
                for number in range(plan.floating):
                    tasks.create_task(self._come_and_go(port, LIMIT if number % 2 else 0))
        await self._rest()
        for peer in (*stay, *publishers):
            peer.close()
        return plan.messages - len(self.got), sum(count > 1 for count in self.got.values())

    def _those(self, numbers: tuple[int, ...] | None) -> Sequence[int]:
        return self._ports if numbers is None else [self._ports[number] for number in numbers]

    async def _publish(self, peer: Peer, numbers: range) -> None:
        """Publish these, so slowly that it goes on for as long as members come and go."""
        for first in range(0, len(numbers), BATCH):
            batch = numbers[first : first + BATCH]
            peer.publish(batch)
            self._sent += len(batch)
            await peer.settle()
            while self._is_ahead(SLACK) and self.left < self._plan.leavings:
                await _tick()

    async def _come_and_go(self, port: int, limit: int) -> None:
        """Join and leave until as many have left as shall."""
        plan = self._plan
        while self.left < plan.leavings and self._sent < plan.messages:
            peer = await Peer(self.got).connect(port)
            await peer.join(limit)
            while self._sent < plan.messages and not self._is_ahead(0):
                await _tick()
            self.left += 1
            while limit > peer.taken and self._sent < plan.messages:
                await _tick()
            await peer.leave()

    def _is_ahead(self, slack: int) -> bool:
        """Whether more messages were sent than is due for those who have left, and `slack` more."""
        return self._sent * self._plan.leavings >= (self.left + slack) * self._plan.messages

    async def _rest(self) -> None:
        """Until all came, or nothing comes any more."""
        before = -1
        while len(self.got) < self._plan.messages and before != self.got.total():
            before = self.got.total()
            await asyncio.sleep(PATIENCE)


async def _tick() -> None:
    """Let the others get on: what is waited for is a count, which has no event."""
    await asyncio.sleep(TICK)


def main(words: Sequence[str]) -> None:
    """Play it against servers on these ports."""
    messages, leavings, *ports = map(int, words)
    group = Group(ports, Plan(messages, leavings))
    lost, twice = asyncio.run(group.play())
    sys.stdout.write(f"{messages} messages, {group.left} leavings: {lost} lost, {twice} twice\n")


if __name__ == "__main__":
    main(sys.argv[1:])
