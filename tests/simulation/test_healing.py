"""Long partitions: longer than those of seeds, and still fast in virtual time."""

import pytest

from app.adapters.faults.partitions import Partitions
from app.domain.dataplane import choose
from tests.simulation.invariants import mesh_is_complete
from tests.simulation.scenario import NetworkConditions, Scenario
from tests.simulation.simulation import Simulation
from tests.simulation.topology import ServerSpec
from tests.support.twins import twins

HOUR = 3600.0


@pytest.mark.parametrize("hours", [0.5, 6.0, 20.0])
def test_servers_known_by_gossip_reconnect(hours: float) -> None:
    """Their common seed server has lost neither, so it announces neither again."""
    conditions = NetworkConditions(0.001, 0.001, 0, 256 * 1024)
    scenario = Scenario(
        1, (ServerSpec((0,)),) * 3, conditions, route_password=False, max_pending=1_000_000, phases=()
    )
    simulation = Simulation(scenario, choose(twins()[-1])[1])
    for server in simulation.servers:
        server.start()
    simulation.clock.advance(5.0)
    one, other = simulation.servers[1].host, simulation.servers[2].host

    formed = mesh_is_complete(simulation)
    Partitions(lambda: [one, other]).partition([0], [1])
    simulation.clock.advance(hours * HOUR)
    partitioned = not mesh_is_complete(simulation)
    simulation.network.heal()
    simulation.clock.advance(120.0)

    assert formed
    assert partitioned
    assert mesh_is_complete(simulation)
