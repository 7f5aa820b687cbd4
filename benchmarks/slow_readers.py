"""What one slow reader costs the others, beside the Go server: ``python -m benchmarks.slow_readers``.

One publisher sends at a steady pace. A good subscriber reads all it gets; a slow one
reads at a limited pace. The table says how many messages the good one got, how late
the latest of them was, how many readers were closed as slow, and how long a PING of
the publisher waited for its answer.
"""

import argparse
import asyncio
import contextlib
import json
import socket
import sys
import time
import urllib.request
from dataclasses import dataclass, replace

from app.testing import free_port
from benchmarks.servers import Contender, contenders

HELLO = b'CONNECT {"verbose":false,"pedantic":false}\r\n'
PING = b"PING\r\n"
PONG = b"PONG\r\n"
SIZE = 500
RATE = 2000
PING_EVERY = 0.5
STEP = 0.005


@dataclass(frozen=True, slots=True)
class Scenario:
    """How long, how the slow reader reads, and whether a good one is there. Times in seconds."""

    name: str
    seconds: float
    bytes_per_read: int
    pause: float
    has_good_reader: bool = True


SCENARIOS = (
    Scenario("200 kB/s beside a good reader", 25.0, 10_000, 0.05),
    Scenario("8 kB/s beside a good reader", 25.0, 4_096, 0.5),
    Scenario("200 kB/s, no other reader", 15.0, 10_000, 0.05, has_good_reader=False),
)


@dataclass(slots=True)
class Outcome:
    """What was seen; times in seconds."""

    sent: int = 0
    received: int = 0
    latest: float = 0.0
    worst_pong: float = 0.0
    closed: int = 0


class Client:
    """A connection that answers PING and hands out messages."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self._reader = reader

    @classmethod
    async def connect(cls, port: int, lines: bytes = b"") -> "Client":
        """A client that has had its first PONG."""
        client = cls(*await asyncio.open_connection("127.0.0.1", port, limit=1 << 20))
        client.writer.write(HELLO + lines + PING)
        while await client.next() != PONG:
            pass
        return client

    async def next(self) -> bytes:
        """The payload of the next message, or PONG."""
        while True:
            line = await self._reader.readline()
            if line.startswith(b"MSG"):
                size = int(line.split()[-1])
                return (await self._reader.readexactly(size + 2))[:-2]
            if line == PING:
                self.writer.write(PONG)
            elif line == PONG:
                return PONG
            elif not line:
                raise ConnectionResetError


async def publish(scenario: Scenario, outcome: Outcome, port: int) -> None:
    """Send at the pace, however late; each message begins with the time at which it was due."""
    client = await Client.connect(port)
    pongs = asyncio.create_task(_measure_pongs(client, outcome))
    begin = time.monotonic()
    body = b"x" * (SIZE - 20)
    for _ in range(round(scenario.seconds / STEP)):
        elapsed = time.monotonic() - begin
        while outcome.sent < elapsed * RATE:
            stamp = f"{begin + outcome.sent / RATE:020.6f}".encode()
            client.writer.write(b"PUB foo %d\r\n%b%b\r\n" % (SIZE, stamp, body))
            outcome.sent += 1
        await asyncio.sleep(STEP)
    await _end(pongs)


async def _measure_pongs(client: Client, outcome: Outcome) -> None:
    while True:
        asked = time.monotonic()
        client.writer.write(PING)
        try:
            await client.next()
        finally:  # also when the end comes before the answer
            outcome.worst_pong = max(outcome.worst_pong, time.monotonic() - asked)
        await asyncio.sleep(PING_EVERY)


async def read_well(outcome: Outcome, port: int) -> None:
    """Read all, and note how late each message is."""
    client = await Client.connect(port, b"SUB foo 1\r\n")
    while True:
        message = await client.next()
        outcome.received += 1
        outcome.latest = max(outcome.latest, time.monotonic() - float(message[:20]))


async def read_slowly(scenario: Scenario, port: int) -> None:
    """Read a little at a time, with a small buffer of its own."""
    loop = asyncio.get_running_loop()
    with socket.create_connection(("127.0.0.1", port)) as link:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        link.setblocking(False)  # noqa: FBT003 - the socket's own way
        await loop.sock_sendall(link, HELLO + b"SUB foo 1\r\n")
        while await loop.sock_recv(link, scenario.bytes_per_read):  # noqa: ASYNC110 - a pace, not a wait
            await asyncio.sleep(scenario.pause)


def slow_consumers(http_port: int) -> int:
    """Readers that the server has closed as slow."""
    with urllib.request.urlopen(f"http://127.0.0.1:{http_port}/varz", timeout=5) as page:
        return int(json.load(page)["slow_consumers"])


async def play(scenario: Scenario, port: int) -> Outcome:
    """One scenario against the server on `port`."""
    outcome = Outcome()
    readers = [asyncio.create_task(read_slowly(scenario, port))]
    if scenario.has_good_reader:
        readers.append(asyncio.create_task(read_well(outcome, port)))
    await asyncio.sleep(PING_EVERY)
    await publish(scenario, outcome, port)
    await asyncio.sleep(1.0)
    for task in readers:
        await _end(task)
    return outcome


async def _end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError, ConnectionError, asyncio.IncompleteReadError):
        await task


def row(contender: Contender, scenario: Scenario) -> str:
    """Start a server, play, and put the figures in a row."""
    http_port = free_port()
    with replace(contender, flags=(*contender.flags, "-m", str(http_port))).start() as server:
        outcome = asyncio.run(play(scenario, server.port))
        outcome.closed = slow_consumers(http_port)
    good = f"{outcome.received} of {outcome.sent}, {outcome.latest:.1f} s late"
    return (
        f"{scenario.name:30} {contender.name:7} "
        f"good: {good if scenario.has_good_reader else '-':30} "
        f"closed as slow: {outcome.closed}  PONG after {outcome.worst_pong:.1f} s at most\n"
    )


def main() -> None:
    """Play all scenarios on all servers."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    for scenario in SCENARIOS:
        for contender in contenders():
            sys.stdout.write(row(contender, scenario))
            sys.stdout.flush()


if __name__ == "__main__":
    main()
