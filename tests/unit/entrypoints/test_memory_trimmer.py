"""When memory is returned to the system, in virtual time."""

from dataclasses import dataclass

import pytest

from app.adapters.clock_manual import ManualClock
from app.entrypoints.memory_trimmer import CHECK_SECONDS, MANY_CLIENTS, SMALL_SERVER, MemoryTrimmer


@dataclass
class Visitors:
    """Counts of any size."""

    departures: int = 0
    wires: int = 0
    subscriptions: int = 0


class House:
    """A server, and the list of what was done for it."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.crowd = Visitors()
        self.done: list[str] = []
        self.trimmer = MemoryTrimmer(
            self.crowd, self.clock, lambda: self.done.append("trim"), lambda: self.done.append("collect")
        )
        self.trimmer.start()

    def after(self, *departures: int) -> list[str]:
        """What is done when these numbers of clients leave, second by second."""
        for number in departures:
            self.crowd.departures += number
            self.clock.advance(CHECK_SECONDS)
        done, self.done = self.done, []
        return done


@pytest.fixture(name="house")
def _house() -> House:
    return House()


def test_nobody_left(house: House) -> None:
    """As long as nobody leaves there is nothing to do."""
    assert [] == house.after(0, 0, 0)


def test_a_few_left(house: House) -> None:
    """After few have left, it waits until nobody else does; once is enough."""
    assert [] == house.after(1, 1)
    assert ["trim"] == house.after(0)
    assert [] == house.after(0, 0)


def test_many_left(house: House) -> None:
    """What many leave behind is given back at once, and more of it when nobody else leaves."""
    assert ["trim"] == house.after(MANY_CLIENTS)
    assert ["collect", "trim"] == house.after(0)
    assert [] == house.after(0, 0)


def test_many_left_one_by_one(house: House) -> None:
    """A crowd may take its time."""
    assert ["collect", "trim"] == house.after(*[MANY_CLIENTS // 10] * 10, 0)[-2:]


@pytest.mark.parametrize(("wires", "subscriptions"), [(SMALL_SERVER + 1, 0), (1, SMALL_SERVER)])
def test_others_stay(house: House, wires: int, subscriptions: int) -> None:
    """A sweep would look at all that is there, so it waits until that is little."""
    house.crowd.wires, house.crowd.subscriptions = wires, subscriptions

    assert ["trim"] == house.after(MANY_CLIENTS, 0, 0)

    house.crowd.wires, house.crowd.subscriptions = 1, SMALL_SERVER - 1

    assert ["collect", "trim"] == house.after(0)


def test_the_end(house: House) -> None:
    """Nothing is left to wait for."""
    house.trimmer.stop()

    assert house.clock.timers_outstanding == 0
