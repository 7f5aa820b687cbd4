"""Partitions that last: too long for what seeds play, and cheap in virtual time all the same."""

import pytest

from app.domain.dataplane import choose
from tests.simulation.invariants import mesh_is_complete
from tests.simulation.scenario import Scenario, Seat, Weather
from tests.simulation.world import World
from tests.support.twins import twins

HOUR = 3600.0


@pytest.mark.parametrize("hours", [0.5, 6.0, 20.0])
def test_servers_that_learnt_of_each_other_meet_again(hours: float) -> None:
    """They have only a seed in common, which lost neither, and so tells neither anew."""
    weather = Weather(0.001, 0.001, 0, 256 * 1024)
    scenario = Scenario(1, (Seat((0,)),) * 3, weather, guarded=False, max_pending=1_000_000, phases=())
    world = World(scenario, choose(twins()[-1])[1])
    for server in world.servers:
        server.start()
    world.clock.advance(5.0)
    one, other = world.servers[1].host, world.servers[2].host

    formed = mesh_is_complete(world)
    world.network.cut(one, other)
    world.network.cut(other, one)
    world.clock.advance(hours * HOUR)
    parted = not mesh_is_complete(world)
    world.network.mend()
    world.clock.advance(120.0)

    assert formed
    assert parted
    assert mesh_is_complete(world)
