"""When memory is returned to the system, in virtual time."""

from dataclasses import dataclass, field

import pytest

from app.adapters.clock_manual import ManualClock
from app.domain.wire_count import WireCount
from app.entrypoints.memory_trimmer import CHECK_SECONDS, MANY_CLIENTS, SMALL_SERVER, MemoryTrimmer


@dataclass
class Counts:
    """Counts of any size."""

    wires: WireCount = field(default_factory=WireCount)
    subscriptions: int = 0


class Scene:
    """A server, and the list of what was done for it."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.counts = Counts()
        self.done: list[str] = []
        self.trimmer = MemoryTrimmer(
            self.counts, self.clock, lambda: self.done.append("trim"), lambda: self.done.append("collect")
        )
        self.trimmer.start()

    def after(self, *departures: int) -> list[str]:
        """What is done when these numbers of clients leave, second by second."""
        for number in departures:
            self.counts.wires.opened += number
            self.counts.wires.lost += number
            self.clock.advance(CHECK_SECONDS)
        done, self.done = self.done, []
        return done


@pytest.fixture(name="scene")
def _scene() -> Scene:
    return Scene()


def test_nobody_left(scene: Scene) -> None:
    """As long as nobody leaves there is nothing to do."""
    assert [] == scene.after(0, 0, 0)


def test_a_few_left(scene: Scene) -> None:
    """After few have left, it waits until nobody else does; once is enough."""
    assert [] == scene.after(1, 1)
    assert ["trim"] == scene.after(0)
    assert [] == scene.after(0, 0)


def test_many_left(scene: Scene) -> None:
    """What many leave behind is given back at once, and more of it when nobody else leaves."""
    assert ["trim"] == scene.after(MANY_CLIENTS)
    assert ["collect", "trim"] == scene.after(0)
    assert [] == scene.after(0, 0)


def test_many_left_one_by_one(scene: Scene) -> None:
    """A counts may take its time."""
    assert ["collect", "trim"] == scene.after(*[MANY_CLIENTS // 10] * 10, 0)[-2:]


@pytest.mark.parametrize(("wires", "subscriptions"), [(SMALL_SERVER + 1, 0), (1, SMALL_SERVER)])
def test_others_stay(scene: Scene, wires: int, subscriptions: int) -> None:
    """A collection visits all objects, so it waits until there are few."""
    scene.counts.wires.opened += wires
    scene.counts.subscriptions = subscriptions

    assert ["trim"] == scene.after(MANY_CLIENTS, 0, 0)

    scene.counts.wires.opened += 1 - scene.counts.wires.left
    scene.counts.subscriptions = SMALL_SERVER - 1

    assert ["collect", "trim"] == scene.after(0)


def test_the_end(scene: Scene) -> None:
    """Nothing is left to wait for."""
    scene.trimmer.stop()

    assert scene.clock.timers_outstanding == 0
