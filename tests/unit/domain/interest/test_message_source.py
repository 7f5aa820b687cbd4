"""Whom a message may reach that has come over a route or a leaf link (ADR 0054)."""

from app.domain.dataplane.constants import NOT_FOR
from app.domain.dataplane.reference import DataPlane
from app.domain.interest.index import Part
from app.domain.interest.message_source import ROUTED, MessageSource, PlainReceivers, read_not_for
from app.domain.interest.subscription import Subscription, subscription_of
from app.domain.peer_kind import PeerKind
from app.domain.protocol.commands import Subscribe
from tests.fakes.data_plane import ScriptedPlanner
from tests.fakes.subscriber import FakeSubscriber

PLANE = DataPlane(ScriptedPlanner(), 1, 1000, 1000)


def subscription(kind: PeerKind, number: int = 3, via: bytes | None = None) -> Subscription:
    """One of a peer of this kind."""
    origin = 0 if kind is PeerKind.CLIENT else number
    subscriber = FakeSubscriber(PLANE, origin, number, kind=kind)
    subscriber.cluster = via
    return subscription_of(subscriber, Subscribe(b"a", None, b"1"), PLANE, subscriber.station.outbox)


CLIENT = subscription(PeerKind.CLIENT)
ROUTE = subscription(PeerKind.ROUTE)
SPOKE_OF_OTHER = subscription(PeerKind.ROUTE, via=b"x")
SPOKE = subscription(PeerKind.LEAF, 4, b"x")
HUB = subscription(PeerKind.HUB, 5, b"h")


def served(source: MessageSource) -> list[bool]:
    """Whether each of them gets a message."""
    return [source.serves(each) for each in (CLIENT, ROUTE, SPOKE_OF_OTHER, SPOKE, HUB)]


def test_each_kind_of_link_serves_those_it_hears_of() -> None:
    """What comes over a route, or from the hub, is for clients and leaf nodes; a leaf node's is for all."""
    assert [True, False, False, True, False] == served(ROUTED)
    assert [True, False, False, True, False] == served(MessageSource(PeerKind.HUB, [5]))
    assert [True, True, True, True, True] == served(MessageSource(PeerKind.LEAF, [9], b"y"))


def test_nothing_goes_back() -> None:
    """Neither the link itself nor any other link of its cluster gets the message."""
    assert [True, True, True, False, True] == served(MessageSource(PeerKind.LEAF, [4], b"y"))
    assert [True, True, False, False, True] == served(MessageSource(PeerKind.LEAF, [9], b"x"))
    assert [True, False, False, False, False] == served(MessageSource(PeerKind.ROUTE, without=b"x"))


def test_parts_of_queue_groups_follow_the_same_rules() -> None:
    """A part is judged as its members are."""
    parts = [Part(PLANE.group(b"q"), each) for each in (CLIENT, ROUTE, SPOKE_OF_OTHER, SPOKE, HUB)]

    assert [True, True, False, False, True] == [
        MessageSource(PeerKind.LEAF, [9], b"x").serves_part(part) for part in parts
    ]


def test_a_server_that_must_not_give_it_to_all_is_asked_so() -> None:
    """It gets the message once, under a name that says which cluster it is not for."""
    receivers = PlainReceivers(MessageSource(PeerKind.LEAF, [9], b"x"))

    receivers.add([CLIENT, SPOKE_OF_OTHER, ROUTE, ROUTE])
    targets = receivers.finish()

    assert [CLIENT.target] == targets[:1]
    assert (2, b"%bx" % NOT_FOR) == (len(targets), targets[1].sid)  # type: ignore[attr-defined] # of the plain twin


def test_a_server_that_has_nobody_else_gets_nothing() -> None:
    """One that speaks for the sender's cluster alone is passed over; messages of clients go to all."""
    kept, free = PlainReceivers(MessageSource(PeerKind.LEAF, [9], b"x")), PlainReceivers(None)

    for receivers in (kept, free):
        receivers.add([SPOKE_OF_OTHER])

    assert ([], [SPOKE_OF_OTHER.target]) == (kept.finish(), free.finish())


def test_the_name_is_read_again() -> None:
    """The cluster is what follows the mark, and other sids name none."""
    source = read_not_for(MessageSource(PeerKind.ROUTE, without=b"x").sid_for_others)
    assert source is not None
    assert [True, False, False, False, False] == served(source)
    assert None is read_not_for(b"QRSID:1:2")


def test_links_that_have_the_message_are_named() -> None:
    """They are left out, by their numbers; what is no number is nothing."""
    source = read_not_for(NOT_FOR + b"#4,x,99999999999999999999999")
    other = read_not_for(NOT_FOR + b"y#5,6")

    assert source is not None
    assert other is not None
    assert [True, False, False, False, False] == served(source)
    assert [True, False, False, True, False] == served(other)


def test_without_a_cluster() -> None:
    """The mark is all there is."""
    assert NOT_FOR == ROUTED.sid_for_others
