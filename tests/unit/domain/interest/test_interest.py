"""Interest: subscriptions come and go in the index, the routing and the plans at once."""

import gc
import itertools
import weakref

import pytest

from app.domain.dataplane.seam import Kind, MakePlane
from app.domain.interest.index import SubscriptionIndex
from app.domain.interest.interest import Announcer, Interest, first_of_few
from app.domain.interest.routing import Routing
from app.domain.interest.subscription import Subscription
from app.domain.peer_kind import PeerKind, heard_by
from app.domain.protocol.errors import InvalidSubject
from tests.fakes.data_plane import MAX_LINE, MAX_PAYLOAD, Station
from tests.fakes.subscriber import FakeSubscriber


class Scene:
    """Interest over a real index, routing and plane, with one subscriber who also publishes."""

    def __init__(self, make_plane: MakePlane) -> None:
        self.index: SubscriptionIndex = SubscriptionIndex()
        routing = Routing(self.index)
        self.plane = make_plane(routing, 1, MAX_PAYLOAD, MAX_LINE)
        self.interest = Interest(self.index, routing, self.plane)
        self.subscriber = FakeSubscriber(self.plane)

    def publish(self, subject: bytes) -> bytes:
        """Publish nothing on a subject; what the subscriber, who is also the publisher, hears."""
        self.subscriber.station.feed(b"PUB %b 0\r\n\r\n" % subject)
        return self.subscriber.station.heard()


@pytest.fixture(name="scene")
def _scene(make_plane: MakePlane) -> Scene:
    return Scene(make_plane)


@pytest.mark.parametrize("pattern", [b"a.b", b"a.*", b">"])
@pytest.mark.parametrize("queue", [None, b"q"], ids=["plain", "queue"])
def test_coming_and_going(scene: Scene, pattern: bytes, queue: bytes | None) -> None:
    """A subscription gets messages from when it is added until it is removed, whatever was cached."""
    before = scene.publish(b"a.b")
    subscription = scene.subscriber.subscribe(scene.interest, pattern, queue)
    during = scene.publish(b"a.b")
    scene.interest.remove(subscription)
    after = scene.publish(b"a.b")

    assert [b"", b"MSG a.b 1 0\r\n\r\n", b""] == [before, during, after]
    assert 0 == len(scene.index)


def test_others_stay(scene: Scene) -> None:
    """Removing one of several leaves the others as they were."""
    subscriptions = [scene.subscriber.subscribe(scene.interest, b"a") for _ in range(3)]
    scene.publish(b"a")

    scene.interest.remove(subscriptions[1])

    assert b"MSG a 1 0\r\n\r\nMSG a 3 0\r\n\r\n" == scene.publish(b"a")


def test_a_subscription_parts_subjects(scene: Scene) -> None:
    """Subjects that shared a plan stop doing so when somebody asks for one of them in particular."""
    scene.subscriber.subscribe(scene.interest, b"a.>")
    scene.publish(b"a.b.d")
    scene.publish(b"a.b.c")

    scene.subscriber.subscribe(scene.interest, b"a.b.c")
    heard = [scene.publish(b"a.b.d"), scene.publish(b"a.b.c")]

    both = b"MSG a.b.c 1 0\r\n\r\nMSG a.b.c 2 0\r\n\r\n"
    assert [b"MSG a.b.d 1 0\r\n\r\n", both] == heard


def test_a_malformed_subject_changes_nothing(scene: Scene) -> None:
    """A subject that may not be subscribed to is refused, and plans stay as they were."""
    scene.subscriber.subscribe(scene.interest, b">")
    scene.publish(b"a")
    scene.publish(b"a")
    hits = scene.plane.plan_hits

    with pytest.raises(InvalidSubject):
        scene.subscriber.subscribe(scene.interest, b"a..b")

    assert 1 == len(scene.index)
    assert b"MSG a 1 0\r\n\r\n" == scene.publish(b"a")
    assert hits == scene.plane.plan_hits


