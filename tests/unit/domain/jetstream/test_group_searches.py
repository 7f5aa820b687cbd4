"""Searches for queue groups, at once or in later turns."""

from app.adapters.clock_manual import ManualClock
from app.domain.dataplane.seam import MakePlane
from app.domain.interest.index import SubscriptionIndex
from app.domain.interest.interest import Interest
from app.domain.interest.routing import Routing
from app.domain.interest.watches import Watches
from app.domain.jetstream.group_searches import STEPS_AT_ONCE, GroupSearches
from app.domain.steps import Steps
from tests.fakes.data_plane import Stage


class SlowInterest(Interest):
    """Its answers take some steps."""

    def __init__(self, stage: Stage) -> None:
        index: SubscriptionIndex = SubscriptionIndex()
        super().__init__(index, Routing(index), stage.plane)
        self.steps = 0
        self.answer = True
        self.searches = 0

    def search_group(self, subject: bytes, queue: bytes) -> Steps[bool]:
        """As many steps as the test says."""
        assert (subject, queue) in {(b"a", b"q"), (b"b", b"q")}
        self.searches += 1
        for _ in range(self.steps):
            yield
        return self.answer


class Scene:
    """Searches on a clock that the test moves."""

    def __init__(self, stage: Stage) -> None:
        self.clock = ManualClock()
        self.interest = SlowInterest(stage)
        self.calls: list[bytes] = []
        self.searches = GroupSearches(self.interest, self.clock)

    def watch(self, subject: bytes) -> None:
        """Note each call for this subject."""
        watches = self.interest.watches
        if watches is None:
            watches = self.interest.watches = Watches(self.clock, self.fail)
        watches.add(subject, lambda: self.calls.append(subject))

    @staticmethod
    def fail(error: Exception) -> None:
        """No call fails."""
        raise error


def test_most_answers_come_at_once(make_plane: MakePlane) -> None:
    """And are made again each time."""
    scene = Scene(Stage(make_plane))
    scene.interest.steps = STEPS_AT_ONCE - 1
    assert scene.searches.has_group(b"a", b"q")
    scene.interest.answer = False
    assert not scene.searches.has_group(b"a", b"q")
    scene.clock.advance(1.0)
    assert scene.interest.searches == 2


def test_others_come_later(make_plane: MakePlane) -> None:
    """Who watches is called, and gets the answer; meanwhile the one before holds."""
    scene = Scene(Stage(make_plane))
    scene.watch(b"a")
    scene.watch(b"b")
    scene.interest.steps = 3 * STEPS_AT_ONCE
    assert not scene.searches.has_group(b"a", b"q")
    assert not scene.searches.has_group(b"a", b"q")
    assert not scene.searches.has_group(b"b", b"q")
    scene.clock.advance(0.001)
    assert (scene.calls, scene.interest.searches) == ([b"a", b"b"], 2)
    assert scene.searches.has_group(b"a", b"q")
    assert scene.searches.has_group(b"a", b"q")
    scene.interest.answer = False
    scene.clock.advance(0.001)
    assert not scene.searches.has_group(b"a", b"q")


def test_nobody_watches(make_plane: MakePlane) -> None:
    """The answer is there for the next question."""
    scene = Scene(Stage(make_plane))
    scene.interest.steps = 3 * STEPS_AT_ONCE
    assert not scene.searches.has_group(b"a", b"q")
    scene.clock.advance(0.001)
    scene.interest.steps = 0
    assert scene.searches.has_group(b"a", b"q")
    assert scene.searches.has_group(b"a", b"q")
