"""``python -m tests.simulation.growth``: how the cost of forming a mesh grows with the number of servers.

All servers start at once, know one seed, and are a millisecond or two apart. What is
counted is the same on every machine; seconds of the processor, and memory, are not.
"""

import argparse
import gc
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.domain.dataplane import AUTO, choose
from tests.simulation.growth_chart import draw
from tests.simulation.lane import Lane
from tests.simulation.scenario import Scenario, Seat, Weather
from tests.simulation.world import World

SIZES = (3, 10, 50, 100, 300)

DOCS = Path(__file__).parents[2] / "docs"

LONGEST_SECONDS = 300.0
"""A mesh that is not complete by then, in virtual time, never will be."""

_STEP_SECONDS = 0.005
_WEATHER = Weather(latency=0.001, jitter=0.001, grain=0, capacity=256 * 1024)

_PAGE = """\
# Growth

This page is written by `make growth`.
It shows what it costs a cluster to form, from {first} to {last} servers, in [simulation](simulation.md).
All servers start at once, each with the same line in its list of routes: the seed.
They are one to two milliseconds apart, and discover each other by gossip alone.
The servers' own work takes no virtual time, so the last column is what the network asks for.

![links, gossip, bytes and time by number of servers](growth.svg)

| servers | routes | links opened | gossip | gossip per server | bytes | bytes per server | complete after |
|--:|--:|--:|--:|--:|--:|--:|--:|
{rows}

- *routes*: pairs of servers, each of which keeps one link.
- *links opened*: with those that turned out to be the second between two servers, and were closed.
- *gossip*: INFO lines about a third server.
  A server sends another the INFO of a third one once, unless it received it first.
  So n servers send at most n (n - 1) (n - 2) of them, and about half as many when all start at once.
- *bytes*: all that was sent on routes.
- *complete after*: virtual seconds until every pair has its one route, on both sides, and no second one.

The largest of these runs took {cpu:.0f} s of one processor, and {memory:.0f} MiB:
all {last} servers are in one process.
"""


@dataclass(frozen=True, slots=True)
class Growth:
    """What it took so many servers to form a mesh."""

    servers: int
    opened: int
    gossip: int
    carried: int
    """Bytes."""
    seconds: float
    """Virtual ones."""
    cpu: float
    memory: float
    """MiB that the process has had at most so far."""

    @property
    def routes(self) -> int:
        """Pairs of servers."""
        return self.servers * (self.servers - 1) // 2

    def row(self) -> str:
        """A line of the table."""
        each = self.servers
        return (
            f"| {each} | {self.routes:,} | {self.opened:,} | {self.gossip:,} | {self.gossip // each:,} "
            f"| {self.carried:,} | {self.carried // each:,} | {self.seconds:.2f} s |"
        )


def grow(servers: int, twin: str = AUTO) -> Growth:
    """Let a mesh form; raises `TimeoutError` if it does not."""
    scenario = Scenario(
        servers, (Seat((0,)),) * servers, _WEATHER, guarded=False, max_pending=10 * 1024 * 1024, phases=()
    )
    world = World(scenario, choose(twin)[1])
    gossip = carried = 0

    def count(_lane: Lane, data: bytes) -> None:
        nonlocal gossip, carried
        gossip += data.count(b'"ip":"nats-route')
        carried += len(data)

    world.network.carried = count
    began = time.process_time()
    for server in world.servers:
        server.start()
    while not _is_complete(world):
        if world.clock.monotonic() > LONGEST_SECONDS:
            raise TimeoutError(f"{servers} servers have no mesh after {LONGEST_SECONDS:g} s")
        world.clock.advance(_STEP_SECONDS)
    return Growth(
        servers,
        world.network.opened,
        gossip,
        carried,
        world.clock.monotonic(),
        time.process_time() - began,
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


def _is_complete(world: World) -> bool:
    """Both counts are exact only together: each server has each other one, and no link is left over."""
    count = len(world.servers)
    known = sum(
        len(server.broker.cluster.remotes)
        for server in world.servers
        if server.broker is not None and server.broker.cluster is not None
    )
    return known == count * (count - 1) and len(world.network.links) == count * (count - 1) // 2


def page(grown: Sequence[Growth]) -> str:
    """The document."""
    last = grown[-1]
    return _PAGE.format(
        first=grown[0].servers,
        last=last.servers,
        rows="\n".join(growth.row() for growth in grown),
        cpu=last.cpu,
        memory=last.memory,
    )


def main(words: Sequence[str] | None = None) -> int:
    """Grow clusters, and write the page and its picture."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.growth", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help=f"default: {SIZES}")
    parser.add_argument("--into", type=Path, default=DOCS, help="directory of the page (default: docs)")
    options = parser.parse_args(words)
    grown = []
    gc.disable()  # nothing becomes garbage while a mesh forms, and looking for it would take long
    for size in sorted(options.sizes):
        grown.append(grow(size))
        gc.collect()
        sys.stdout.write(grown[-1].row() + "\n")
        sys.stdout.flush()
    (options.into / "growth.md").write_text(page(grown))
    (options.into / "growth.svg").write_text(draw(grown))
    return 0


if __name__ == "__main__":
    sys.exit(main())
