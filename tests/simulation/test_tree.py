"""The tree of a simulation knows which way messages go, and who is below whom."""

from random import Random

import pytest

from app.adapters.clock_manual import ManualClock
from tests.simulation.network import Network
from tests.simulation.scenario import TREES, make_scenario
from tests.simulation.topology import ServerSpec
from tests.simulation.trace import Trace
from tests.simulation.tree import Tree

SPECS = (
    ServerSpec((0, 1), cluster=0),
    ServerSpec((0, 1), cluster=0),
    ServerSpec((2, 3), cluster=1, hubs=(0,)),
    ServerSpec((2, 3), cluster=1, hubs=(1, 0)),
    ServerSpec((), cluster=2, hubs=(3,)),
    ServerSpec((), cluster=3, hubs=(0,)),
)
"""A mesh of two hubs; a mesh of two leaves, one at each hub; below one of these a leaf, and one at a hub."""


@pytest.fixture(name="network")
def _network() -> Network:
    """A network of six hosts, without links."""
    clock = ManualClock()
    network = Network(clock, Random(1), Trace(clock.monotonic))
    for number in range(len(SPECS)):
        network.host(f"s{number}", f"10.0.0.{number + 1}")
    return network


@pytest.mark.parametrize(
    ("source", "target", "way"),
    [
        (0, 0, [0]),
        (0, 1, [0, 1]),
        (2, 3, [2, 3]),
        (0, 2, [0, 2]),
        (1, 2, [1, 0, 2]),
        (2, 1, [2, 0, 1]),
        (4, 2, [4, 3, 2]),
        (4, 5, [4, 3, 1, 0, 5]),
        (5, 4, [5, 0, 1, 3, 4]),
    ],
)
def test_the_way_of_a_message(network: Network, source: int, target: int, way: list[int]) -> None:
    """Up own links to the mesh that both are below, through it, and down again."""
    hosts = [network.hosts[f"s{number}"] for number in range(len(SPECS))]
    tree = Tree(network, hosts, SPECS)

    assert [hosts[number] for number in way] == list(tree.way(hosts[source], hosts[target]))


def test_who_is_below(network: Network) -> None:
    """All that are joined to a server, by any number of links, but not its mesh."""
    hosts = [network.hosts[f"s{number}"] for number in range(len(SPECS))]
    tree = Tree(network, hosts, SPECS)

    assert {hosts[0], hosts[2], hosts[5]} == tree.below(0)
    assert {hosts[1], hosts[3], hosts[4]} == tree.below(1)
    assert ([0, 1], [4]) == (tree.mates(1), tree.mates(4))
    assert {2: 0, 3: 1, 4: 3, 5: 0} == tree.leaves
    assert not tree.is_formed()


def test_trees_among_the_seeds() -> None:
    """There are small and large trees, meshes at the hub and below, and leaves with a choice."""
    scenarios = [make_scenario(seed) for seed in range(TREES - 1, 500, TREES)]
    specs = [scenario.server_specs for scenario in scenarios]

    assert all(scenario.is_tree for scenario in scenarios)
    assert not any(make_scenario(seed).is_tree for seed in range(TREES - 1))
    assert {2, 10} == {min(map(len, specs)), max(map(len, specs))}
    assert any(len(found[0].routes) == 3 for found in specs)
    assert any(spec.hubs and len(spec.routes) == 3 for found in specs for spec in found)
    assert any(len(spec.hubs) > 1 for found in specs for spec in found)
