"""A frozen server: seeds seldom freeze one for long enough, so it has a scenario of its own."""

from app.domain.broker import Broker
from app.domain.dataplane import choose
from tests.simulation.mutants import MUTANTS
from tests.simulation.scenario import NetworkConditions, Phase, Scenario, Step
from tests.simulation.server import MakeBroker
from tests.simulation.simulation import Simulation
from tests.simulation.topology import ServerSpec
from tests.support.twins import twins

FROZEN = 12.0

GROUP = (
    *(Step(0.0, "arrive", (number, number)) for number in range(3)),
    *(Step(1.0, "sub", (number, "a", "q")) for number in (1, 2)),
)
"""A publisher at server 0, and members of a group at servers 1 and 2."""

FREEZE = (
    Step(0.0, "freeze", (2, FROZEN)),
    *(Step(5.5 + number / 10, "pub", (0, "a", 1, 16)) for number in range(40)),
)


def play(make_broker: MakeBroker) -> tuple[str | None, int]:
    """Publish to the group while server 2 is frozen; returns the violation and the expected deliveries."""
    scenario = Scenario(
        seed=1,
        server_specs=(ServerSpec((0,)),) * 3,
        conditions=NetworkConditions(0.01, 0.01, 0, 256 * 1024),
        route_password=False,
        max_pending=1_000_000,
        phases=(Phase(2.0, GROUP), Phase(FROZEN + 1.0, FREEZE)),
    )
    simulation = Simulation(scenario, choose(twins()[-1])[1])
    simulation.make_broker = make_broker
    outcome = simulation.play()
    return outcome.violation, outcome.counts["expected deliveries"]


def test_a_group_does_without_a_frozen_server() -> None:
    """No message goes to a member whose server cannot read it."""
    assert (None, 40) == play(Broker)


def test_a_server_that_never_suspects_is_caught() -> None:
    """A mutant that draws members of frozen servers delivers too late."""
    violation, _ = play(MUTANTS["never-suspects"].make_broker)

    assert violation is not None
    assert violation.startswith("in time: ")
