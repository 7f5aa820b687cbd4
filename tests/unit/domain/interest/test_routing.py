"""The routing policy: from who listens to a plan."""

import itertools

import pytest

from app.domain.dataplane.seam import NOT_KEPT, Kind, MakePlane
from app.domain.interest import routing
from app.domain.interest.index import SubscriptionIndex
from app.domain.interest.message_source import MessageSource
from app.domain.interest.routing import RECEIVERS_PER_STEP, Audience, Routing
from app.domain.interest.subscription import Subscription
from app.domain.peer_kind import PeerKind
from tests.fakes.data_plane import MAX_LINE, MAX_PAYLOAD, Station
from tests.fakes.subscriber import FakeSubscriber

INVALID = b"-ERR 'Invalid Subject'\r\n"
NOT_LITERAL = [b"*", b">", b"a.*", b"a.>", b"*.a", b"a.*.b", b"a.", b".a", b"a..b", b"."]
LITERAL = [b"a", b"a.b", b"f*o", b"foo>", b"a.*b", b"$SYS.x", b"_INBOX.1"]


class Scene:
    """Routing on a real index and a real plane, with one subscriber who also publishes."""

    def __init__(self, make_plane: MakePlane) -> None:
        self.index: SubscriptionIndex = SubscriptionIndex()
        self.routing = Routing(self.index)
        self.plane = make_plane(self.routing, 1, MAX_PAYLOAD, MAX_LINE)
        self.index.make_group = self.plane.group
        self.subscriber = FakeSubscriber(self.plane)

    def subscribe(self, subject: bytes, queue: bytes | None = None) -> Subscription:
        """A subscription in the index; plans are not changed by it."""
        subscription = self.subscriber.subscription(subject, queue)
        self.index.insert(subscription)
        return subscription

    def publish(self, subject: bytes, audience: int = Audience.LENIENT) -> bytes:
        """Publish nothing on a subject; what the subscriber, who is also the publisher, hears."""
        self.subscriber.station.inlet.audience = audience
        self.subscriber.station.feed(b"PUB %b 0\r\n\r\n" % subject)
        return self.subscriber.station.heard()

    def plan(self, subject: bytes, audience: int = Audience.LENIENT) -> object:
        """The plan itself, to compare."""
        decision = self.routing.plan(self.plane, audience, subject)
        assert isinstance(decision, tuple)
        return decision[0]


@pytest.fixture(name="scene")
def _scene(make_plane: MakePlane) -> Scene:
    return Scene(make_plane)


def test_who_listens_gets_it(scene: Scene) -> None:
    """All plain subscriptions that cover the subject get a message, and one of each queue group."""
    scene.subscribe(b"a.b")
    scene.subscribe(b"a.*", b"q")
    scene.subscribe(b"c")
    scene.subscribe(b"a.>")

    heard = scene.publish(b"a.b")

    plain, grouped = heard.split(b"MSG a.b 2 ")
    assert [b"MSG a.b 1 0", b"MSG a.b 4 0"] == sorted(plain.split(b"\r\n\r\n")[:-1])
    assert b"0\r\n\r\n" == grouped


def test_groups_of_one_name_are_one(scene: Scene) -> None:
    """Members of a queue group are drawn from all patterns that cover the subject."""
    for pattern in (b"a", b"*", b">"):
        scene.subscribe(pattern, b"q")

    counts = [scene.publish(b"a").count(b"MSG") for _ in range(20)]

    assert 20 * [1] == counts


def test_nobody_listens(scene: Scene) -> None:
    """A message that nobody listens for goes nowhere."""
    assert b"" == scene.publish(b"a")


def test_no_member_is_known_to_peers(scene: Scene) -> None:
    """A sid of a route reaches none of the members here."""
    scene.subscribe(b"a", b"q")
    route = Station(scene.plane, Kind.ROUTE)

    route.feed(b"MSG a QRSID:1:1 0\r\n\r\n")

    assert b"" == scene.subscriber.station.heard()


