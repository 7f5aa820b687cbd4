"""RemoteInterest: of one server's plain subscriptions to one subject only the first is looked up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.dataplane.reach import Naming
from app.domain.dataplane.seam import MakePlane
from app.domain.interest.index import SubscriptionIndex
from app.domain.interest.interest import Interest
from app.domain.interest.routing import Routing
from app.domain.interest.subscription import Subscription
from tests.fakes.data_plane import MAX_LINE, MAX_PAYLOAD, Station
from tests.fakes.subscriber import FakeSubscriber

NEAR, FAR, FARTHER = 0, 5, 6


class Scene:
    """Interest over a real index, routing and plane, with a client here and two other servers."""

    def __init__(self, make_plane: MakePlane) -> None:
        self.index: SubscriptionIndex = SubscriptionIndex()
        routing = Routing(self.index)
        plane = make_plane(routing, 1, MAX_PAYLOAD, MAX_LINE)
        self.interest = Interest(self.index, routing, plane)
        self.publisher = Station(plane)
        self.subscribers = {origin: FakeSubscriber(plane, origin) for origin in (NEAR, FAR, FARTHER)}

    def add(self, origin: int, subject: bytes = b"a", queue: bytes | None = None) -> Subscription:
        """A subscription of this server's clients."""
        return self.subscribers[origin].subscribe(self.interest, subject, queue)

    def publish(self, subject: bytes = b"a") -> dict[int, bytes]:
        """Publish nothing; who hears what."""
        self.publisher.feed(b"PUB %b 0\r\n\r\n" % subject)
        return {origin: one.station.heard() for origin, one in self.subscribers.items()}


@pytest.fixture(name="scene")
def _scene(make_plane: MakePlane) -> Scene:
    return Scene(make_plane)


def test_one_is_looked_up(scene: Scene) -> None:
    """However many listen to a subject at another server, the index has one of them, and all count."""
    for _ in range(100):
        scene.add(FAR)

    assert (1, 100) == (len(scene.index), len(scene.interest))
    assert b"MSG a 1 0\r\n\r\n" == scene.publish()[FAR]


def test_each_counts_where_each_gets_it(scene: Scene) -> None:
    """Local ones, members of queue groups, other subjects and other servers are looked up each."""
    for _ in range(2):
        scene.add(NEAR)
        scene.add(FAR, queue=b"q")
    scene.add(FAR, b"*")
    scene.add(FAR)
    scene.add(FARTHER)

    heard = scene.publish()

    assert (7, 7) == (len(scene.index), len(scene.interest))
    assert b"MSG a 1 0\r\n\r\nMSG a 2 0\r\n\r\n" == heard[NEAR]
    assert heard[FARTHER].startswith(b"MSG a 1 0")


def test_the_next_one_stands_in(scene: Scene) -> None:
    """When the first ends the youngest gets the messages, and so on until nobody is left."""
    subscriptions = [scene.add(FAR) for _ in range(3)]

    heard = []
    for index in (0, 2, 1):
        heard.append(scene.publish()[FAR])
        scene.interest.remove(subscriptions[index])

    assert [b"MSG a %d 0\r\n\r\n" % number for number in (1, 3, 2)] == heard
    assert (b"", 0, 0) == (scene.publish()[FAR], len(scene.index), len(scene.interest))


def test_one_that_waits_may_end(scene: Scene) -> None:
    """A waiting subscription that ends is never looked up; those before and after it stay."""
    subscriptions = [scene.add(FAR) for _ in range(3)]

    scene.interest.remove(subscriptions[1])
    first = scene.publish()[FAR]
    scene.interest.remove(subscriptions[0])
    second = scene.publish()[FAR]
    scene.interest.remove(subscriptions[2])

    assert (b"MSG a 1 0\r\n\r\n", b"MSG a 3 0\r\n\r\n") == (first, second)
    assert 0 == len(scene.interest)


def test_a_limit_of_the_first(scene: Scene) -> None:
    """A first one that has had its last message, is followed by another within the same batch."""
    first = scene.add(FAR)
    scene.add(FAR)
    first.target.limit = 1
    scene.subscribers[FAR].ending = scene.interest.remove

    scene.publisher.feed(2 * b"PUB a 0\r\n\r\n")

    assert b"MSG a 1 0\r\n\r\nMSG a 2 0\r\n\r\n" == scene.subscribers[FAR].station.heard()


def test_figures(scene: Scene) -> None:
    """The figures count every subscription that came and went, looked up or not."""
    subscriptions = [scene.add(FAR) for _ in range(5)]
    for index in (1, 0):
        scene.interest.remove(subscriptions[index])

    stats = scene.interest.stats()

    assert (3, 5, 2) == (stats.num_subscriptions, stats.num_inserts, stats.num_removes)


Step = tuple[bool, int, bytes]


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 20), st.sampled_from([b"a", b"b", b"*"])), max_size=60)
)
def test_whatever_comes_and_goes(make_plane: MakePlane, steps: list[Step]) -> None:
    """A server with any subscription that covers a subject gets a message once; one without gets none."""
    scene = Scene(make_plane)
    alive: list[Subscription] = []

    for adds, number, subject in steps:
        if adds or not alive:
            alive.append(scene.add((FAR, FARTHER)[number % 2], subject))
        else:
            scene.interest.remove(alive.pop(number % len(alive)))
        for published in (b"a", b"b"):
            covering = {one.subscriber.origin for one in alive if one.subject in (published, b"*")}
            heard = scene.publish(published)
            assert {origin: int(origin in covering) for origin in heard} == {
                origin: text.count(b"MSG") for origin, text in heard.items()
            }
        assert len(alive) == len(scene.interest)

    for one in alive:
        scene.interest.remove(one)
    assert (0, 0) == (len(scene.index), len(scene.interest))


def test_messages_under_another_subject_name_each(scene: Scene) -> None:
    """Another server cannot find by its subject who is to get such a message, so it is named all of them."""
    scene.interest.names_receivers = True
    for origin in (FAR, FARTHER):
        scene.subscribers[origin].station.outbox.naming = Naming.ALL
    subscriptions = [scene.add(FAR, subject) for subject in (b"a", b"a", b"*", b"a")]
    scene.add(NEAR)
    scene.add(FARTHER)

    def deliver() -> tuple[int, int, int]:
        scene.publisher.plane.deliver(b"a", b"stored")
        scene.publisher.plane.flush()
        heard = [
            scene.subscribers[each].station.heard().count(b"MSG stored") for each in (FAR, FARTHER, NEAR)
        ]
        return heard[0], heard[1], heard[2]

    assert deliver() == (4, 1, 1)
    scene.interest.remove(subscriptions[3])
    assert deliver() == (3, 1, 1)
    scene.interest.remove(subscriptions[0])
    assert deliver() == (2, 1, 1)
    scene.add(FAR)
    assert deliver() == (3, 1, 1)
    assert scene.publish()[FAR].count(b"MSG") == 1
