"""Local clients' interest, as other servers get it (cluster-protocol.md, section 4)."""

import pytest

from app.domain.dataplane.seam import MakePlane
from app.domain.events import LineSent, SlowConsumer
from app.domain.limits import HOLD_SECONDS
from app.domain.sessions import flow, sliced_lines
from app.domain.sessions.congestion import TICK
from tests.fakes.event_log import RecordingEventLog
from tests.support.virtual_broker import VirtualClient
from tests.support.virtual_cluster import GREATER_ID, SMALLER_ID, RoutedBroker, VirtualPeer

SENT = "Route sent local subscriptions"


@pytest.fixture(name="peer")
def _peer(server: RoutedBroker) -> VirtualPeer:
    """A registered peer; its route has the number 1."""
    return server.joined(GREATER_ID)


@pytest.fixture(name="client")
def _client(server: RoutedBroker, peer: VirtualPeer) -> VirtualClient:
    """A client; its number is 2."""
    assert 1 == peer.connection.cid
    return server.connect(quiet=True)


NEWS = {
    "a subscription": (b"SUB foo 1\r\n", b"SUB foo  RSID:2:1\r\n"),
    "a member": (b"SUB foo.* grp 3\r\n", b"SUB foo.* grp QRSID:2:3\r\n"),
    "a sid of any form": (b"SUB foo a:b\xff\r\n", b"SUB foo  RSID:2:a:b\xff\r\n"),
    "a sid in use": (b"SUB foo 1\r\nSUB bar 1\r\n", b"SUB foo  RSID:2:1\r\n"),
    "an invalid subject": (b"SUB foo..bar 1\r\n", b""),
    "its end": (b"SUB foo 1\r\nUNSUB 1\r\n", b"SUB foo  RSID:2:1\r\nUNSUB RSID:2:1\r\n"),
    "the end of a member": (b"SUB foo q 1\r\nUNSUB 1\r\n", b"SUB foo q QRSID:2:1\r\nUNSUB QRSID:2:1\r\n"),
    "an unknown end": (b"UNSUB 7\r\nUNSUB 7 5\r\n", b""),
    "a limit": (b"SUB foo 1\r\nUNSUB 1 3\r\n", b"SUB foo  RSID:2:1\r\nUNSUB RSID:2:1 3\r\n"),
    "a limit for a member": (
        b"SUB foo q 1\r\nUNSUB 1 3\r\n",
        b"SUB foo q QRSID:2:1\r\nUNSUB QRSID:2:1 3\r\n",
    ),
    "a limit that is reached": (
        b"SUB foo 1\r\nPUB foo 0\r\n\r\nUNSUB 1 1\r\n",
        b"SUB foo  RSID:2:1\r\nUNSUB RSID:2:1\r\n",
    ),
    "the last message": (
        b"SUB foo 1\r\nUNSUB 1 1\r\nPUB foo 0\r\n\r\n",
        b"SUB foo  RSID:2:1\r\nUNSUB RSID:2:1 1\r\nUNSUB RSID:2:1\r\n",
    ),
    "no aggregation": (b"SUB foo 1\r\nSUB foo 2\r\n", b"SUB foo  RSID:2:1\r\nSUB foo  RSID:2:2\r\n"),
    "messages": (b"PUB foo 5\r\nhello\r\nPING\r\n", b""),
}


@pytest.mark.parametrize("size", [None, 1], ids=["whole", "bytewise"])
@pytest.mark.parametrize(("sent", "announced"), NEWS.values(), ids=NEWS.keys())
def test_news_of_a_client(
    client: VirtualClient, peer: VirtualPeer, sent: bytes, announced: bytes, size: int | None
) -> None:
    """A peer gets these lines for what a client does, at once."""
    client.send(sent, size)

    assert announced == peer.heard()


def test_all_peers_get_the_interest(server: RoutedBroker, peer: VirtualPeer, client: VirtualClient) -> None:
    """All registered peers get the same lines, and those that are not registered get none."""
    other, unnamed = server.joined(SMALLER_ID, 8222), server.called()
    for everybody in (peer, other, unnamed):
        everybody.heard()

    client.send(b"SUB foo 1\r\nUNSUB 1\r\n")

    announced = b"SUB foo  RSID:2:1\r\nUNSUB RSID:2:1\r\n"
    assert [announced, announced, b""] == [p.heard() for p in (peer, other, unnamed)]


def test_the_interest_of_a_peer_is_not_passed_on(server: RoutedBroker, peer: VirtualPeer) -> None:
    """Interest of one peer is never sent to another, neither when it comes nor when it goes nor later."""
    other = server.joined(SMALLER_ID)
    peer.heard()
    other.heard()

    peer.send(b"SUB foo  RSID:1:1\r\nSUB foo q QRSID:1:2\r\nSUB bar  RSID:1:3\r\nUNSUB RSID:1:1\r\n")
    peer.send(b"UNSUB RSID:1:3 5\r\n")
    late = server.called()
    late.heard()
    late.introduce("late", 9222)
    peer.leave()

    assert b"RSID" not in late.heard() + other.heard()


