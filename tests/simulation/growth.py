"""``python -m tests.simulation.growth``: the cost of forming a mesh, by the number of servers.

All servers start at once, know one seed server, and are one to two milliseconds apart. Counts
and virtual seconds are the same on every machine; processor seconds and memory are not.
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
from tests.simulation.link_direction import LinkDirection
from tests.simulation.scenario import NetworkConditions, Scenario
from tests.simulation.simulation import Simulation
from tests.simulation.topology import ServerSpec

SIZES = (3, 10, 50, 100, 300)

DOCS = Path(__file__).parents[2] / "docs"

TIMEOUT_SECONDS = 300.0
"""Virtual seconds after which an incomplete mesh is an error."""

_STEP_SECONDS = 0.005
_CONDITIONS = NetworkConditions(latency=0.001, jitter=0.001, max_read=0, capacity=256 * 1024)

_PAGE = """\
# Growth

This page is written by `make growth`.
It shows the cost of forming a cluster of {first} to {last} servers, in [simulation](simulation.md).
All servers start at once, each with the same single entry in its list of routes: the seed server.
They are one to two milliseconds apart, and learn of each other by gossip alone.
Processing takes no virtual time, so the last column is network time alone.

![links, gossip, bytes and time by number of servers](growth.svg)

| servers | routes | links opened | gossip | gossip per server | bytes | bytes per server | complete after |
|--:|--:|--:|--:|--:|--:|--:|--:|
{rows}

- *routes*: pairs of servers; each pair keeps one link.
- *links opened*: includes duplicate links between two servers, which were closed.
- *gossip*: INFO lines about a third server.
  A server announces a third server to a peer once, unless the peer announced it first.
  So n servers send at most n (n - 1) (n - 2) lines, and about half of that when all start at once.
- *bytes*: all bytes sent on routes.
- *complete after*: virtual seconds until every pair has exactly one route, on both sides.

The largest run took {cpu:.0f} s of one processor and {memory:.0f} MiB.
All {last} servers were in one process.
"""


@dataclass(frozen=True, slots=True)
class Growth:
    """The cost of forming one mesh."""

    servers: int
    opened: int
    gossip: int
    carried: int
    """Bytes."""
    seconds: float
    """Virtual seconds."""
    cpu: float
    memory: float
    """Maximum resident MiB of the process so far."""

    @property
    def routes(self) -> int:
        """Number of pairs of servers."""
        return self.servers * (self.servers - 1) // 2

    def row(self) -> str:
        """A line of the table."""
        each = self.servers
        return (
            f"| {each} | {self.routes:,} | {self.opened:,} | {self.gossip:,} | {self.gossip // each:,} "
            f"| {self.carried:,} | {self.carried // each:,} | {self.seconds:.2f} s |"
        )


def grow(servers: int, twin: str = AUTO) -> Growth:
    """Form a mesh; raises `TimeoutError` if it takes more than `TIMEOUT_SECONDS`."""
    scenario = Scenario(
        servers,
        (ServerSpec((0,)),) * servers,
        _CONDITIONS,
        route_password=False,
        max_pending=10 * 1024 * 1024,
        phases=(),
    )
    simulation = Simulation(scenario, choose(twin)[1])
    gossip = carried = 0

    def count(_lane: LinkDirection, data: bytes) -> None:
        nonlocal gossip, carried
        gossip += data.count(b'"ip":"nats-route')
        carried += len(data)

    simulation.network.carried = count
    began = time.process_time()
    for server in simulation.servers:
        server.start()
    while not _is_complete(simulation):
        if simulation.clock.monotonic() > TIMEOUT_SECONDS:
            raise TimeoutError(f"{servers} servers have no mesh after {TIMEOUT_SECONDS:g} s")
        simulation.clock.advance(_STEP_SECONDS)
    return Growth(
        servers,
        simulation.network.opened,
        gossip,
        carried,
        simulation.clock.monotonic(),
        time.process_time() - began,
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


def _is_complete(simulation: Simulation) -> bool:
    """Whether each server knows every other one, and there is no extra link."""
    count = len(simulation.servers)
    known = sum(
        len(server.broker.cluster.remotes)
        for server in simulation.servers
        if server.broker is not None and server.broker.cluster is not None
    )
    return known == count * (count - 1) and len(simulation.network.links) == count * (count - 1) // 2


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
    """Form the meshes, and write the page and its chart."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.growth", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help=f"default: {SIZES}")
    parser.add_argument("--into", type=Path, default=DOCS, help="directory of the page (default: docs)")
    options = parser.parse_args(words)
    grown = []
    gc.disable()  # forming a mesh makes no garbage, and collection would take long
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
