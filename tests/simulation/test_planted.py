"""Each promise is really watched: a defect that breaks it is caught, by that promise."""

import pytest

from app.domain.dataplane import choose
from tests.simulation.planted import PLANTS
from tests.simulation.scenario import make_scenario
from tests.simulation.world import World
from tests.support.twins import twins

SEEDS = 12
"""So many seeds at most are needed to catch a defect."""

RARE = {"draws-the-frozen", "drops-for-the-gone"}
"""What only few seeds meet; ``test_freezing`` and ``test_draining`` have them."""


@pytest.mark.parametrize("twin", twins())
@pytest.mark.parametrize("name", sorted(PLANTS.keys() - RARE))
def test_a_planted_defect_is_caught(name: str, twin: str) -> None:
    """One of the first seeds finds it, and calls it by its name."""
    plant = PLANTS[name]
    found = []

    for seed in range(SEEDS):
        world = World(make_scenario(seed), choose(twin)[1])
        world.make_broker = plant.make_broker
        violation = world.play().violation
        if violation is not None:
            found.append(violation.partition(":")[0])
        if plant.promise in found:
            break

    assert plant.promise in found