@pytest.mark.parametrize("subject", NOT_LITERAL)
def test_pedantic_publishers_need_literals(scene: Scene, subject: bytes) -> None:
    """A pedantic publisher's subject with wildcards or empty tokens is refused, and nobody gets it."""
    scene.subscribe(b">")

    assert INVALID == scene.publish(subject, Audience.PEDANTIC)


@pytest.mark.parametrize("subject", LITERAL)
@pytest.mark.parametrize("audience", [Audience.LENIENT, Audience.PEDANTIC])
def test_literals_pass(scene: Scene, subject: bytes, audience: int) -> None:
    """A literal subject is routed for every kind of publisher; signs within a token are no wildcards."""
    scene.subscribe(b">")

    assert b"MSG %b 1 0\r\n\r\n" % subject == scene.publish(subject, audience)


@pytest.mark.parametrize(
    ("subject", "sids"),
    [(b"*", [1]), (b"a.*", [1, 2]), (b"a.>", [1, 2]), (b"a.", []), (b".", []), (b"a..b", [])],
)
def test_lenient_publishers_are_taken_literally(scene: Scene, subject: bytes, sids: list[int]) -> None:
    """Wildcards of a lenient publisher are text, and nobody listens for empty tokens."""
    for pattern in (b">", b"a.*", b"a.b"):
        scene.subscribe(pattern)

    heard = scene.publish(subject)

    assert b"".join(b"MSG %b %d 0\r\n\r\n" % (subject, sid) for sid in sids) == heard


def test_subjects_with_the_same_receivers_share_a_plan(scene: Scene) -> None:
    """A plan is made once for each set of receivers, however many subjects reach it."""
    scene.subscribe(b"a.*")
    scene.subscribe(b"a.b")

    plans = [scene.plan(subject) for subject in (b"a.c", b"a.d", b"a.b", b"x", b"y")]

    assert plans[0] is plans[1]
    assert plans[3] is plans[4]
    assert 3 == len(set(map(id, plans)))


def test_refusals_share_a_plan(scene: Scene) -> None:
    """One plan refuses them all."""
    assert scene.plan(b"a.", Audience.PEDANTIC) is scene.plan(b"*", Audience.PEDANTIC)


def test_changed_receivers_share_nothing_with_before(scene: Scene) -> None:
    """After `forget` plans are made again."""
    scene.subscribe(b"a")
    before = scene.plan(b"a")

    scene.routing.forget()

    assert before is not scene.plan(b"a")


