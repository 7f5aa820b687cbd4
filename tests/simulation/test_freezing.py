"""A server that stands still: rare in seeds for as long as it takes, so it has a scenario of its own."""

from app.domain.broker import Broker
from app.domain.dataplane import choose
from tests.simulation.planted import PLANTS
from tests.simulation.scenario import Phase, Scenario, Seat, Step, Weather
from tests.simulation.server import MakeBroker
from tests.simulation.world import World
from tests.support.twins import twins

FROZEN = 12.0

GROUP = (
    *(Step(0.0, "arrive", (number, number)) for number in range(3)),
    *(Step(1.0, "sub", (number, "a", "q")) for number in (1, 2)),
)
"""A publisher at server 0, and members of a group at servers 1 and 2."""

STANDSTILL = (
    Step(0.0, "freeze", (2, FROZEN)),
    *(Step(5.5 + number / 10, "pub", (0, "a", 1, 16)) for number in range(40)),
)


def play(make_broker: MakeBroker) -> tuple[str | None, int]:
    """What goes wrong while server 2 stands still and the group is asked; and how much was owed."""
    scenario = Scenario(
        seed=1,
        seats=(Seat((0,)),) * 3,
        weather=Weather(0.01, 0.01, 0, 256 * 1024),
        guarded=False,
        max_pending=1_000_000,
        phases=(Phase(2.0, GROUP), Phase(FROZEN + 1.0, STANDSTILL)),
    )
    world = World(scenario, choose(twins()[-1])[1])
    world.make_broker = make_broker
    outcome = world.play()
    return outcome.violation, outcome.counts["owed deliveries"]


def test_a_group_does_without_a_server_that_stands_still() -> None:
    """Forty messages in a row, and not one is left to a machine that cannot take it."""
    assert (None, 40) == play(Broker)


def test_a_server_that_never_doubts_is_caught() -> None:
    """One that draws members wherever there is a route lets messages wait for the thaw."""
    violation, _ = play(PLANTS["draws-the-frozen"].make_broker)

    assert violation is not None
    assert violation.startswith("in time: ")
