"""``python -m benchmarks.rolling``: a rolling restart of a cluster of three, with clients of nats-py.

Each server in turn enters lame duck mode, stops, and starts again. Its clients go elsewhere, and what
they publish from then on has to arrive. The picture shows how many clients each server still has.
"""

import argparse
import asyncio
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from nats.aio.client import Client

from app import Cluster, Server

MESSAGES = 5
"""What each client publishes after each reconnect."""

SUBJECT = "after.reconnect"
_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 640.0, 240.0, 48.0, 32.0
_COLOURS = ("#2a6fdb", "#d1572b", "#2d8a4e")


@dataclass(slots=True)
class Restart:
    """What one server's restart did to its clients; times in seconds since lame duck mode began."""

    clients: int
    grace: float
    duration: float
    ends: list[float] = field(default_factory=list)
    """When each connection of the server ended."""
    sent: int = 0
    heard: int = 0
    """Of what was sent after a reconnect."""

    def unevenness(self) -> float:
        """Seconds by which a client was closed earlier or later than in an even spread, at most."""
        step = min(1.0, (self.duration - self.grace) / max(1, self.clients))
        ends = sorted(self.ends)
        return max((abs(end - self.grace - number * step) for number, end in enumerate(ends)), default=0.0)


class _Guest:
    """One client, wherever it is connected."""

    def __init__(self, rolling: "_Rolling") -> None:
        self._rolling = rolling
        self.client = Client()

    async def connect(self, url: str) -> None:
        await self.client.connect(
            url,
            max_reconnect_attempts=-1,
            reconnect_time_wait=0,
            disconnected_cb=self._left,
            reconnected_cb=self._back,
            error_cb=self._failed,
        )

    async def _left(self) -> None:
        self._rolling.left()

    async def _back(self) -> None:
        await self._rolling.back(self.client)

    async def _failed(self, _error: Exception) -> None:
        """A connection that ended; it is counted elsewhere."""


class _Rolling:
    def __init__(self) -> None:
        self.restart: Restart | None = None
        self.began = 0.0
        self.returned = 0

    def left(self) -> None:
        if self.restart is not None:
            self.restart.ends.append(time.monotonic() - self.began)

    async def back(self, client: Client) -> None:
        restart = self.restart
        if restart is None:
            return
        for _ in range(MESSAGES):
            await client.publish(SUBJECT, b"x")
            restart.sent += 1
        await client.flush()
        self.returned += 1


async def roll(clients: int, *, duration: float, grace: float) -> list[Restart]:
    """Restart all three servers; what happened at each."""
    rolling, restarts = _Rolling(), list[Restart]()
    async with Cluster(3) as cluster:
        guests = [_Guest(rolling) for _ in range(clients)]
        for number, guest in enumerate(guests):
            await guest.connect(cluster.urls[number % 3])
        for number, server in enumerate(cluster.servers):
            restarts.append(await _restart(rolling, cluster, server, (duration, grace), number))
        rolling.restart = None
        for guest in guests:
            await guest.client.close()
    return restarts


async def _restart(
    rolling: _Rolling, cluster: Cluster, server: Server, times: tuple[float, float], number: int
) -> Restart:
    duration, grace = times
    witness = cluster.servers[(number + 1) % 3]
    async with witness.client() as collector, collector.subscribe(SUBJECT) as messages:
        await asyncio.sleep(0.3)  # the other servers hear of it
        restart = rolling.restart = Restart(server.varz()["connections"], grace, duration)
        rolling.began, rolling.returned = time.monotonic(), 0
        await server.lame_duck(duration=duration, grace=grace)
        async with asyncio.timeout(60):
            while rolling.returned < restart.clients:  # noqa: ASYNC110 - clients count, one by one
                await asyncio.sleep(0.02)
            for _ in range(restart.sent):
                await messages.next(timeout=30)
                restart.heard += 1
    await server.start()
    await cluster.wait_until_meshed()
    return restart


def picture(restarts: list[Restart]) -> str:
    """The clients that each server still had, as SVG."""
    most = max(restart.clients for restart in restarts) or 1
    seconds = max(restart.duration for restart in restarts)
    across, up = (_WIDTH - _LEFT - 8) / seconds, (_HEIGHT - _BOTTOM - 8) / most
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}">',
        "<style>text { font: 11px sans-serif }</style>",
        f'<path d="M{_LEFT} 8V{_HEIGHT - _BOTTOM}H{_WIDTH - 8}" fill="none" stroke="#888"/>',
        f'<text x="{_LEFT - 6}" y="14" text-anchor="end">{most}</text>',
        f'<text x="{_LEFT - 6}" y="{_HEIGHT - _BOTTOM}" text-anchor="end">0</text>',
        f'<text x="{_WIDTH - 8}" y="{_HEIGHT - 12}" text-anchor="end">{seconds:g} s</text>',
        f'<text x="{_LEFT}" y="{_HEIGHT - 12}">clients left, since lame duck mode began</text>',
    ]
    for restart, colour in zip(restarts, _COLOURS, strict=False):
        points = [(0.0, restart.clients)]
        for number, end in enumerate(sorted(restart.ends), 1):
            points += [(end, restart.clients - number + 1), (end, restart.clients - number)]
        line = " ".join(f"{_LEFT + x * across:.1f},{_HEIGHT - _BOTTOM - y * up:.1f}" for x, y in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
    return "\n".join([*parts, "</svg>", ""])


def main(words: list[str]) -> int:
    """Run it, print a row for each server, and write the picture."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rolling", description=__doc__)
    parser.add_argument("--clients", type=int, default=500)
    parser.add_argument("--duration", type=float, default=10.0)
    parser.add_argument("--grace", type=float, default=1.0)
    parser.add_argument("--picture", default="")
    asked = parser.parse_args(words)
    restarts = asyncio.run(roll(asked.clients, duration=asked.duration, grace=asked.grace))
    for restart in restarts:
        sys.stdout.write(
            f"{restart.clients} clients, closed within {max(restart.ends, default=0.0):.1f} s, "
            f"at most {restart.unevenness():.2f} s from an even spread; "
            f"{restart.heard} of {restart.sent} messages after a reconnect arrived\n"
        )
    if asked.picture:
        Path(asked.picture).write_text(picture(restarts), "utf-8")
    return 0 if all(restart.heard == restart.sent for restart in restarts) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
