"""What links hear of: subjects once, queue groups with their size (leaf-nodes.md, section 4)."""

import pytest

from app.domain.dataplane.reference import DataPlane
from app.domain.interest.subscription import Subscription, subscription_of
from app.domain.leaf.link_interest import LinkInterest
from app.domain.peer_kind import PeerKind
from app.domain.protocol.commands import Subscribe
from tests.fakes.data_plane import ScriptedPlanner
from tests.fakes.subscriber import FakeSubscriber

PLANE = DataPlane(ScriptedPlanner(), 1, 1000, 1000)


class FakeHearer:
    """A link that keeps what it hears."""

    def __init__(self, kind: PeerKind, number: int = 9, tag: bytes = b"own", denied: bytes = b"") -> None:
        self.kind = kind
        self.number = number
        self.cluster_tag = tag
        self._denied = denied
        self._lines: list[bytes] = []

    def announces(self, subject: bytes) -> bool:
        """Everything but one subject."""
        return subject != self._denied

    def announce(self, line: bytes) -> None:
        """Keep it."""
        self._lines.append(line)

    def news(self) -> bytes:
        """What was heard since the last call."""
        lines, self._lines = self._lines, []
        return b"".join(lines)


def subscription(
    subject: bytes,
    queue: bytes | None = None,
    kind: PeerKind = PeerKind.CLIENT,
    number: int = 3,
    via: bytes | None = None,
) -> Subscription:
    """One of a peer of this kind."""
    origin = 0 if kind is PeerKind.CLIENT else number
    subscriber = FakeSubscriber(PLANE, origin, number, kind=kind)
    subscriber.cluster = via
    return subscription_of(subscriber, Subscribe(subject, queue, b"1"), PLANE, subscriber.station.outbox)


@pytest.fixture(name="interest")
def _interest() -> LinkInterest:
    return LinkInterest()


def opened(interest: LinkInterest, kind: PeerKind, **options: bytes) -> FakeHearer:
    """A link that hears of changes."""
    link = FakeHearer(kind, tag=options.get("tag", b"own"), denied=options.get("denied", b""))
    interest.open(link)
    return link


def test_a_subject_is_announced_once(interest: LinkInterest) -> None:
    """For the first subscription, and gone with the last one."""
    link = opened(interest, PeerKind.HUB)
    ones = [subscription(b"a") for _ in range(3)]

    for one in ones:
        interest.added(one)
    added = link.news()
    for one in ones[:2]:
        interest.removed(one)
    kept = link.news()
    interest.removed(ones[2])

    assert (b"LS+ a\r\n", b"", b"LS- a\r\n", 0) == (added, kept, link.news(), len(interest))


def test_a_queue_group_has_the_number_of_its_members(interest: LinkInterest) -> None:
    """Each change of it is announced."""
    link = opened(interest, PeerKind.HUB)
    ones = [subscription(b"a", b"q") for _ in range(2)]

    for one in ones:
        interest.added(one)
    for one in ones:
        interest.removed(one)

    assert b"LS+ a q 1\r\nLS+ a q 2\r\nLS+ a q 1\r\nLS- a q\r\n" == link.news()


def test_who_hears_of_whom(interest: LinkInterest) -> None:
    """A hub hears of clients and leaf nodes, a leaf node of everybody."""
    hub, leaf = opened(interest, PeerKind.HUB), FakeHearer(PeerKind.LEAF, 8)
    interest.open(leaf)

    interest.added(subscription(b"client"))
    interest.added(subscription(b"route", kind=PeerKind.ROUTE))
    interest.added(subscription(b"other", kind=PeerKind.ROUTE, via=b"x"))
    interest.added(subscription(b"leaf", kind=PeerKind.LEAF, via=b"x"))
    interest.added(subscription(b"hub", kind=PeerKind.HUB, via=b"h"))

    assert b"LS+ client\r\nLS+ leaf\r\n" == hub.news()
    assert b"LS+ client\r\nLS+ route\r\nLS+ other\r\nLS+ leaf\r\nLS+ hub\r\n" == leaf.news()


