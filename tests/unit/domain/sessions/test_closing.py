"""Removal of what closed connections listened to, in batches."""

import pytest

from app.adapters.clock_manual import ManualClock
from app.domain.dataplane.seam import MakePlane
from app.domain.fair_queue import FairQueue
from app.domain.interest.index import SubscriptionIndex
from app.domain.interest.interest import Interest
from app.domain.interest.routing import Routing
from app.domain.interest.subscription import Subscription
from app.domain.sessions.closing import REMOVED_AT_ONCE, Removals
from tests.fakes.data_plane import MAX_LINE, MAX_PAYLOAD
from tests.fakes.subscriber import FakeSubscriber


class Scene:
    """An interest, and what is removed from it; `left` is how many are there after each batch."""

    def __init__(self, make_plane: MakePlane) -> None:
        index: SubscriptionIndex = SubscriptionIndex()
        routing = Routing(index)
        plane = make_plane(routing, 1, MAX_PAYLOAD, MAX_LINE)
        self.clock = ManualClock()
        self.interest = Interest(index, routing, plane)
        self.subscriber = FakeSubscriber(plane)
        self.left: list[int] = []
        self.failures: list[Exception] = []
        self.removals = Removals(
            self.interest,
            self.clock,
            FairQueue(self.clock),
            removed=self._note,
            on_failure=self.failures.append,
        )

    def _note(self) -> None:
        self.left.append(len(self.interest))

    def subscribe(self, count: int) -> list[Subscription]:
        """Subscriptions of one connection, `count` of them."""
        return [self.subscriber.subscribe(self.interest, b"a.%d" % n) for n in range(count)]


@pytest.fixture(name="scene")
def _scene(make_plane: MakePlane) -> Scene:
    return Scene(make_plane)


def test_none(scene: Scene) -> None:
    """Nothing is done for a connection that listened to nothing."""
    scene.removals.add([])

    assert ([], 0) == (scene.left, scene.clock.calls_pending)


def test_few(scene: Scene) -> None:
    """They are removed within the call."""
    scene.removals.add(scene.subscribe(REMOVED_AT_ONCE))

    assert [0] == scene.left


def test_many(scene: Scene) -> None:
    """They are removed in a turn of their own, and so are those of connections that are closed meanwhile."""
    scene.removals.add(scene.subscribe(REMOVED_AT_ONCE + 1))
    scene.removals.add(scene.subscribe(1))
    before = list(scene.left)

    scene.clock.run_pending()

    assert ([], [0]) == (before, scene.left)


def test_a_defect(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is reported, and keeps none of the others in the index."""
    subscriptions = scene.subscribe(REMOVED_AT_ONCE + 2)
    remove = scene.interest.remove
    scene.removals.add(subscriptions)

    def fail(subscription: Subscription) -> None:
        if subscription is subscriptions[0]:
            raise ZeroDivisionError
        remove(subscription)

    monkeypatch.setattr(scene.interest, "remove", fail)
    scene.clock.advance(0.0)

    assert [ZeroDivisionError] == [type(one) for one in scene.failures]
    assert [1] == scene.left
