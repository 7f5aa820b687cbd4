"""Members of a queue group that leave under load: no message is lost or duplicated."""

import pytest

from app.domain.broker import Broker
from app.domain.dataplane import choose
from tests.simulation.mutants import MUTANTS
from tests.simulation.scenario import Argument, NetworkConditions, Phase, Scenario, Step
from tests.simulation.server import MakeBroker
from tests.simulation.simulation import Simulation
from tests.simulation.topology import ServerSpec
from tests.support.twins import twins


def scenario(servers: int, steady: tuple[int, ...]) -> Scenario:
    """Publishers at all servers, steady members at some, and members that join and leave at all."""
    clients = range(3 * servers)
    first = [Step(0.0, "arrive", (number, number % servers)) for number in clients]
    first += [Step(1.0, "sub", (servers + server, "a", "q")) for server in steady]
    load = [Step(0.02 * number, "pub", (number % servers, "a", 3, 16)) for number in range(1, 400)]
    for turn in range(40):
        leaver: tuple[Argument, ...] = (2 * servers + turn % servers,)
        load += [
            Step(0.2 * turn + 0.05, "sub", (*leaver, "a", "q")),
            Step(0.2 * turn + 0.05 + 0.13 * (1 + turn % 3), "unsub", (*leaver, 0)),
        ]
    return Scenario(
        seed=servers,
        server_specs=(ServerSpec((0,)),) * servers,
        conditions=NetworkConditions(0.02, 0.02, 0, 256 * 1024),
        route_password=False,
        max_pending=1_000_000,
        phases=(Phase(2.0, tuple(first)), Phase(9.0, tuple(sorted(load, key=lambda step: step.at)))),
    )


def play(state: Scenario, make_broker: MakeBroker, twin: str) -> tuple[str | None, int]:
    """The violation, and the number of expected deliveries."""
    simulation = Simulation(state, choose(twin)[1])
    simulation.make_broker = make_broker
    outcome = simulation.play()
    return outcome.violation, outcome.counts["expected deliveries"]


@pytest.mark.parametrize("twin", twins())
@pytest.mark.parametrize(("servers", "steady"), [(2, (0, 1)), (2, (0,)), (3, (0, 1, 2)), (3, (0, 1))])
def test_members_that_leave_cost_no_message(servers: int, steady: tuple[int, ...], twin: str) -> None:
    """Every message reaches a member, at the same server or at another one."""
    violation, expected = play(scenario(servers, steady), Broker, twin)

    assert violation is None
    assert expected > 1000


@pytest.mark.parametrize("servers", [2, 3])
def test_a_server_without_failover_is_caught(servers: int) -> None:
    """A mutant without failover loses messages in flight to a member that left."""
    mutant = MUTANTS["no-failover"]

    violation, _ = play(scenario(servers, (0, 1)), mutant.make_broker, twins()[-1])

    assert violation is not None
    assert violation.startswith("exactly once: no member of group q got message")