def test_a_removed_subscription_takes_no_more(scene: Scene) -> None:
    """Removing retires the target, so that even a delivery under way passes it over."""
    first, second = (scene.subscriber.subscribe(scene.interest, b"a") for _ in range(2))
    first.target.limit = 1

    def remove() -> bool:
        if len(scene.index) > 1:
            scene.interest.remove(second)
        return False

    scene.subscriber.station.outbox.alarm = 0
    scene.subscriber.station.owner.decide = remove
    heard = scene.publish(b"a")

    assert (b"MSG a 1 0\r\n\r\n", 0) == (heard, second.target.delivered)
    assert [first] == scene.subscriber.expired


def test_a_removed_subscription_is_let_go(scene: Scene) -> None:
    """Nothing keeps the holder of a removed subscription, though its plan was made and used."""
    subscriber = FakeSubscriber(scene.plane)
    subscription = subscriber.subscribe(scene.interest, b"a")
    scene.publish(b"a")
    holder = weakref.ref(subscriber)

    gc.disable()
    try:
        scene.interest.remove(subscription)
        scene.plane.flush()
        del subscription, subscriber
        remaining = holder()
    finally:
        gc.enable()

    assert remaining is None


class RecordingAnnouncer(Announcer):
    """Remembers what other servers would hear."""

    def __init__(self) -> None:
        self.announced: list[tuple[str, Subscription, int]] = []

    def announces(self, subscription: Subscription) -> bool:
        """As for routes."""
        return subscription.subscriber.kind in heard_by(PeerKind.ROUTE)

    def added(self, subscription: Subscription) -> None:
        """It is there."""
        self.announced.append(("added", subscription, subscription.target.limit))

    def limited(self, subscription: Subscription) -> None:
        """It has a limit."""
        self.announced.append(("limited", subscription, subscription.target.limit))

    def removed(self, subscription: Subscription) -> None:
        """It is gone."""
        self.announced.append(("removed", subscription, subscription.target.limit))

    def renamed(self, subscription: Subscription, before: bytes) -> None:
        """It has another name."""
        del before
        self.announced.append(("renamed", subscription, subscription.target.limit))


@pytest.fixture(name="announcer")
def _announcer(scene: Scene) -> RecordingAnnouncer:
    """What the servers of a cluster hear from the `scene`."""
    announcer = RecordingAnnouncer()
    scene.interest.announce_to(announcer)
    return announcer


@pytest.mark.parametrize("queue", [None, b"q"], ids=["plain", "queue"])
def test_other_servers_hear_of_it(scene: Scene, announcer: RecordingAnnouncer, queue: bytes | None) -> None:
    """The coming, the limit and the going of a local subscription are announced, each once, in order."""
    subscription = scene.subscriber.subscribe(scene.interest, b"a", queue)
    scene.interest.limit(subscription, 5)
    scene.interest.remove(subscription)

    assert [("added", 0), ("limited", 5), ("removed", 5)] == [(what, n) for what, _, n in announcer.announced]
    assert {subscription} == {one for _, one, _ in announcer.announced}


@pytest.mark.parametrize("queue", [None, b"q"], ids=["plain", "queue"])
def test_what_came_over_a_route_is_not_announced(
    scene: Scene, announcer: RecordingAnnouncer, queue: bytes | None
) -> None:
    """Interest of one server is never announced to another."""
    subscription = FakeSubscriber(scene.plane, origin=9, number=9).subscribe(scene.interest, b"a", queue)
    scene.interest.limit(subscription, 5)
    scene.interest.remove(subscription)

    assert [] == announcer.announced
    assert (5, 0) == (subscription.target.limit, len(scene.index))


def test_what_came_from_outside_the_cluster_is_announced(scene: Scene, announcer: RecordingAnnouncer) -> None:
    """A leaf node is known to this server alone, so it speaks for its clients."""
    leaf = FakeSubscriber(scene.plane, origin=9, number=9, kind=PeerKind.LEAF)
    subscription = leaf.subscribe(scene.interest, b"a")

    scene.interest.remove(subscription)

    assert ["added", "removed"] == [what for what, _, _ in announcer.announced]


