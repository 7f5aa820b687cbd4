"""Requests that reach nobody: where the answer goes, how long it is sought, and what a cluster knows."""

import itertools

import pytest

from app.domain.dataplane.constants import RECEIVERS_PER_CHECK
from app.domain.dataplane.seam import MakePlane
from app.domain.interest.interest import FEW
from app.domain.interest.routing import RECEIVERS_PER_STEP
from app.domain.protocol.compatibility import Compatibility
from app.domain.sessions.peer import PeerSession
from tests.fakes.clock import TickingClock
from tests.support.virtual_broker import BrokerSetup, VirtualBroker, VirtualClient
from tests.support.virtual_cluster import GREATER_ID, RoutedBroker

CONNECT = b'CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true}\r\n'
REPLY = b"r" + 9 * b".r"
REQUEST = b"PUB nobody " + REPLY + b" 2\r\nhi\r\n"
LARGE_REQUEST = b"PUB nobody " + REPLY + b" 20000\r\n" + 20_000 * b"x" + b"\r\n"
"""One that does not wait for others who may be about to subscribe."""

CROSSED = [b"r." + b".".join(tokens) for tokens in itertools.product((b"r", b"*"), repeat=9)]
"""More patterns that match the reply than one step of a search visits."""

MANY = b"".join(b"SUB filler filler%d\r\n" % number for number in range(FEW))
"""With one more, too many subscriptions to compare them one by one."""


def answer(sid: bytes, subject: bytes = b"nobody", reply: bytes = REPLY) -> bytes:
    """What the requester hears at this subscription."""
    block = b"NATS/1.0 503\r\nNats-Subject: %b\r\n\r\n" % subject
    return b"HMSG %b %b %d %d\r\n%b\r\n" % (reply, sid, len(block), len(block), block)


@pytest.fixture(name="clock")
def _clock() -> TickingClock:
    """A clock that stands still at first."""
    return TickingClock()


@pytest.fixture(name="server")
def _server(make_plane: MakePlane, clock: TickingClock) -> VirtualBroker:
    """A server of today."""
    return VirtualBroker(make_plane, setup=BrokerSetup(clock=clock, compatibility=Compatibility.CURRENT))


def asking(server: VirtualBroker, lines: bytes) -> VirtualClient:
    """A client that wants to know of requests to nobody, and has sent these lines."""
    client = server.connect()
    client.send(CONNECT + lines)
    client.heard()
    return client


def subscribed(patterns: list[bytes]) -> bytes:
    """The lines of plain subscriptions, numbered from 0."""
    return b"".join(b"SUB %b %d\r\n" % (pattern, sid) for sid, pattern in enumerate(patterns))


@pytest.mark.parametrize("count", [0, FEW, RECEIVERS_PER_STEP + 1])
def test_a_queue_member(server: VirtualBroker, count: int) -> None:
    """A client whose only subscription to the reply is in a queue group gets the answer there."""
    others = server.connect(quiet=True)
    others.send(b"SUB r.> q 1\r\n" * 3)
    many = b"".join(b"SUB other.%d q o%d\r\n" % (n, n) for n in range(count))
    client = asking(server, many + b"SUB r.> q 7\r\n")

    assert answer(b"7") + b"PONG\r\n" == client.ask(REQUEST + b"PING\r\n")
    assert not others.heard()


@pytest.mark.parametrize("others", [b"", MANY], ids=["few", "many"])
def test_plain_ones_before_queue_members(server: VirtualBroker, others: bytes) -> None:
    """Where plain subscriptions hear of it, members of queue groups do not."""
    client = asking(server, others + b"SUB r.> q 1\r\nSUB r.> 2\r\nSUB r.* 3\r\n")

    assert answer(b"2") == client.ask(REQUEST)


@pytest.mark.parametrize("others", [b"", MANY], ids=["few", "many"])
def test_one_of_several(server: VirtualBroker, others: bytes) -> None:
    """A client with several subscriptions to the reply hears of it once."""
    client = asking(server, others + b"SUB r.> 2\r\nSUB *.> 3\r\n")

    assert client.ask(REQUEST + b"PING\r\n") in {answer(sid) + b"PONG\r\n" for sid in (b"2", b"3")}


