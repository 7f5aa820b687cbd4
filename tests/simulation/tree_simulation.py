"""The simulation of a tree of hubs and leaves, each of them one server or a mesh."""

from typing import ClassVar

from app.domain.dataplane.seam import MakePlane
from tests.simulation import tree_invariants
from tests.simulation.oracle import Oracle
from tests.simulation.scenario import Scenario
from tests.simulation.simulation import Simulation
from tests.simulation.tree import Tree
from tests.simulation.tree_oracle import TreeOracle


class TreeSimulation(Simulation):
    """Plays a scenario whose servers are a tree."""

    heal_seconds: ClassVar[float] = 120.0
    """As in a cluster, but leaves wait up to 40 s between two dials, and those above them come first."""

    tree: Tree

    def _make_oracle(self) -> Oracle:
        self.tree = Tree(self.network, [server.host for server in self.servers], self.scenario.server_specs)
        return TreeOracle(self.fault_log, self.tree)

    def is_formed(self) -> bool:
        """Whether every mesh is complete, and every leaf linked."""
        return tree_invariants.is_formed(self)

    def _check_quiescent(self) -> None:
        self.checks += tree_invariants.check_quiescent(self)
        self.tree.settle()

    def _check_without_clients(self) -> None:
        self.checks += tree_invariants.check_without_clients(self)


def make_simulation(scenario: Scenario, make_plane: MakePlane, *, echo: bool = False) -> Simulation:
    """The simulation that plays this scenario."""
    kind = TreeSimulation if scenario.is_tree else Simulation
    return kind(scenario, make_plane, echo=echo)
