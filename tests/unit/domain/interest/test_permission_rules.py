"""Permissions in routing and both twins: whatever is cached, each message goes where the rules say."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.dataplane.seam import MakePlane
from app.domain.interest.index import SubscriptionIndex
from app.domain.interest.interest import Interest
from app.domain.interest.routing import Audience, Routing
from app.domain.interest.subscription import Subscription
from app.domain.permissions.profiles import Rights
from app.domain.permissions.responses import OpenReplies
from app.domain.permissions.rules import Permissions, Responses, Rule, entry
from app.domain.subjects.subject import matches, tokens_of
from tests.fakes.data_plane import MAX_LINE, MAX_PAYLOAD
from tests.fakes.subscriber import FakeSubscriber

PATTERNS = [b"a", b"a.b", b"a.b.c", b"b.a", b"*", b"a.*", b"*.b", b"*.*", b"a.>", b">", b"b.*.>", b"a.b.*"]
SUBJECTS = [b"a", b"b", b"a.b", b"a.c", b"b.a", b"a.b.c", b"a.b.d", b"b.c.d", b"a.*", b"a.>", b"a..b"]
QUEUES = [None, None, b"q"]


@dataclass
class Client:
    """A publisher and subscriber, with rules or without, and what the rules are."""

    subscriber: FakeSubscriber
    rights: Rights | None
    allow: list[bytes]
    deny: list[bytes]

    def may_publish(self, subject: bytes) -> bool:
        """By going through all rules."""
        return not any_match(self.deny, subject) and (not self.allow or any_match(self.allow, subject))


def any_match(patterns: list[bytes], subject: bytes) -> bool:
    """Whether one of them matches."""
    return any(matches(tokens_of(each), tokens_of(subject)) for each in patterns)


class Scene:
    """Interest over a real index, routing and plane, with some clients."""

    def __init__(self, make_plane: MakePlane) -> None:
        index: SubscriptionIndex = SubscriptionIndex()
        self.routing = Routing(index)
        self.plane = make_plane(self.routing, 1, MAX_PAYLOAD, MAX_LINE)
        self.interest = Interest(index, self.routing, self.plane)
        self.clients: list[Client] = []
        self.live: list[tuple[Client, Subscription]] = []

    def client(self, allow: list[bytes] | None = None, deny: list[bytes] | None = None) -> Client:
        """One more; both rules hold for publishing and subscribing. None of them: a client without rules."""
        subscriber = FakeSubscriber(self.plane, number=len(self.clients))
        rights = None
        if allow is not None or deny is not None:
            rule = Rule(*(tuple(map(entry, each or ())) for each in (allow, deny)))
            rights = self.interest.profiles.take(Permissions(rule, rule))
            subscriber.station.inlet.audience = rights.number * Audience.PROFILE
        self.clients.append(Client(subscriber, rights, allow or [], deny or []))
        return self.clients[-1]

    def subscribe(self, client: Client, pattern: bytes, queue: bytes | None = None) -> None:
        """Subscribe, if the client may."""
        command, rule = client.subscriber.command(pattern, queue), None
        if client.rights is not None:
            if not client.rights.rules.may_subscribe(pattern, queue):
                return
            rule = client.rights.rules.filter_of(pattern, queue)
        outbox = client.subscriber.station.outbox
        self.live.append((client, self.interest.subscribe(client.subscriber, outbox, command, rule)))

    def unsubscribe(self, number: int) -> None:
        """End one of the subscriptions, if there are any."""
        if self.live:
            _, subscription = self.live.pop(number % len(self.live))
            self.interest.remove(subscription)

    def check_publish(self, client: Client, subject: bytes) -> None:
        """Publish, and check who gets it."""
        before = {id(subscription): subscription.target.delivered for _, subscription in self.live}
        station = client.subscriber.station
        station.feed(b"PUB %b 0\r\n\r\n" % subject)
        denied = [each for each, _ in station.control.denials]
        station.control.denials.clear()
        got = [one for _, one in self.live if one.target.delivered > before[id(one)]]
        allowed = client.may_publish(subject)
        assert denied == ([] if allowed else [subject])
        eligible = [
            one
            for receiver, one in self.live
            if allowed and any_match([one.subject], subject) and not any_match(receiver.deny, subject)
        ]
        assert [one for one in eligible if one.queue is None] == [one for one in got if one.queue is None]
        members = [one for one in got if one.queue is not None]
        assert len(members) == any(one.queue is not None for one in eligible)
        assert set(members) <= set(eligible)


RULES = st.one_of(
    st.none(),
    st.tuples(
        st.lists(st.sampled_from(PATTERNS), max_size=2), st.lists(st.sampled_from(PATTERNS), max_size=2)
    ),
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["publish", "publish", "publish", "subscribe", "subscribe", "unsubscribe"]),
        st.integers(0, 2),
        st.sampled_from(PATTERNS),
        st.sampled_from(QUEUES),
        st.sampled_from(SUBJECTS),
    ),
    max_size=30,
)


@given(rules=st.lists(RULES, min_size=3, max_size=3), steps=STEPS)
def test_the_rules_hold(
    make_plane: MakePlane,
    rules: list[tuple[list[bytes], list[bytes]] | None],
    steps: list[tuple[str, int, bytes, bytes | None, bytes]],
) -> None:
    """Denied messages go nowhere, filtered ones not to their subscription, and each group has one turn."""
    scene = Scene(make_plane)
    for each in rules:
        scene.client(*(each or ()))
    for verb, number, pattern, queue, subject in steps:
        client = scene.clients[number]
        if verb == "publish":
            scene.check_publish(client, subject)
        elif verb == "subscribe":
            scene.subscribe(client, pattern, queue)
        else:
            scene.unsubscribe(len(subject))


@pytest.fixture(name="scene")
def _scene(make_plane: MakePlane) -> Scene:
    return Scene(make_plane)


def test_a_kind_is_decided_once(scene: Scene) -> None:
    """Thousands of subjects under one rule, and under one filter, need one decision."""
    bound = scene.client([b"a.*"], [b"b.>", b"c.x.y"])
    free = scene.client()
    scene.subscribe(bound, b"a.*")
    scene.subscribe(scene.client(None, [b"b.>"]), b">")

    for number in range(1000):
        for client in (bound, free):
            client.subscriber.station.feed(b"PUB a.%d 0\r\n\r\nPUB b.%d 0\r\n\r\n" % (number, number))

    assert 1000 == len(bound.subscriber.station.control.denials)
    assert scene.routing.matches <= 4
    assert scene.plane.plan_figures().plans <= 4


def test_equal_receivers_are_asked_once(scene: Scene) -> None:
    """Many subscriptions with the same filter are decided about as one, and for each subject again."""
    bound = scene.client(None, [b"a.b"])
    for _ in range(1000):
        scene.subscribe(bound, b"a.*")

    free = scene.client()
    scene.check_publish(free, b"a.c")
    scene.check_publish(free, b"a.b")
    scene.check_publish(free, b"a.c")

    assert [1000, 1000] == [bound.subscriber.station.outbox.out_msgs // 2, len(scene.live)]


def test_responses(scene: Scene) -> None:
    """A response is allowed for one message, and that plan is not kept."""
    client = scene.client()
    replies = OpenReplies(Responses(), float, lambda: client.subscriber.station.inlet.in_msgs)
    rights = scene.interest.profiles.take_own(Permissions(responses=Responses()), replies)
    client.subscriber.station.inlet.audience = rights.number * Audience.PROFILE
    scene.subscribe(scene.client(), b"re")
    scene.subscribe(scene.client(None, [b"other"]), b"*")
    replies.open(b"re")

    client.subscriber.station.feed(b"PUB re 0\r\n\r\nPUB re 0\r\n\r\n")

    assert [(b"re", b"")] == client.subscriber.station.control.denials
    assert 0 == scene.plane.plan_figures().plans
    assert 2 == scene.plane.out_msgs


@pytest.mark.parametrize("audience", [Audience.LENIENT, Audience.PEDANTIC])
@pytest.mark.parametrize("subject", [b"a.*", b"a..b"])
def test_malformed_and_denied(scene: Scene, subject: bytes, audience: int) -> None:
    """A pedantic client reads that its subject is invalid, and that it may not publish there."""
    client = scene.client([b"x"])
    assert client.rights is not None
    client.subscriber.station.inlet.audience = audience + client.rights.number * Audience.PROFILE

    client.subscriber.station.feed(2 * (b"PUB %b 0\r\n\r\n" % subject))

    refusal = b"-ERR 'Invalid Subject'\r\n" if audience == Audience.PEDANTIC else b""
    assert 2 * refusal == client.subscriber.station.heard()
    assert 2 * [(subject, b"")] == client.subscriber.station.control.denials


def test_malformed_and_allowed(scene: Scene) -> None:
    """A pedantic client with rules that allow the subject reads only that it is invalid."""
    client = scene.client([b"a.*"])
    assert client.rights is not None
    client.subscriber.station.inlet.audience = Audience.PEDANTIC + client.rights.number * Audience.PROFILE

    client.subscriber.station.feed(b"PUB a.* 0\r\n\r\n")

    assert b"-ERR 'Invalid Subject'\r\n" == client.subscriber.station.heard()
    assert not client.subscriber.station.control.denials


def test_a_number_that_is_not_in_use(scene: Scene) -> None:
    """It allows nothing."""
    client = scene.client()
    client.subscriber.station.inlet.audience = 77 * Audience.PROFILE

    client.subscriber.station.feed(b"PUB a 0\r\n\r\n")

    assert [(b"a", b"")] == client.subscriber.station.control.denials


def test_a_queue_member_with_a_filter(scene: Scene) -> None:
    """Members of one group that are denied the same are one part; the others get what these must not."""
    bound, free = scene.client(None, [b"a.b"]), scene.client()
    for client in (bound, bound, free):
        scene.subscribe(client, b"a.*", b"q")

    for _ in range(20):
        scene.check_publish(free, b"a.b")
        scene.check_publish(free, b"a.c")
    scene.unsubscribe(2)
    scene.check_publish(free, b"a.b")

    assert 0 < bound.subscriber.station.outbox.out_msgs <= 20
