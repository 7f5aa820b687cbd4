"""Watches: who hears that subscriptions which cover a subject come or go."""

from collections.abc import Callable

import pytest

from app.adapters.clock_manual import ManualClock
from app.domain.interest.watches import CALLS_PER_TURN, Watches


class Scene:
    """Watches whose calls are counted by subject."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.failures: list[Exception] = []
        self.watches = Watches(self.clock, self.failures.append)
        self.calls: list[bytes] = []

    def watch(self, subject: bytes) -> Callable[[], None]:
        """Watch it."""
        return self.watches.add(subject, lambda: self.calls.append(subject))

    def called(self) -> list[bytes]:
        """Which subjects were called for since the last time."""
        self.clock.advance(0)
        called, self.calls[:] = list(self.calls), []
        return called


@pytest.fixture(name="scene")
def _scene() -> Scene:
    return Scene()


@pytest.mark.parametrize(
    ("pattern", "concerned"),
    [
        (b"a.b", [b"a.b"]),
        (b"a.*", [b"a.b", b"a.c"]),
        (b"*.b", [b"a.b"]),
        (b"a.>", [b"a.b", b"a.c", b"a.c.d"]),
        (b">", [b"x", b"a.b", b"a.c", b"a.c.d"]),
        (b"*", [b"x"]),
        (b"a", []),
        (b"y.z", []),
    ],
)
def test_who_is_concerned(scene: Scene, pattern: bytes, concerned: list[bytes]) -> None:
    """A subscription concerns those whose subject it covers, whatever wildcards it has."""
    for subject in (b"x", b"a.b", b"a.c", b"a.c.d"):
        scene.watch(subject)

    scene.watches.note(pattern)
    at_once = list(scene.calls)

    assert at_once == []
    assert sorted(scene.called()) == sorted(concerned)


def test_several_changes_are_one_call(scene: Scene) -> None:
    """What concerns a subject several times in one turn is one call for each that watches it."""
    scene.watch(b"a")
    scene.watch(b"a")
    for _ in range(3):
        scene.watches.note(b"a")
    assert scene.called() == [b"a", b"a"]
    assert scene.called() == []


def test_an_end(scene: Scene) -> None:
    """A watch that has ended is not called, not even for what came before; ending it again is harmless."""
    ends = [scene.watch(subject) for subject in (b"a.b", b"a.b", b"a.b.c", b"a")]
    scene.watches.note(b"a.b")
    ends[0]()
    ends[0]()
    assert scene.called() == [b"a.b"]
    for end in ends:
        end()
        end()
    assert len(scene.watches) == 0
    scene.watches.note(b">")
    assert scene.called() == []


def test_some_per_turn(scene: Scene) -> None:
    """Many calls are made in several turns, and none of those that have ended meanwhile."""
    ends = [scene.watch(b"s%d" % number) for number in range(CALLS_PER_TURN)]
    scene.watches.add(b"first", ends[-1])
    first = scene.watches.add(b"x", ends[0])
    scene.watches.note(b"x")
    scene.watches.note(b"*")
    assert len(scene.called()) == CALLS_PER_TURN - 1
    first()


def test_a_call_that_fails(scene: Scene) -> None:
    """A defect of one keeps no other from its call."""

    def fail() -> None:
        raise KeyError

    scene.watches.add(b"a", fail)
    scene.watch(b"a")
    scene.watches.note(b"a")
    assert scene.called() == [b"a"]
    assert len(scene.failures) == 1
