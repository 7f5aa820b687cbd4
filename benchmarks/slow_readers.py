"""What one slow reader costs the others, beside the Go server: ``python -m benchmarks.slow_readers``.

One publisher sends at a steady pace. A good subscriber reads all it gets; a slow one
reads at a limited pace. The table says how many messages the good one got, how late
the latest of them was, when the slow one was closed, and how long a PING of the
publisher waited for its answer.
"""

import argparse
import asyncio
import time
from dataclasses import dataclass

from benchmarks.servers import Contender, contenders

HELLO = b'CONNECT {"verbose":false,"pedantic":false}\r\nPING\r\n'
PONG = b"PONG\r\n"
STEP = 0.05


@dataclass(frozen=True, slots=True)
class Scenario:
    """A pace, and who listens. Rates in messages and bytes per second."""

    name: str
    rate: int
    size: int
    seconds: float
    slow_bytes: float
    """What the slow reader takes per read."""
    slow_pause: float
    """Seconds between its reads."""
    good: bool = True
    """Whether there is a good subscriber beside the slow one."""


SCENARIOS = (
    Scenario("200 kB/s reader beside a good one", 2000, 500, 25.0, 10_000, 0.05),
    Scenario("8 kB/s reader beside a good one", 2000, 500, 15.0, 4096, 0.5),
    Scenario("200 kB/s reader alone", 2000, 500, 15.0, 10_000, 0.05, good=False),
)


@dataclass(slots=True)
class Outcome:
    """What was seen; times in seconds."""

    sent: int = 0
    received: int = 0
    latest: float = 0.0
    slow_closed_after: float | None = None
    worst_pong: float = 0.0


async def connect(port: int, then: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A client that has had its PONG."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    writer.write(then + HELLO if not then else HELLO + then + b"PING\r\n")
    for _ in range(2 if then else 1):
        await reader.readuntil(PONG)
    return reader, writer


async def publish(scenario: Scenario, outcome: Outcome, port: int) -> None:
    """Send at the pace, however late; each message begins with the time it was due."""
    reader, writer = await connect(port)
    pongs = asyncio.create_task(_measure_pongs(reader, writer, outcome))
    begin = time.monotonic()
    body = b"x" * (scenario.size - 20)
    while (elapsed := time.monotonic() - begin) < scenario.seconds:
        due = int(elapsed * scenario.rate)
        while outcome.sent < due:
            stamp = f"{begin + outcome.sent / scenario.rate:020.6f}".encode()
            writer.write(b"PUB foo %d\r\n%b%b\r\n" % (scenario.size, stamp, body))
            outcome.sent += 1
        await asyncio.sleep(0.005)
    pongs.cancel()


async def _measure_pongs(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, outcome: Outcome
) -> None:
    while True:
        asked = time.monotonic()
        writer.write(b"PING\r\n")
        pong = asyncio.create_task(reader.readuntil(PONG))
        try:
            while not pong.done():
                await asyncio.wait([pong], timeout=STEP)
                outcome.worst_pong = max(outcome.worst_pong, time.monotonic() - asked)
        finally:
            pong.cancel()
        await asyncio.sleep(0.5)


async def read_well(scenario: Scenario, outcome: Outcome, port: int) -> None:
    """Read all, and note how late each message is."""
    reader, _writer = await connect(port, b"SUB foo 1\r\n")
    head = len(b"MSG foo 1 %d\r\n" % scenario.size)
    while message := await reader.readexactly(head + scenario.size + 2):
        outcome.received += 1
        outcome.latest = max(outcome.latest, time.monotonic() - float(message[head : head + 20]))


async def read_slowly(scenario: Scenario, outcome: Outcome, port: int) -> None:
    """Read a little at a time, until closed."""
    loop = asyncio.get_running_loop()
    import socket

    sock = socket.create_connection(("127.0.0.1", port))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    sock.setblocking(False)
    await loop.sock_sendall(sock, HELLO + b"SUB foo 1\r\n")
    begin = time.monotonic()
    try:
        while await loop.sock_recv(sock, int(scenario.slow_bytes)):
            await asyncio.sleep(scenario.slow_pause)
    except ConnectionError:
        pass
    outcome.slow_closed_after = time.monotonic() - begin


async def play(scenario: Scenario, port: int) -> Outcome:
    """One scenario against the server on `port`."""
    outcome = Outcome()
    tasks = [asyncio.create_task(read_slowly(scenario, outcome, port))]
    if scenario.good:
        tasks.append(asyncio.create_task(read_well(scenario, outcome, port)))
    await asyncio.sleep(0.3)
    await publish(scenario, outcome, port)
    await asyncio.sleep(1.0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return outcome


def row(contender: Contender, scenario: Scenario) -> str:
    """Start a server, play, and put the figures in a row."""
    with contender.start() as server:
        outcome = asyncio.run(play(scenario, server.port))
    closed = outcome.slow_closed_after
    good = f"{outcome.received:6} of {outcome.sent}, {outcome.latest:4.1f} s" if scenario.good else "-"
    return (
        f"{scenario.name:36} {contender.name:8} good: {good:24} "
        f"slow closed: {'no' if closed is None else f'{closed:.1f} s':7} PONG: {outcome.worst_pong:.1f} s"
    )


def main() -> None:
    """Play all scenarios on all servers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.parse_args()
    for scenario in SCENARIOS:
        for contender in contenders():
            print(row(contender, scenario), flush=True)


if __name__ == "__main__":
    main()
