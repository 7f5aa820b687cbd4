"""Members of a queue group that leave under load: nothing is lost, and nothing comes twice."""

import pytest

from app.domain.broker import Broker
from app.domain.dataplane import choose
from tests.simulation.planted import PLANTS
from tests.simulation.scenario import Phase, Scenario, Seat, Step, Weather, Word
from tests.simulation.server import MakeBroker
from tests.simulation.world import World
from tests.support.twins import twins


def scenario(servers: int, steady: tuple[int, ...]) -> Scenario:
    """Publishers at all servers, members that stay at some, and others that come and go at all of them."""
    clients = range(3 * servers)
    first = [Step(0.0, "arrive", (number, number % servers)) for number in clients]
    first += [Step(1.0, "sub", (servers + server, "a", "q")) for server in steady]
    load = [Step(0.02 * number, "pub", (number % servers, "a", 3, 16)) for number in range(1, 400)]
    for turn in range(40):
        leaver: tuple[Word, ...] = (2 * servers + turn % servers,)
        load += [
            Step(0.2 * turn + 0.05, "sub", (*leaver, "a", "q")),
            Step(0.2 * turn + 0.05 + 0.13 * (1 + turn % 3), "unsub", (*leaver, 0)),
        ]
    return Scenario(
        seed=servers,
        seats=(Seat((0,)),) * servers,
        weather=Weather(0.02, 0.02, 0, 256 * 1024),
        guarded=False,
        max_pending=1_000_000,
        phases=(Phase(2.0, tuple(first)), Phase(9.0, tuple(sorted(load, key=lambda step: step.at)))),
    )


def play(scene: Scenario, make_broker: MakeBroker, twin: str) -> tuple[str | None, int]:
    """What goes wrong, and how many deliveries were owed."""
    world = World(scene, choose(twin)[1])
    world.make_broker = make_broker
    outcome = world.play()
    return outcome.violation, outcome.counts["owed deliveries"]


@pytest.mark.parametrize("twin", twins())
@pytest.mark.parametrize(("servers", "steady"), [(2, (0, 1)), (2, (0,)), (3, (0, 1, 2)), (3, (0, 1))])
def test_members_that_leave_cost_no_message(servers: int, steady: tuple[int, ...], twin: str) -> None:
    """Every message reaches a member: one at the same server, else one elsewhere."""
    violation, owed = play(scenario(servers, steady), Broker, twin)

    assert violation is None
    assert owed > 1000


@pytest.mark.parametrize("servers", [2, 3])
def test_a_server_that_drops_them_is_caught(servers: int) -> None:
    """One that forgets whose member left loses what was on its way."""
    plant = PLANTS["drops-for-the-gone"]

    violation, _ = play(scenario(servers, (0, 1)), plant.make_broker, twins()[-1])

    assert violation is not None
    assert violation.startswith("exactly once: nobody of group q got message")
