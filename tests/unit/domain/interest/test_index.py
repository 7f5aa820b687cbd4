"""Unit tests of the subscription index: plain subscriptions, and queue groups as vectors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.dataplane import PYTHON, choose
from app.domain.interest.index import MOST_LATEST, SubscriptionIndex
from app.domain.interest.subscription import Subscription
from app.domain.protocol.errors import InvalidSubject
from app.domain.subjects.trie import UnknownSubscription
from tests.fakes.data_plane import MAX_LINE, MAX_PAYLOAD, ScriptedPlanner
from tests.fakes.subscriber import FakeSubscriber
from tests.support.index_model import IndexModel, ModelListener, listeners, subjects

HERE, THERE = 0, 7


class Scene:
    """An index, and holders of subscriptions here and at another server."""

    def __init__(self) -> None:
        _, make_plane = choose(PYTHON)
        plane = make_plane(ScriptedPlanner(), 1, MAX_PAYLOAD, MAX_LINE)
        self.index = SubscriptionIndex()
        self.index.make_group = plane.group
        self.holders = {origin: FakeSubscriber(plane, origin) for origin in (HERE, THERE)}

    def subscription(self, subject: bytes, queue: bytes | None = None, origin: int = HERE) -> Subscription:
        """A new one, that is not in the index."""
        return self.holders[origin].subscription(subject, queue)

    def insert(self, subject: bytes, queue: bytes | None = None, origin: int = HERE) -> Subscription:
        """A new one, that is."""
        subscription = self.subscription(subject, queue, origin)
        self.index.insert(subscription)
        return subscription

    def answer(self, subject: bytes) -> tuple[set[Subscription], dict[bytes, int]]:
        """Plain subscriptions, and how many members each group has."""
        search = self.index.search(subject)
        while (match := search.go_on()) is None:
            pass
        plain: set[Subscription] = set()
        groups: dict[bytes, int] = {}
        for node in match.ends:
            plain.update(node.plain_subscriptions())
            for queue, group in (node.groups or {}).items():
                count = sum(len(part.members) for part in group.values())
                groups[queue] = groups.get(queue, 0) + count
        return plain, groups


@pytest.fixture(name="scene")
def _scene() -> Scene:
    return Scene()


@pytest.mark.parametrize("subject", [b"foo.", b".foo", b"foo..bar", b"foo.>.bar"])
@pytest.mark.parametrize("queue", [None, b"q"], ids=["plain", "queue"])
def test_a_malformed_subject(scene: Scene, subject: bytes, queue: bytes | None) -> None:
    """It is refused, and changes nothing."""
    with pytest.raises(InvalidSubject):
        scene.insert(subject, queue)

    assert (0, (set(), {})) == (len(scene.index), scene.answer(b"foo"))


@pytest.mark.parametrize("queue", [None, b"q"], ids=["plain", "queue"])
@pytest.mark.parametrize("known", [(), (b"foo", b"q", HERE)], ids=["nobody", "a group of others"])
def test_an_unknown_subscription(
    scene: Scene, queue: bytes | None, known: tuple[bytes, bytes, int] | tuple[()]
) -> None:
    """What is not there cannot be taken out, and the attempt changes nothing."""
    if known:
        scene.insert(*known)

    with pytest.raises(UnknownSubscription):
        scene.index.remove(scene.subscription(b"foo", queue, THERE))

    assert bool(known) == len(scene.index)


def test_members_that_change_nothing(scene: Scene) -> None:
    """The first member of a server and the last one change answers; those between do not."""
    members = [scene.subscription(b"foo", b"q", origin) for origin in (HERE, HERE, THERE, HERE, THERE)]

    inserted = [scene.index.insert(member) for member in members]
    together = scene.answer(b"foo")
    removed = [scene.index.remove(member) for member in members]

    assert [True, False, True, False, False] == inserted
    assert (set(), {b"q": 5}) == together
    assert [False, False, False, True, True] == removed
    assert (0, (set(), {})) == (len(scene.index), scene.answer(b"foo"))


def test_a_group_on_several_patterns(scene: Scene) -> None:
    """Members of one name are counted together where their patterns meet, and apart elsewhere."""
    for pattern in (b"foo", b"*", b">", b"bar"):
        scene.insert(pattern, b"q")

    assert (set(), {b"q": 3}) == scene.answer(b"foo")
    assert (set(), {b"q": 1}) == scene.answer(b"a.b")


STEPS = st.one_of(
    st.tuples(st.just("insert"), listeners(), st.sampled_from([HERE, THERE])),
    st.tuples(st.just("remove"), st.integers(0, 99), st.none()),
)


@given(st.lists(STEPS, max_size=40), st.lists(subjects(), min_size=1, max_size=6))
def test_whatever_comes_and_goes(steps: list[tuple[str, object, object]], watched: list[bytes]) -> None:
    """The index answers as a search of all subscriptions does, and counts as many."""
    scene, slow = Scene(), IndexModel()
    here: list[tuple[ModelListener, Subscription]] = []

    for _, detail, origin in steps:
        if isinstance(detail, ModelListener) and isinstance(origin, int):
            here.append((detail, scene.insert(detail.subject, detail.queue, origin)))
            slow.listeners.append(detail)
        elif isinstance(detail, int) and here:
            listener, subscription = here.pop(detail % len(here))
            slow.listeners.remove(listener)
            scene.index.remove(subscription)
        for subject in watched:
            plain, groups = slow.match(subject)
            expected = {subscription for listener, subscription in here if listener in plain}
            assert (expected, {q: len(g) for q, g in groups.items()}) == scene.answer(subject)
    assert len(here) == len(scene.index)


@given(st.lists(STEPS, max_size=40), st.lists(subjects(), min_size=1, max_size=6))
def test_a_lone_subscription(steps: list[tuple[str, object, object]], watched: list[bytes]) -> None:
    """What is said to be the only one is, however long nobody has searched."""
    scene, slow = Scene(), IndexModel()
    here: list[tuple[ModelListener, Subscription]] = []

    for _, detail, origin in steps:
        if isinstance(detail, ModelListener) and isinstance(origin, int):
            here.append((detail, scene.insert(detail.subject, detail.queue, origin)))
            slow.listeners.append(detail)
        elif isinstance(detail, int) and here:
            listener, subscription = here.pop(detail % len(here))
            slow.listeners.remove(listener)
            scene.index.remove(subscription)
        for subject in watched:
            lone = scene.index.lone(subject)
            plain, groups = slow.match(subject)
            found = [subscription for listener, subscription in here if listener in plain]
            assert lone is None or ([lone], {}) == (found, groups)
    for subject in watched:
        plain, _ = slow.match(subject)
        assert {one for listener, one in here if listener in plain} == scene.answer(subject)[0]


@pytest.mark.parametrize("others", [0, 2 * MOST_LATEST])
def test_the_latest_subscription(scene: Scene, others: int) -> None:
    """The only one to its subject is found without a search, until there is another one."""
    for number in range(others):
        scene.insert(b"other.%d" % number)
    first = scene.insert(b"a.b")

    alone = scene.index.lone(b"a.b")
    second = scene.insert(b"a.b")
    together = scene.index.lone(b"a.b")
    scene.index.remove(first)

    assert (first, None, second) == (alone, together, scene.index.lone(b"a.b"))


def test_the_latest_subscription_beside_a_pattern(scene: Scene) -> None:
    """It is not the only one where a pattern covers its subject."""
    scene.insert(b"a.*")
    latest = scene.insert(b"a.b")

    assert scene.index.lone(b"a.b") is None
    scene.index.remove(latest)
    assert scene.index.lone(b"a.b") is None


def test_those_to_one_subject_keep_their_order(scene: Scene) -> None:
    """The one that came first is found first."""
    inserted = [scene.insert(b"a") for _ in range(3)]

    match = scene.index.search(b"a").go_on()

    assert match is not None
    assert inserted == match.ends[0].plain_subscriptions()


def test_a_weight(scene: Scene) -> None:
    """It is that of the part of one member; what is not in the index has none."""
    here, there = scene.insert(b"a", b"q"), scene.insert(b"a", b"q", THERE)

    scene.index.weigh(there, 5)

    match = scene.index.search(b"a").go_on()
    assert match is not None
    groups = match.ends[0].groups
    assert groups is not None
    assert {HERE: 1, THERE: 5} == {part.origin: part.members.weight for part in groups[b"q"].values()}
    for other in (scene.subscription(b"b", b"q"), scene.subscription(b"a", b"r")):
        with pytest.raises(UnknownSubscription):
            scene.index.weigh(other, 2)
    assert here.queue == b"q"


def test_who_is_alone() -> None:
    """The only subscription to a subject, as long as no pattern may cover it."""
    scene = Scene()
    alone = scene.insert(b"a.b")
    assert alone is scene.index.lone(b"a.b")
    scene.insert(b"a.*")

    assert scene.index.lone(b"a.b") is None