def test_sharing_is_bounded(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plans are remembered up to a size; then all are forgotten, and made again."""
    monkeypatch.setattr(routing, "SHARED_PLACES", 2 * (routing.PLAN_PLACES + 2))
    for pattern in (b"a.*", b"b.*", b"c.*"):
        scene.subscribe(pattern)

    first = scene.plan(b"a.x")
    again = scene.plan(b"a.x")
    others = [scene.plan(b"b.x"), scene.plan(b"c.x")]

    assert first is again
    assert first is not scene.plan(b"a.x")
    assert others[1] is not scene.plan(b"c.x")


class Cluster(Scene):
    """The same with two other servers; `members` are the local ones that routes know by sid."""

    def __init__(self, make_plane: MakePlane) -> None:
        super().__init__(make_plane)
        self.members: dict[bytes, Subscription] = {}
        self.routing = Routing(self.index, self.members.get)
        self.plane = make_plane(self.routing, 1, MAX_PAYLOAD, MAX_LINE)
        self.index.make_group = self.plane.group
        self.subscriber = FakeSubscriber(self.plane, number=1)
        self.servers = [FakeSubscriber(self.plane, origin=rid, number=rid) for rid in (8, 9)]

    def learn(self, server: int, subject: bytes, queue: bytes | None = None) -> Subscription:
        """A subscription that another server announced."""
        subscription = self.servers[server].subscription(subject, queue)
        self.index.insert(subscription)
        return subscription

    def heard(self) -> list[bytes]:
        """What the local client and the two servers hear."""
        return [holder.station.heard() for holder in (self.subscriber, *self.servers)]

    def receive(self, line: bytes) -> None:
        """A message without payload comes over a route."""
        route = Station(self.plane, Kind.ROUTE)
        route.inlet.audience = Audience.ROUTED
        route.feed(line + b" 0\r\n\r\n")


@pytest.fixture(name="cluster")
def _cluster(make_plane: MakePlane) -> Cluster:
    return Cluster(make_plane)


def test_another_server_gets_a_message_once(cluster: Cluster) -> None:
    """However many of its plain subscriptions match; local clients get one each."""
    for subject in (b"a", b"a", b">"):
        cluster.subscribe(subject)
        cluster.learn(0, subject)
    cluster.learn(1, b"*")

    mine = cluster.publish(b"a")

    assert 3 == mine.count(b"MSG a ")
    assert [1, 1] == [heard.count(b"MSG a ") for heard in cluster.heard()[1:]]


def test_another_server_may_get_a_message_for_both(cluster: Cluster) -> None:
    """A plain subscription and a drawn member on one server are two lines."""
    cluster.learn(0, b"a")
    cluster.learn(0, b"a", b"q")

    cluster.publish(b"a")

    assert b"MSG a 1 0\r\n\r\nMSG a 2 0\r\n\r\n" == cluster.heard()[1]


def test_groups_span_servers(cluster: Cluster) -> None:
    """One member is drawn from all servers, each about as often."""
    cluster.subscribe(b"a", b"q")
    for server in (0, 1):
        cluster.learn(server, b"a", b"q")

    counts = [0, 0, 0]
    for _ in range(300):
        heard = [cluster.publish(b"a"), *cluster.heard()[1:]]
        counts = [count + h.count(b"MSG") for count, h in zip(counts, heard, strict=True)]

    assert 300 == sum(counts)
    assert all(60 <= count <= 140 for count in counts)


def test_one_hop(cluster: Cluster) -> None:
    """What came over a route goes to local plain subscriptions: to no other server and to no group."""
    cluster.subscribe(b"a")
    cluster.subscribe(b"*")
    cluster.subscribe(b"a", b"q")
    for server in (0, 1):
        cluster.learn(server, b"a")
        cluster.learn(server, b"a", b"q")

    cluster.receive(b"MSG a RSID:1:1")
    cluster.receive(b"PUB a")

    heard = cluster.heard()
    assert 2 * [b"MSG a 1 0", b"MSG a 2 0"] == sorted_pairs(heard[0])
    assert [b"", b""] == heard[1:]


def sorted_pairs(heard: bytes) -> list[bytes]:
    """The lines of messages without payload, sorted within each pair."""
    lines = heard.split(b"\r\n\r\n")[:-1]
    return [line for n in range(0, len(lines), 2) for line in sorted(lines[n : n + 2])]


def test_a_drawn_member(cluster: Cluster) -> None:
    """A message for a member goes to that one alone, whatever its subject; for an unknown one to nobody."""
    cluster.subscribe(b"a")
    cluster.members[b"QRSID:1:2"] = cluster.subscribe(b"a", b"q")

    cluster.receive(b"MSG a QRSID:1:2")
    cluster.receive(b"MSG a QRSID:1:3")

    assert b"MSG a 2 0\r\n\r\n" == cluster.heard()[0]


def test_local_and_routed_messages_have_plans_of_their_own(cluster: Cluster) -> None:
    """The same receivers are another plan for a peer server."""
    cluster.subscribe(b"a")
    cluster.learn(0, b"a")

    plans = [
        cluster.plan(b"a", audience) for audience in (Audience.LENIENT, Audience.PEDANTIC, Audience.ROUTED)
    ]

    assert plans[0] is plans[1]
    assert plans[0] is not plans[2]


class Slow:
    """A plane on which no time is left, that counts how often it is asked."""

    def __init__(self, scene: Scene) -> None:
        self.checks = 0
        scene.plane.clock = self._check
        scene.plane.until = 0.0

    def _check(self) -> float:
        self.checks += 1
        return 1.0


def crossing(scene: Scene, tokens: int, queue: bytes | None = None) -> int:
    """Subscribe to all combinations of a token and a wildcard; return how many these are."""
    patterns = list(itertools.product((b"a", b"*"), repeat=tokens))
    for pattern in patterns:
        scene.subscribe(b".".join(pattern), queue)
    return len(patterns)


def finish(decision: object) -> tuple[object, int]:
    """Search on to the end, one step after the other."""
    while not isinstance(decision, tuple):
        decision = decision.go_on() or decision  # type: ignore[attr-defined] # a search
    return decision


@pytest.mark.parametrize("queue", [None, b"q"], ids=["plain", "queue"])
def test_a_long_search_stops_and_goes_on(scene: Scene, queue: bytes | None) -> None:
    """Where very many subscriptions cover a subject the search takes turns, and finds the same."""
    count = crossing(scene, 11, queue)
    whole = scene.publish(b".".join([b"a"] * 11)).count(b"MSG")
    slow = Slow(scene)

    decision = scene.routing.plan(scene.plane, Audience.PEDANTIC, b".".join([b"a"] * 11))
    _, decisive = finish(decision)

    assert (1 if queue else count) == whole
    assert (11, True) == (decisive, slow.checks >= count // RECEIVERS_PER_STEP - 2)


def test_many_patterns_that_one_step_finds(scene: Scene) -> None:
    """Receivers that a short search finds, but that are many, are gathered in steps."""
    count = crossing(scene, 9)
    subject = b".".join([b"a"] * 9)
    slow = Slow(scene)

    finish(scene.routing.plan(scene.plane, Audience.LENIENT, subject))
    scene.plane.until = 2.0

    assert slow.checks > 1
    assert count == scene.publish(subject).count(b"MSG")


def test_a_subject_that_only_leads_to_patterns(scene: Scene) -> None:
    """A node on the way to longer patterns gets nothing."""
    scene.subscribe(b"a.b")

    assert b"" == scene.publish(b"a")


def test_many_listeners_at_one_place(scene: Scene) -> None:
    """Gathering many listeners of one pattern takes turns too."""
    for _ in range(3 * RECEIVERS_PER_STEP):
        scene.subscribe(b"a")
    slow = Slow(scene)

    finish(scene.routing.plan(scene.plane, Audience.LENIENT, b"a"))

    assert 2 == slow.checks


def test_many_groups(scene: Scene) -> None:
    """So does gathering many groups."""
    for number in range(2 * RECEIVERS_PER_STEP):
        scene.subscribe(b"a", b"q%d" % number)
    slow = Slow(scene)

    finish(scene.routing.plan(scene.plane, Audience.LENIENT, b"a"))
    scene.plane.until = 2.0

    assert slow.checks > 1
    assert 2 * RECEIVERS_PER_STEP == scene.publish(b"a").count(b"MSG")


@pytest.mark.parametrize("steps", [1, 5, 12])
def test_subscriptions_that_change_during_a_search(scene: Scene, steps: int) -> None:
    """What was found serves the one message, and nothing is kept of it."""
    count = crossing(scene, 11)
    subject = b".".join([b"a"] * 11)
    Slow(scene)

    decision = scene.routing.plan(scene.plane, Audience.LENIENT, subject)
    for _ in range(steps):
        assert not isinstance(decision, tuple)
        decision = decision.go_on() or decision
    scene.routing.forget()
    plan, decisive = finish(decision)
    again, kept = finish(scene.routing.plan(scene.plane, Audience.LENIENT, subject))

    assert (NOT_KEPT, 11) == (decisive, kept)
    assert plan is not again
    scene.plane.until = 2.0
    assert count == scene.publish(subject).count(b"MSG")


def test_members_of_servers_that_do_not_answer(cluster: Cluster) -> None:
    """They are passed over as long as others are in the group, and drawn if they are alone."""
    here = cluster.subscribe(b"a", b"q")
    for server in (0, 1):
        cluster.learn(server, b"a", b"q")
    cluster.routing.suspected.add(8)

    for _ in range(50):
        cluster.publish(b"a")
    cluster.routing.suspected.add(9)
    cluster.routing.forget()
    cluster.plane.forget_plans()
    _, without, with_both = cluster.heard()
    mine = b"".join(cluster.publish(b"a") for _ in range(5))
    cluster.index.remove(here)
    cluster.routing.forget()
    cluster.plane.forget_plans()
    for _ in range(20):
        cluster.publish(b"a")

    assert (b"", True) == (without, b"MSG" in with_both)
    assert b"" not in (mine, *cluster.heard()[1:])


def test_a_message_of_a_route_is_for_those_that_only_this_server_knows(scene: Scene) -> None:
    """It goes to clients and to leaf nodes, once to each of these, and never to another route."""
    leaf = FakeSubscriber(scene.plane, origin=8, number=8, kind=PeerKind.LEAF)
    other = FakeSubscriber(scene.plane, origin=9, number=9)
    for subscriber, pattern in ((scene.subscriber, b"a"), (leaf, b"a"), (leaf, b">"), (other, b"a")):
        scene.index.insert(subscriber.subscription(pattern))
    route = Station(scene.plane, Kind.ROUTE)
    route.inlet.audience = Audience.ROUTED

    route.feed(b"MSG a RSID:1:1 0\r\n\r\n")

    heard = [one.station.heard().count(b"MSG") for one in (scene.subscriber, leaf, other)]
    assert [1, 1, 0] == heard


# --- leaf links ---------------------------------------------------------------------------


class _Rules:
    """Allows subjects that begin with an a."""

    def permits(self, subject: bytes) -> tuple[bool, int]:
        """The first token decides."""
        return subject.startswith(b"a"), 1


def test_what_a_link_may_not_send_is_denied(scene: Scene) -> None:
    """By its rules, and everything once it is closed."""
    scene.subscribe(b">")
    scene.routing.links[-7] = MessageSource(PeerKind.LEAF, [7], b"x", _Rules())
    control = scene.subscriber.station.control

    heard = [scene.publish(subject, -7) for subject in (b"a.b", b"c.d", b"a.c")]
    del scene.routing.links[-7]
    scene.plane.forget_plans()
    late = scene.publish(b"a.b", -7)

    assert [b"MSG a.b 1 0\r\n\r\n", b"", b"MSG a.c 1 0\r\n\r\n", b""] == [*heard, late]
    assert [(b"c.d", b""), (b"a.b", b"")] == control.denials


def test_a_long_search_for_a_message_that_is_not_for_all(scene: Scene) -> None:
    """It is made at once, however many steps it takes."""
    for _ in range(3 * RECEIVERS_PER_STEP):
        scene.subscribe(b"a")
    scene.plane.until = -1.0

    plan = scene.routing.plan_failover(scene.plane, b"QRSID:^x", b"a")

    assert 3 * RECEIVERS_PER_STEP == len(scene.plane.receivers(plan, None))
    assert plan is scene.routing.plan_failover(scene.plane, b"QRSID:^x", b"a")


def test_such_a_message_is_decided_about_each_time(scene: Scene) -> None:
    """No plan is remembered for its sid alone."""
    assert None is scene.routing.member(scene.plane, b"QRSID:^x")


@pytest.mark.parametrize("audience", [Audience.LENIENT, Audience.PEDANTIC])
def test_a_lone_subscription(scene: Scene, audience: int) -> None:
    """It gets the message, and every token of the subject decided; a search is counted."""
    lone = scene.subscribe(b"a.b")
    matches = scene.routing.matches
    decision = scene.routing.plan(scene.plane, audience, b"a.b")

    assert isinstance(decision, tuple)
    assert decision[1] == 2
    assert scene.routing.matches == matches + 1
    assert b"MSG a.b %b 0\r\n\r\n" % lone.sid == scene.publish(b"a.b", audience)
