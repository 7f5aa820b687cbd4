"""Every promise is checked: a mutant that breaks it is caught, and by that promise."""

import pytest

from app.domain.dataplane import choose
from tests.simulation.mutants import MUTANTS
from tests.simulation.scenario import make_scenario
from tests.simulation.tree_simulation import make_simulation
from tests.support.twins import twins

SEEDS = 20
"""The number of seeds that catch every mutant."""

RARE = {"never-suspects", "no-failover"}
"""Mutants that few seeds catch; ``test_freezing`` and ``test_draining`` do."""


@pytest.mark.parametrize("twin", twins())
@pytest.mark.parametrize("name", sorted(MUTANTS.keys() - RARE))
def test_a_mutant_is_caught(name: str, twin: str) -> None:
    """One of the first seeds reports the promise that the mutant breaks."""
    mutant = MUTANTS[name]
    found = []

    for seed in range(SEEDS):
        simulation = make_simulation(make_scenario(seed), choose(twin)[1])
        simulation.make_broker = mutant.make_broker
        violation = simulation.play().violation
        if violation is not None:
            found.append(violation.partition(":")[0])
        if mutant.promise in found:
            break

    assert mutant.promise in found
