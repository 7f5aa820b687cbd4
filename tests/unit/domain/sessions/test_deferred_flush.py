"""What a flush had no time for."""

from collections.abc import Callable
from functools import partial
from typing import cast

from app.adapters.clock_manual import ManualClock
from app.domain.dataplane.seam import Plane
from app.domain.sessions.deferred_flush import DeferredFlush


class SlowPlane:
    """A plane of which only the flushing is used; `left` is how many slices the rest takes."""

    def __init__(self, left: int) -> None:
        self.left = left
        self.fail: Callable[[], None] = lambda: None

    def flush(self) -> bool:
        """One flush."""
        return self.left > 0

    def flush_rest(self) -> bool:
        """One slice of the rest."""
        self.fail()
        self.left -= 1
        return self.left > 0


class Scene:
    """A deferred flush on a manual clock; `called` are those that waited for it."""

    def __init__(self, left: int) -> None:
        self.clock = ManualClock()
        self.plane = SlowPlane(left)
        self.failures: list[Exception] = []
        self.called: list[int] = []
        plane = cast("Plane", self.plane)  # the rest is not asked for
        self.deferred = DeferredFlush(plane, self.clock, self.failures.append)

    def rest(self) -> None:
        """Make all calls that are due."""
        self.clock.advance(0.0)


def test_a_flush_that_is_done() -> None:
    """Nothing is due after it."""
    scene = Scene(0)

    scene.deferred.flush()

    assert 0 == scene.clock.calls_pending


def test_the_rest_comes_in_slices() -> None:
    """Those who wait are called in order, after the last of them."""
    scene = Scene(2)
    scene.deferred.flush()
    for number in (1, 2):
        scene.deferred.go_on(partial(scene.called.append, number))
    before = list(scene.called)

    scene.rest()

    assert ([], [1, 2]) == (before, scene.called)
    assert scene.plane.left <= 0


def test_a_defect_ends_one_message() -> None:
    """It is reported, and the rest goes on in the next turn."""
    scene = Scene(1)
    scene.deferred.flush()

    def fail() -> None:
        scene.plane.fail = lambda: None
        raise ZeroDivisionError

    scene.plane.fail = fail
    scene.rest()

    assert [ZeroDivisionError] == [type(one) for one in scene.failures]
    assert 0 == scene.plane.left
