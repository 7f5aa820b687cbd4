"""Topologies: which servers there are, and whom each of them knows at its start."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final


@dataclass(frozen=True, slots=True)
class ServerSpec:
    """One server of the cluster: its list of routes, and its start."""

    routes: tuple[int, ...]
    """Numbers of the servers in its list of routes; may contain its own, and duplicates."""
    starts_late: bool = False
    """Whether it is started by a step, not at the beginning."""
    wildcard_host: bool = False
    """Whether the host of its cluster listener is 0.0.0.0."""
    by_name: bool = True
    """Whether its list of routes has names, not addresses."""
    current: bool = False
    """Whether it is a server of today, which knows headers; else it has the protocol of gnatsd."""
    cluster: int = 0
    """The mesh it belongs to; routes lead within it."""
    hubs: tuple[int, ...] = ()
    """Numbers of the servers of another mesh that it may join as a leaf, one at a time."""


def _all_to_seed(count: int, _chance: Random) -> list[list[int]]:
    return [[0] for _ in range(count)]  # the first server's list names itself


def _chain(count: int, _chance: Random) -> list[list[int]]:
    return [[number - 1] if number else [] for number in range(count)]


def _mutual(count: int, _chance: Random) -> list[list[int]]:
    return [[other for other in range(count) if other != number] for number in range(count)]


def _same_list(count: int, chance: Random) -> list[list[int]]:
    """One list for all servers, which may name a server twice, and the server itself."""
    named = [chance.randrange(count) for _ in range(min(count, chance.randint(2, 5)))]
    return [list(named) for _ in range(count)]


def _tree(count: int, chance: Random) -> list[list[int]]:
    """Every server knows an earlier one, or is known by it."""
    lists: list[list[int]] = [[] for _ in range(count)]
    for number in range(1, count):
        other = chance.randrange(number)
        one, two = (number, other) if chance.random() < 0.7 else (other, number)
        lists[one].append(two)
    for _ in range(chance.randrange(count)):
        lists[chance.randrange(count)].append(chance.randrange(count))
    return lists


TOPOLOGIES: Final[tuple[Callable[[int, Random], list[list[int]]], ...]] = (
    _all_to_seed,
    _chain,
    _mutual,
    _same_list,
    _tree,
)

_SIZES: Final = ((2, 3, 20), (3, 3, 30), (4, 6, 34), (7, 10, 10), (11, 20, 4), (21, 50, 2))
"""Minimum and maximum number of servers, and the percentage of seeds."""


def cluster_specs(chance: Random) -> tuple[ServerSpec, ...]:
    """The servers of one cluster."""
    low, high, _ = chance.choices(_SIZES, [share for _, _, share in _SIZES])[0]
    count = chance.randint(low, high)
    lists = chance.choice(TOPOLOGIES if count <= 20 else TOPOLOGIES[:2])(count, chance)
    return tuple(
        ServerSpec(
            tuple(routes),
            starts_late=number > 1 and chance.random() < 0.12,
            wildcard_host=chance.random() < 0.4,
            by_name=chance.random() < 0.5,
        )
        for number, routes in enumerate(lists)
    )


_MESH_SIZES: Final = (1, 1, 2, 3)
_MOST_SERVERS: Final = 10


def tree_specs(chance: Random) -> tuple[ServerSpec, ...]:
    """A tree of meshes: every server of a mesh but those of the first joins a server of an earlier one."""
    meshes: list[range] = []
    specs: list[ServerSpec] = []
    for cluster in range(chance.randint(2, 6)):
        size = min(chance.choice(_MESH_SIZES), _MOST_SERVERS - len(specs))
        above = chance.choice(meshes) if meshes else range(0)
        mesh = range(len(specs), len(specs) + size)
        meshes += [mesh] if size else []
        specs += [
            ServerSpec(
                tuple(mesh) if size > 1 else (),
                starts_late=len(specs) > 0 and chance.random() < 0.12,
                by_name=chance.random() < 0.5,
                current=True,
                cluster=cluster,
                hubs=_hubs(chance, above),
            )
            for _ in mesh
        ]
    return tuple(specs)


def _hubs(chance: Random, above: range) -> tuple[int, ...]:
    """One server of the mesh above, or some of them to choose from."""
    if not above:
        return ()
    return tuple(chance.sample(above, chance.randint(1, len(above)) if chance.random() < 0.5 else 1))