@pytest.mark.parametrize("count", [1, 3])
def test_a_client_that_leaves(client: VirtualClient, peer: VirtualPeer, count: int) -> None:
    """One plain UNSUB for each subscription follows a client that is gone."""
    client.send(b"".join(b"SUB foo %d\r\n" % sid for sid in range(count)))
    peer.heard()

    client.leave()

    assert b"".join(b"UNSUB RSID:2:%d\r\n" % sid for sid in range(count)) == peer.heard()


def test_a_client_that_leaves_with_an_unfinished_limit(client: VirtualClient, peer: VirtualPeer) -> None:
    """A limit that was not reached leaves no phantom at other servers."""
    client.send(b"SUB foo 1\r\nUNSUB 1 5\r\n")
    peer.heard()

    client.leave()

    assert b"UNSUB RSID:2:1\r\n" == peer.heard()


def test_a_client_that_goes_stale(server: RoutedBroker, peer: VirtualPeer, client: VirtualClient) -> None:
    """The end of a client is announced at once, also when no read causes it."""
    client.send(b"SUB foo 1\r\n")
    peer.heard()

    client.connection.close()

    assert b"UNSUB RSID:2:1\r\n" == peer.heard()
    assert 0 == server.subscriptions


def test_many_subscriptions_of_one_that_leaves(
    server: RoutedBroker, peer: VirtualPeer, client: VirtualClient
) -> None:
    """However many a client had, all are taken back, though not all at once."""
    client.send(b"".join(b"SUB foo %d\r\n" % sid for sid in range(2500)))
    peer.heard()

    client.leave()
    server.settle()

    assert sorted(b"UNSUB RSID:2:%d" % sid for sid in range(2500)) == sorted(peer.heard().splitlines())


def test_a_new_peer_gets_all_interest(
    server: RoutedBroker, client: VirtualClient, events: RecordingEventLog
) -> None:
    """A peer hears of everything that is there, limits included, in one write, and the log says so."""
    other = server.connect(quiet=True)
    client.send(b"SUB foo 1\r\nSUB bar q 2\r\nUNSUB 2 7\r\nSUB gone 3\r\nUNSUB 3\r\n")
    other.send(b"SUB foo 1\r\n")
    peer = server.called()
    peer.introduce("new")

    announced = (
        b"SUB foo  RSID:2:1\r\nSUB bar q QRSID:2:2\r\nUNSUB QRSID:2:2 7\r\n"
        b"SUB foo  RSID:%d:1\r\n" % other.connection.cid
    )
    assert announced == peer.wire.writes[1]
    assert SENT == events.texts()[-1]


def test_the_end_is_logged_although_nothing_was_sent(server: RoutedBroker, events: RecordingEventLog) -> None:
    """The log has the line without any local interest too, as in gnatsd."""
    server.joined(GREATER_ID)

    assert SENT == events.texts()[-1]


def test_a_limit_across_servers(client: VirtualClient, peer: VirtualPeer) -> None:
    """A limit at its owner: two messages were delivered, three are wanted, so one more is delivered."""
    message = b"MSG foo RSID:2:1 1\r\nx\r\n"
    client.send(b"SUB foo 1\r\n")
    peer.heard()
    peer.send(2 * message)
    client.send(b"UNSUB 1 3\r\n")
    limited = peer.heard()

    peer.send(message)
    ended = peer.heard()
    peer.send(message)

    assert (b"UNSUB RSID:2:1 3\r\n", b"UNSUB RSID:2:1\r\n") == (limited, ended)
    assert (3 * b"MSG foo 1 1\r\nx\r\n", b"") == (client.heard(), peer.heard())