@pytest.mark.parametrize("own", [b"", MANY], ids=["few", "many"])
def test_the_queue_group_of_others(server: VirtualBroker, own: bytes) -> None:
    """A client without a subscription to the reply gets no answer at those of others."""
    others = server.connect(quiet=True)
    others.send(b"SUB r.> q 1\r\n")
    client = asking(server, own + b"SUB other q 1\r\n")

    assert b"PONG\r\n" == client.ask(REQUEST + b"PING\r\n")
    assert not others.heard()


def requests(*replies: bytes) -> bytes:
    """Requests to nobody with these reply subjects, and a PING."""
    return b"".join(b"PUB nobody %b 2\r\nhi\r\n" % reply for reply in replies) + b"PING\r\n"


def answers(sid: bytes, *replies: bytes) -> bytes:
    """The answers to them at this subscription, and the PONG."""
    return b"".join(answer(sid, reply=reply) for reply in replies) + b"PONG\r\n"


@pytest.fixture(name="asked")
def _asked(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The reply subjects of requests that sessions were asked to answer."""
    asked: list[bytes] = []
    answer_it = PeerSession.no_responders

    def note(session: PeerSession, subject: bytes, reply: bytes) -> None:
        asked.append(reply)
        answer_it(session, subject, reply)

    monkeypatch.setattr(PeerSession, "no_responders", note)
    return asked


@pytest.mark.parametrize("others", [b"", MANY], ids=["few", "many"])
def test_one_subscription_for_all_replies(server: VirtualBroker, asked: list[bytes], others: bytes) -> None:
    """A client whose replies come to one subscription is answered there: by the plane, after the first."""
    client = asking(server, others + b"SUB in.x.* 1\r\n")
    replies = [b"in.x.%d" % number for number in range(4)]

    assert answers(b"1", *replies) == client.ask(requests(*replies))
    assert [b"in.x.0"] == asked


@pytest.mark.parametrize("pattern", [b"*.*.*", b"in.>", b"in.*.*", b"*.x.>", b"in.x.1"])
def test_subscriptions_to_more(server: VirtualBroker, asked: list[bytes], pattern: bytes) -> None:
    """At any other subscription each request is answered by the session."""
    client = asking(server, b"SUB %b 1\r\n" % pattern)

    assert answers(b"1", b"in.x.1", b"in.x.1") == client.ask(requests(b"in.x.1", b"in.x.1"))
    assert 2 * [b"in.x.1"] == asked


def test_a_queue_member_for_all_replies(server: VirtualBroker, asked: list[bytes]) -> None:
    """A member of a queue group is no place for all replies: a plain subscription may come."""
    client = asking(server, b"SUB in.* q 1\r\n")
    first = client.ask(requests(b"in.1"))

    second = client.ask(b"SUB in.* 2\r\n" + requests(b"in.2", b"in.3"))

    assert (answers(b"1", b"in.1"), answers(b"2", b"in.2", b"in.3")) == (first, second)
    assert [b"in.1", b"in.2"] == asked


def test_a_subscription_that_ends_between_requests(server: VirtualBroker) -> None:
    """After its end there is no answer, until there is another one."""
    client = asking(server, b"SUB in.* 1\r\n")
    before = client.ask(requests(b"in.1", b"in.2"))

    without = client.ask(b"UNSUB 1\r\n" + requests(b"in.3"))
    after = client.ask(b"SUB in.* 2\r\n" + requests(b"in.4", b"in.5"))

    assert (answers(b"1", b"in.1", b"in.2"), b"PONG\r\n") == (before, without)
    assert answers(b"2", b"in.4", b"in.5") == after


def test_a_limit_between_requests(server: VirtualBroker) -> None:
    """Answers count for the limit of their subscription, those before it too."""
    client = asking(server, b"SUB in.* 1\r\n")
    client.ask(requests(b"in.1", b"in.2"))

    heard = client.ask(b"UNSUB 1 3\r\n" + requests(b"in.3", b"in.4"))

    assert answers(b"1", b"in.3") == heard


@pytest.mark.parametrize("pace", [0.0, 0.01], ids=["one turn", "many turns"])
def test_a_long_search(server: VirtualBroker, clock: TickingClock, pace: float) -> None:
    """However crossed the patterns are, and however many others listen, the answer comes, before a PONG."""
    others = server.connect(quiet=True)
    others.send(subscribed([*CROSSED, *(3 * RECEIVERS_PER_STEP * [b"r.>"])]))
    client = asking(server, MANY + b"SUB r.> last\r\n")
    clock.pace = pace

    assert answer(b"last") + b"PONG\r\n" == client.ask(REQUEST + b"PING\r\n")


def test_a_client_that_leaves_during_the_search(server: VirtualBroker, clock: TickingClock) -> None:
    """The search ends with its client, and nothing fails."""
    others = server.connect(quiet=True)
    others.send(subscribed(CROSSED))
    client = asking(server, MANY + b"SUB r.> last\r\n")
    clock.pace = 0.01

    client.wire.feed(LARGE_REQUEST)
    client.wire.pump(None)
    client.leave()

    assert not client.heard()
    assert not [event for event in server.events.events if "Failure" in type(event).__name__]


def test_a_subscription_that_ends_during_the_search(server: VirtualBroker, clock: TickingClock) -> None:
    """One that was found, and has had its last message since then, gets no answer."""
    others, other = server.connect(quiet=True), server.connect(quiet=True)
    others.send(subscribed(3 * RECEIVERS_PER_STEP * [REPLY]))
    client = asking(server, MANY + b"SUB r.> last\r\nUNSUB last 1\r\n")
    clock.pace = 0.01

    client.wire.feed(LARGE_REQUEST)
    client.wire.pump(None)
    other.wire.feed(b"PUB " + REPLY + b" 2\r\nno\r\n")
    other.wire.pump(None)
    server.settle()

    assert b"MSG " + REPLY + b" last 2\r\nno\r\n" == client.heard()


def test_receivers_that_close_meanwhile(server: VirtualBroker, clock: TickingClock) -> None:
    """A request that was interrupted, and whose receivers were all closed, is answered."""
    receivers = server.connect(quiet=True)
    receivers.send(b"".join(b"SUB many %d\r\n" % n for n in range(2 * RECEIVERS_PER_CHECK)))
    client = asking(server, b"SUB r.> 1\r\n")
    client.send(b"PUB many 0\r\n\r\n")
    receivers.connection.outbox.closed = True
    clock.pace = 0.01

    assert answer(b"1", b"many") + b"PONG\r\n" == client.ask(b"PUB many " + REPLY + b" 2\r\nhi\r\nPING\r\n")


@pytest.mark.parametrize("queue", [b"", b"q "], ids=["plain", "queue"])
def test_interest_of_another_server(make_plane: MakePlane, queue: bytes) -> None:
    """A request that goes to another server has reached somebody; one that goes to none has not."""
    server = RoutedBroker(make_plane)
    server.broker.compatibility = Compatibility.CURRENT
    peer = server.joined(GREATER_ID)
    peer.send(b"SUB there %bQRSID:1:1\r\n" % queue if queue else b"SUB there RSID:1:1\r\n")
    client = asking(server, b"SUB r.> 1\r\n")
    peer.heard()

    assert b"PONG\r\n" == client.ask(b"PUB there " + REPLY + b" 2\r\nhi\r\nPING\r\n")
    assert b"MSG there" in peer.heard()
    assert answer(b"1") == client.ask(REQUEST)


def test_a_message_of_a_route_for_nobody(make_plane: MakePlane) -> None:
    """Another server whose message finds nobody left here gets no answer."""
    server = RoutedBroker(make_plane)
    server.broker.compatibility = Compatibility.CURRENT
    peer = server.joined(GREATER_ID)
    peer.send(b"SUB r.> RSID:1:1\r\n")
    peer.heard()

    assert b"PONG\r\n" == peer.ask(b"MSG nobody RSID:9:9 " + REPLY + b" 2\r\nhi\r\nPING\r\n")
