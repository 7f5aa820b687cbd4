"""The tree of a simulation: who is joined to whom, and which way a message goes."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.simulation.host import Host
from tests.simulation.network import Network
from tests.simulation.topology import ServerSpec

LEAF_PORT = 7422


@dataclass(frozen=True, slots=True)
class Member:
    """A server of the tree."""

    host: Host
    spec: ServerSpec


class Tree:
    """Meshes of servers; every member of a mesh but those of the first is a leaf of a server above.

    A leaf that may choose between hubs is where it was in the last quiet period: if it has moved
    since, something on its way has had a fault.
    """

    def __init__(self, network: Network, hosts: Sequence[Host], specs: Sequence[ServerSpec]) -> None:
        self._network = network
        self._members = [Member(host, spec) for host, spec in zip(hosts, specs, strict=True)]
        self._numbers = {member.host: number for number, member in enumerate(self._members)}
        self._hubs = {
            number: member.spec.hubs[0] for number, member in enumerate(self._members) if member.spec.hubs
        }
        """By leaf, the hub that it is joined to."""

    def settle(self) -> None:
        """Take notice of where leaves are now."""
        for number in self._hubs:
            linked = [hub for hub in self._choices(number) if self._is_joined(number, hub)]
            if linked:
                self._hubs[number] = linked[0]

    def is_formed(self) -> bool:
        """Whether every leaf has one link to a hub."""
        return all(self.links_of(number) == 1 for number in self._hubs)

    def links_of(self, number: int) -> int:
        """How many links a leaf has to its hubs."""
        return sum(self._is_joined(number, hub) for hub in self._choices(number))

    @property
    def leaves(self) -> dict[int, int]:
        """By leaf, the hub that it is joined to."""
        return dict(self._hubs)

    def _choices(self, number: int) -> list[int]:
        """The servers that a leaf may join: those it was given, and others of their mesh, which they name."""
        return self.mates(self._members[number].spec.hubs[0])

    def _is_joined(self, number: int, hub: int) -> bool:
        here, there = self._members[number].host, self._members[hub].host
        return any(link.port == LEAF_PORT for link in self._network.between(here, there))

    def way(self, source: Host, target: Host) -> tuple[Host, ...]:
        """All servers from one to another, both included."""
        up, down = self._ascent(self._numbers[source]), self._ascent(self._numbers[target])
        meshes = {self._mesh(number): place for place, number in enumerate(down)}
        climb = next(place for place, number in enumerate(up) if self._mesh(number) in meshes)
        descent = down[: meshes[self._mesh(up[climb])] + 1]
        numbers = [*up[: climb + 1], *reversed(descent)]
        hosts = [self._members[number].host for number in numbers]
        return tuple(host for place, host in enumerate(hosts) if place == 0 or hosts[place - 1] is not host)

    def below(self, number: int) -> set[Host]:
        """A server, and all that are joined to it or to those below it, by their own links."""
        return {member.host for other, member in enumerate(self._members) if number in self._ascent(other)}

    def mates(self, number: int) -> list[int]:
        """The servers of the mesh of one, itself included."""
        mesh = self._mesh(number)
        return [other for other in range(len(self._members)) if self._mesh(other) == mesh]

    def _ascent(self, number: int) -> list[int]:
        """A server, its hub, the hub of that, and so on."""
        found = [number]
        while found[-1] in self._hubs:
            found.append(self._hubs[found[-1]])
        return found

    def _mesh(self, number: int) -> int:
        return self._members[number].spec.cluster