def test_what_is_refused_is_not_announced(scene: Scene, announcer: RecordingAnnouncer) -> None:
    """Nobody hears of a malformed subject."""
    with pytest.raises(InvalidSubject):
        scene.subscriber.subscribe(scene.interest, b"a..b")

    assert [] == announcer.announced


def test_a_limit_alone(scene: Scene) -> None:
    """Without a cluster a limit is kept all the same."""
    subscription = scene.subscriber.subscribe(scene.interest, b"a")

    scene.interest.limit(subscription, 1)
    scene.publish(b"a")

    assert [subscription] == scene.subscriber.expired


def test_members_that_come_and_go(make_plane: MakePlane) -> None:
    """A peer's message finds a member from when it is added until it is removed, whatever was cached."""
    index: SubscriptionIndex = SubscriptionIndex()
    members: dict[bytes, Subscription] = {}
    routing = Routing(index, members.get)
    plane = make_plane(routing, 1, MAX_PAYLOAD, MAX_LINE)
    interest = Interest(index, routing, plane)
    interest.announce_to(RecordingAnnouncer())
    subscriber, route = FakeSubscriber(plane, number=3), Station(plane, Kind.ROUTE)
    message = b"MSG a QRSID:3:1 0\r\n\r\n"

    route.feed(message)
    subscription = subscriber.subscribe(interest, b"a", b"q")
    members[b"QRSID:3:1"] = subscription
    route.feed(message)
    del members[b"QRSID:3:1"]
    interest.remove(subscription)
    route.feed(message)

    assert b"MSG a 1 0\r\n\r\n" == subscriber.station.heard()


def test_members_of_a_group_are_found_among_many(scene: Scene) -> None:
    """A queue group is found in as many steps as it takes, and only by its own name and subject."""
    for tokens in itertools.product((b"a", b"*"), repeat=10):
        scene.subscriber.subscribe(scene.interest, b".".join(tokens))
    subject = b".".join([b"a"] * 10)
    member = scene.subscriber.subscribe(scene.interest, subject, b"q")

    def has_group(subject: bytes, queue: bytes) -> bool:
        search, steps = scene.interest.search_group(subject, queue), 0
        while True:
            try:
                next(search)
            except StopIteration as end:
                assert (steps > 1) == (subject != b"a")
                found: bool = end.value
                return found
            steps += 1

    assert has_group(subject, b"q")
    assert not has_group(subject, b"other")
    assert not has_group(b"a", b"q")
    scene.interest.remove(member)
    assert not has_group(subject, b"q")


@pytest.mark.parametrize("length", [2, 10])
def test_a_peers_subscriptions_to_a_subject(scene: Scene, length: int) -> None:
    """What one peer has on a subject is found, in as many steps as it takes."""
    own = {
        one.sid: one
        for tokens in itertools.product((b"a", b"*"), repeat=length)
        for one in [scene.subscriber.subscribe(scene.interest, b".".join(tokens))]
    }
    search, steps = scene.interest.of_subscriber(scene.subscriber, own, b".".join([b"a"] * length)), 0
    found: list[Subscription] | None = None
    while found is None:
        try:
            next(search)
            steps += 1
        except StopIteration as end:
            found = end.value

    assert (length == 10) == (steps > 0)
    assert own.keys() == {one.sid for one in found}


def test_the_first_of_few(scene: Scene) -> None:
    """The first plain one that matches; without one, one of a queue group; none for what is no subject."""
    plain = [scene.subscriber.subscribe(scene.interest, each) for each in (b"a.b", b"a.*", b"b")]
    groups = [scene.subscriber.subscribe(scene.interest, each, b"q") for each in (b"a.b", b"c", b">")]

    assert plain[0] is first_of_few([*groups, *plain], b"a.b")
    assert plain[1] is first_of_few([*groups, *plain], b"a.c")
    assert groups[1] is first_of_few([*plain, *groups], b"c")
    assert first_of_few([*plain, *groups], b"a.") is None
