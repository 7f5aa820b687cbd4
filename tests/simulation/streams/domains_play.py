"""Two domains by chance: an origin is written to and cleared, the link is lost, servers start again.

In the end a mirror and a source have to agree with all that the origin ever had.
"""

from random import Random

from app.domain.dataplane.seam import MakePlane
from tests.simulation.streams.play import BrokenPromise
from tests.support.virtual_domains import VirtualDomains

EXTERNAL = {"api": "$JS.HUB.API", "deliver": ""}
STEPS = 40
REST = 150
"""Seconds after which all has to be copied: the longest wait, and some silences."""

Rows = list[tuple[int, str, str]]


class DomainsPlay:
    """One play."""

    def __init__(self, make_plane: MakePlane, seed: int) -> None:
        self.chance = Random(seed)
        self.domains = VirtualDomains(make_plane)
        self.all: Rows = []
        """What the origin ever stored."""
        hub, leaf = self.domains.hub, self.domains.leaf
        hub.make("O", subjects=["o.*"])
        leaf.make("M", mirror={"name": "O", "external": EXTERNAL})
        leaf.make("S", sources=[{"name": "O", "external": EXTERNAL}])

    def run(self) -> "DomainsPlay":
        """Play it, come to rest, and check."""
        actions = (self._publish, self._publish, self._publish, self._cut, self._heal, self._restart)
        for _ in range(STEPS):
            self.chance.choice((*actions, self._remove))()
            self.domains.advance(self.chance.choice((0.0, 0.001, 0.5, 3.0, 15.0)))
        self.domains.heal()
        self.domains.advance(REST)
        self._check()
        return self

    def _publish(self) -> None:
        for _ in range(self.chance.choice((1, 5, 60))):
            subject = f"o.{self.chance.randrange(4)}"
            payload = "x" * self.chance.choice((1, 200, 60_000))
            self.domains.hub.raw(subject, payload.encode())
            self.all.append((len(self.all) + 1, subject, payload))

    def _cut(self) -> None:
        self.domains.cut()

    def _heal(self) -> None:
        self.domains.heal()

    def _restart(self) -> None:
        self.domains.restart(self.chance.choice((self.domains.hub, self.domains.leaf)))

    def _remove(self) -> None:
        """Only what was copied, or is left uncopied for good: holes are allowed for what is removed."""
        hub = self.domains.hub
        if self.chance.random() < 0.5:
            hub.ask("STREAM.PURGE.O", {"filter": f"o.{self.chance.randrange(4)}"})
        elif self.all:
            hub.ask("STREAM.MSG.DELETE.O", {"seq": 1 + self.chance.randrange(len(self.all))})

    def _check(self) -> None:
        leaf, kept = self.domains.leaf, self.domains.hub.contents("O")
        mirrored, copied = leaf.contents("M"), leaf.contents("S")
        for rows, name in ((mirrored, "mirror"), ([self._origin_of(row) for row in copied], "source")):
            if rows != sorted(set(rows)):
                raise BrokenPromise(f"the {name} has messages twice, or in another order")
            if not set(rows) <= set(self.all):
                raise BrokenPromise(f"the {name} has what the origin never had")
            if missing := set(kept) - set(rows):
                raise BrokenPromise(f"the {name} has not all that the origin has: {sorted(missing)[:3]}")
        for name in "MS":
            if leaf.status(name)["lag"] or "error" in leaf.status(name):
                raise BrokenPromise(f"at rest, the status is {leaf.status(name)}")

    def _origin_of(self, row: tuple[int, str, str]) -> tuple[int, str, str]:
        message = self.domains.leaf.stream("S").log.read(row[0])
        assert message is not None
        sequence = message.headers.partition(b"Nats-Stream-Source: ")[2].split(b" ")[1]
        return int(sequence), row[1], row[2]