@pytest.mark.parametrize("kind", [PeerKind.CLIENT, PeerKind.ROUTE])
def test_clients_cannot_close_a_loop(interest: LinkInterest, kind: PeerKind) -> None:
    """Subjects by which servers find loops come from servers alone: a client may know those of others."""
    link = opened(interest, PeerKind.LEAF)
    forged = [subscription(b"$LDS.x", queue, kind=kind) for queue in (None, b"q")]

    for one in forged:
        interest.added(one)
    for one in forged:
        interest.removed(one)
    interest.added(subscription(b"$LDS.x", kind=kind, via=b"x" if kind is PeerKind.ROUTE else None))

    assert (b"LS+ $LDS.x\r\n" if kind is PeerKind.ROUTE else b"") == link.news()


def test_nobody_hears_of_itself(interest: LinkInterest) -> None:
    """What a link has announced does not count for it, nor what one of the same cluster has."""
    link = FakeHearer(PeerKind.LEAF, 4, b"x")
    interest.open(link)
    own = subscription(b"a", kind=PeerKind.LEAF, number=4, via=b"y")
    akin = subscription(b"a", kind=PeerKind.LEAF, number=5, via=b"x")
    there = subscription(b"a", kind=PeerKind.ROUTE, number=6, via=b"x")

    for one in (own, akin, there):
        interest.added(one)
    silent = link.news()
    client = subscription(b"a")
    interest.added(client)
    interest.removed(client)
    interest.added(subscription(b"a", kind=PeerKind.LEAF, number=7, via=b"z"))

    assert (b"", b"LS+ a\r\nLS- a\r\nLS+ a\r\n") == (silent, link.news())


def test_a_client_hides_all_others(interest: LinkInterest) -> None:
    """While one listens to a subject nobody hears of more that do."""
    link = opened(interest, PeerKind.LEAF)
    client, other = subscription(b"a"), subscription(b"a", kind=PeerKind.LEAF, via=b"x")

    for one in (client, other):
        interest.added(one)
    added = link.news()
    interest.removed(client)
    left = link.news()
    interest.removed(other)

    assert (b"LS+ a\r\n", b"", b"LS- a\r\n") == (added, left, link.news())


def test_weights_of_leaf_nodes_add_up(interest: LinkInterest) -> None:
    """A member at the end of a link counts for as many as it says, and goes with all of them."""
    hub = opened(interest, PeerKind.HUB)
    leaf = subscription(b"a", b"q", PeerKind.LEAF, 5, b"x")

    interest.added(leaf)
    interest.weighed(leaf, 4)
    interest.added(subscription(b"a", b"q"))
    interest.weighed(leaf, -3)
    interest.removed(leaf)

    assert b"LS+ a q 1\r\nLS+ a q 5\r\nLS+ a q 6\r\nLS+ a q 3\r\nLS+ a q 1\r\n" == hub.news()


def test_rights_are_kept(interest: LinkInterest) -> None:
    """What the other end may not send it need not hear of."""
    link = opened(interest, PeerKind.HUB, denied=b"no")

    for subject in (b"no", b"yes"):
        interest.added(subscription(subject))

    assert b"LS+ yes\r\n" == link.news()
    assert b"LS+ yes\r\n" == b"".join(interest.lines_for(link))


def test_a_new_link_hears_of_all(interest: LinkInterest) -> None:
    """As it is when each line is made, and nothing after it is closed."""
    one, two, group = subscription(b"a"), subscription(b"b"), subscription(b"c", b"q")
    routed = subscription(b"r", kind=PeerKind.ROUTE)
    for each in (one, two, group, routed):
        interest.added(each)
    link = opened(interest, PeerKind.HUB)

    lines = interest.lines_for(link)
    first = next(lines)
    interest.removed(two)
    rest = list(lines)
    interest.close(link)
    interest.removed(one)

    assert (b"LS+ a\r\n", [b"", b"LS+ c q 1\r\n", b""], b"LS- b\r\n") == (first, rest, link.news())