class TestManySubscriptions:
    """A new peer gets more than one slice."""

    @pytest.fixture(autouse=True)
    def _small_slices(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sliced_lines, "SLICE", 3)

    @staticmethod
    def meet(server: RoutedBroker) -> VirtualPeer:
        """A peer that has heard the first slice only."""
        peer = server.called()
        peer.heard()
        peer.wire.feed(b'INFO {"server_id":"new"}\r\n')
        return peer

    @pytest.mark.parametrize("count", [2, 3, 4, 6, 10])
    def test_all_are_sent_in_slices(
        self, server: RoutedBroker, client: VirtualClient, events: RecordingEventLog, count: int
    ) -> None:
        """A peer gets all subscriptions, some at once and others in later turns; then the end is logged."""
        client.send(b"".join(b"SUB foo %d\r\n" % sid for sid in range(count)))
        events.events.clear()

        peer = self.meet(server)
        first = peer.heard()
        server.advance(0.0)

        lines = [b"SUB foo  RSID:2:%d\r\n" % sid for sid in range(count)]
        assert b"".join(lines[:3]) == first
        assert b"".join(lines[3:]) == peer.heard()
        assert 1 == events.texts().count(SENT)

    def test_what_comes_and_goes_meanwhile(self, server: RoutedBroker, client: VirtualClient) -> None:
        """The peer knows the subscriptions that there are in the end, whatever changed between the slices."""
        other = server.connect(quiet=True)
        client.send(b"".join(b"SUB foo %d\r\n" % sid for sid in range(5)))
        other.send(b"".join(b"SUB foo %d\r\n" % sid for sid in range(5)))
        peer = self.meet(server)

        client.wire.feed(b"UNSUB 0\r\nUNSUB 4\r\nUNSUB 3\r\nSUB bar 3\r\nSUB foo 9\r\n")
        other.wire.lose()
        server.connect(quiet=True).send(b"SUB late 1\r\n")
        server.advance(0.0)

        assert {
            b"RSID:2:1": b"foo",
            b"RSID:2:2": b"foo",
            b"RSID:2:3": b"bar",
            b"RSID:2:9": b"foo",
            b"RSID:5:1": b"late",
        } == understood(peer.heard())[0]

    def test_a_limit_is_never_sent_for_a_successor(self, server: RoutedBroker, client: VirtualClient) -> None:
        """A sid that is used again between two slices does not inherit the limit of the one before."""
        client.send(b"SUB a 1\r\nSUB b 2\r\nSUB c 3\r\nUNSUB 3 5\r\nSUB d 4\r\n")
        peer = self.meet(server)

        client.wire.feed(b"UNSUB 3\r\nSUB e 3\r\n")
        server.advance(0.0)

        subjects, limits = understood(peer.heard())
        assert (b"e", {}) == (subjects[b"RSID:2:3"], limits)

    def test_a_peer_that_leaves_meanwhile(
        self, server: RoutedBroker, client: VirtualClient, events: RecordingEventLog
    ) -> None:
        """A peer that is gone gets no further slices."""
        client.send(b"".join(b"SUB foo %d\r\n" % sid for sid in range(10)))
        peer = self.meet(server)
        events.events.clear()

        peer.wire.lose()
        server.advance(0.0)

        assert SENT not in events.texts()

    def test_a_peer_that_reads_slowly(
        self, server: RoutedBroker, client: VirtualClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """While much waits for a peer no more is added; then it goes on."""
        monkeypatch.setattr(sliced_lines, "ENOUGH", 50)
        client.send(b"".join(b"SUB foo %d\r\n" % sid for sid in range(6)))
        peer = server.called()
        peer.wire.stall()

        peer.wire.feed(b'INFO {"server_id":"new"}\r\n')
        server.advance(0.5)
        waiting = peer.wire.pending()
        peer.wire.pass_on()
        server.advance(0.1)

        assert 3 * len(b"SUB foo  RSID:2:1\r\n") == waiting
        assert 6 == peer.heard().count(b"SUB foo")


def understood(heard: bytes) -> tuple[dict[bytes, bytes], dict[bytes, bytes]]:
    """Subjects and limits by sid, as a peer keeps them that obeys all this."""
    subjects: dict[bytes, bytes] = {}
    limits: dict[bytes, bytes] = {}
    for line in heard.splitlines():
        words = line.split()
        if words[0] == b"SUB":
            subjects.setdefault(words[-1], words[1])
        elif len(words) == 2:
            subjects.pop(words[1], None)
            limits.pop(words[1], None)
        elif words[1] in subjects:
            limits[words[1]] = words[2]
    return subjects, limits


def test_a_route_that_fills_up(
    server: RoutedBroker,
    peer: VirtualPeer,
    client: VirtualClient,
    events: RecordingEventLog,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A peer that reads no interest is cut as a slow consumer; the others get it, and clients are served."""
    monkeypatch.setattr(flow, "ROUTE_PENDING", 0)
    others = [server.joined(f"{number}", 8000 + number) for number in range(3)]
    peer.heard()
    peer.wire.stall()
    peer.connection.outbox.send((server.limits.max_pending - 10) * b"x")
    server.advance(HOLD_SECONDS + TICK)
    for other in others:
        other.heard()

    heard = client.ask(b"SUB foo 1\r\nPING\r\n")

    assert (True, b"PONG\r\n") == (peer.wire.aborted, heard)
    assert [peer.connection.link] == [event.link for event in events.of(SlowConsumer)]
    assert 3 * [b"SUB foo  RSID:2:1\r\n"] == [other.heard() for other in others]
    assert GREATER_ID not in server.cluster.remotes


def test_tracing(make_plane: MakePlane) -> None:
    """With tracing on each line of interest is logged as it is sent, the two blanks included."""
    events = RecordingEventLog()
    server = RoutedBroker(make_plane, events=events)
    peer = server.joined(GREATER_ID)
    client = server.connect(quiet=True)

    client.send(b"SUB foo 1\r\nUNSUB 1 3\r\n")

    link = peer.connection.link
    sent = [event for event in events.of(LineSent) if event.link == link]
    assert ["<<- [SUB foo  RSID:2:1]", "<<- [UNSUB RSID:2:1 3]"] == [event.text() for event in sent]
