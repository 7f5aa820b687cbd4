"""A client inside the process: it subscribes and publishes as others do, without a socket."""

import gc
import weakref
from collections.abc import Callable
from dataclasses import replace

import pytest

from app.domain.dataplane.seam import MakePlane
from app.domain.events import InternalFailure, ReadFailed, SlowConsumer
from app.domain.limits import Limits
from app.domain.protocol.errors import InvalidSubject, ParserError
from app.domain.sessions.connection import Connection
from app.domain.sessions.local_client import LocalClient
from app.domain.sessions.local_wire import LocalMessage, LocalWire
from app.domain.sessions.wire import Wire
from tests.fakes.event_log import RecordingEventLog
from tests.support.virtual_broker import VirtualBroker
from tests.support.virtual_cluster import RoutedBroker
from tests.support.virtual_leaves import LeafBroker

LIMITS = Limits(max_payload=1000, max_pending=4000)


@pytest.fixture(name="events")
def _events() -> RecordingEventLog:
    return RecordingEventLog(debug=False, trace=False)


@pytest.fixture(name="server")
def _server(make_plane: MakePlane, events: RecordingEventLog) -> VirtualBroker:
    return VirtualBroker(make_plane, LIMITS, events=events)


@pytest.fixture(name="local")
def _local(server: VirtualBroker) -> LocalClient:
    return server.broker.connect_local("system")


def test_it_gets_what_clients_publish(server: VirtualBroker, local: LocalClient) -> None:
    """A subscription delivers subject, sid, reply and payload, in order, in a later turn."""
    got: list[LocalMessage] = []
    sid = local.subscribe(b"a.*", got.append)
    client = server.connect(quiet=True)

    client.wire.feed(b"PUB a.b answer 5\r\n1\r\n23\r\nPUB c 0\r\n\r\nPUB a.c 0\r\n\r\n")
    at_once = list(got)
    server.settle()

    assert ([], b"1") == (at_once, sid)
    assert [(b"a.b", sid, b"answer", b"1\r\n23", b""), (b"a.c", sid, None, b"", b"")] == got


def test_clients_get_what_it_publishes(server: VirtualBroker, local: LocalClient) -> None:
    """What it publishes reaches clients in order, with its reply subject."""
    client = server.connect(quiet=True)
    client.send(b"SUB a 7\r\n")

    local.publish(b"a", b"1")
    local.publish(b"a", b"2", reply=b"r")
    at_once = client.heard()
    server.settle()

    assert (b"", b"MSG a 7 1\r\n1\r\nMSG a 7 r 1\r\n2\r\n") == (at_once, client.heard())


def test_two_talk_to_each_other(server: VirtualBroker, local: LocalClient) -> None:
    """A callback may publish: a request within the process is answered within the process."""
    other = server.broker.connect_local("other")
    got: list[bytes] = []
    other.subscribe(b"ask", lambda message: other.publish(message.reply or b"", b"yes"))
    local.subscribe(b"answer", lambda message: got.append(message.payload))

    local.publish(b"ask", reply=b"answer")
    server.settle()

    assert [b"yes"] == got


def test_a_queue_group_may_have_it_as_a_member(server: VirtualBroker, local: LocalClient) -> None:
    """Each message of a queue group goes to one member, local or not."""
    client = server.connect(quiet=True)
    client.send(b"SUB a q 1\r\n")
    got: list[LocalMessage] = []
    local.subscribe(b"a", got.append, queue=b"q")

    for _ in range(40):
        local.publish(b"a")
    server.settle()
    heard = client.heard().count(b"MSG a 1 0\r\n")

    assert 40 == heard + len(got)
    assert 0 < heard < 40


def test_unsubscribe(server: VirtualBroker, local: LocalClient) -> None:
    """A subscription that was ended delivers nothing, not even what is on the way; twice is once."""
    got: list[LocalMessage] = []
    sid = local.subscribe(b"a", got.append)
    local.subscribe(b"b", got.append)
    client = server.connect(quiet=True)
    client.wire.feed(b"PUB a 0\r\n\r\n")

    local.unsubscribe(sid)
    local.unsubscribe(sid)
    client.send(b"PUB a 0\r\n\r\nPUB b 0\r\n\r\n")

    assert [b"b"] == [message.subject for message in got]
    assert 1 == server.broker.subscriptions


def test_it_is_no_connection(server: VirtualBroker, local: LocalClient) -> None:
    """Monitoring counts and lists no connection for it, and it is not pinged."""
    server.advance(600)

    assert ({}, 0, False) == (server.broker.sessions, server.broker.total_connections, local.closed)
    assert "system" == local.session.name


def test_more_messages_than_fit_a_turn(server: VirtualBroker, local: LocalClient) -> None:
    """Many messages are handed over in several turns, and none is lost."""
    got: list[LocalMessage] = []
    local.subscribe(b"a", got.append)

    for number in range(1000):
        local.publish(b"a", b"%d" % number)
    server.settle()

    assert [b"%d" % number for number in range(1000)] == [message.payload for message in got]


def test_a_slow_receiver_holds_it(server: VirtualBroker, local: LocalClient) -> None:
    """It waits for a congested receiver as any publisher does, and goes on when that reads."""
    slow = server.connect(quiet=True)
    slow.send(b"SUB a 1\r\n")
    slow.wire.stall()

    for _ in range(10):
        local.publish(b"a", 900 * b"x")
    server.settle()
    held = local.waiting
    slow.wire.pass_on()
    server.advance(0.5)

    assert 0 < held
    assert (0, 10) == (local.waiting, slow.heard().count(b"MSG a 1 900\r\n"))


def test_it_is_closed_as_a_slow_consumer(
    server: VirtualBroker, local: LocalClient, events: RecordingEventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A local client that takes nothing is closed as others are, and is then out of use."""
    monkeypatch.setattr("app.domain.sessions.local_wire.MESSAGES_PER_TURN", 0)
    local.subscribe(b"a", lambda _message: None)
    monkeypatch.setattr(local.connection.wire, "schedule", lambda: None)
    client = server.connect(quiet=True)

    client.wire.feed(4 * (b"PUB a 900\r\n" + 900 * b"x" + b"\r\n"))
    server.advance(LIMITS.write_deadline + 1)

    assert local.closed
    assert [local.connection.link] == [event.link for event in events.of(SlowConsumer)]
    with pytest.raises(RuntimeError, match="the local client is closed"):
        local.publish(b"a")
    with pytest.raises(RuntimeError, match="the local client is closed"):
        local.subscribe(b"a", lambda _message: None)


def test_a_callback_that_fails(server: VirtualBroker, local: LocalClient, events: RecordingEventLog) -> None:
    """A defect in a callback ends that local client, is logged, and disturbs nobody else."""

    def fail(message: LocalMessage) -> None:
        raise KeyError(message.subject)

    local.subscribe(b"a", fail)
    client = server.connect(quiet=True)

    heard = client.ask(b"SUB a 1\r\nPUB a 0\r\n\r\nPING\r\n")

    assert b"MSG a 1 0\r\n\r\nPONG\r\n" == heard
    assert (True, 1) == (local.closed, len(events.of(InternalFailure)))
    assert 1 == server.broker.subscriptions


def test_close(server: VirtualBroker, local: LocalClient) -> None:
    """A closed one gets nothing, its subscriptions are gone, and unsubscribing is harmless."""
    got: list[LocalMessage] = []
    sid = local.subscribe(b"a", got.append)
    client = server.connect(quiet=True)
    client.wire.feed(b"PUB a 0\r\n\r\n")
    local.publish(b"b")

    local.close()
    local.close()
    local.unsubscribe(sid)
    server.settle()

    assert ([], True, 0, 0) == (got, local.closed, server.broker.subscriptions, local.waiting)
    assert 1 == server.broker.wires.left


def test_the_end_of_the_server(server: VirtualBroker, local: LocalClient) -> None:
    """A server that ends closes its local clients."""
    done: list[bool] = []

    server.broker.shutdown(lambda: done.append(True))
    server.settle()

    assert ([True], True) == (done, local.closed)
    with pytest.raises(RuntimeError, match="the server has shut down"):
        server.broker.connect_local("late")


@pytest.mark.parametrize("subject", [b"", b"a b", b"a\tb", b"a\r\nPUB b 0", b"a\0"])
def test_a_subject_that_is_no_word(local: LocalClient, subject: bytes) -> None:
    """What would break the line is refused, as subject, reply and queue group."""
    with pytest.raises(ValueError, match="a subject is one word without blanks"):
        local.publish(subject)
    with pytest.raises(ValueError, match="a reply subject is one word without blanks"):
        local.publish(b"a", reply=subject)
    with pytest.raises(ValueError, match="a subject is one word without blanks"):
        local.subscribe(subject, lambda _message: None)
    with pytest.raises(ValueError, match="a queue group is one word without blanks"):
        local.subscribe(b"a", lambda _message: None, queue=subject)
    assert {} == local.session.subscriptions


def test_a_malformed_pattern(server: VirtualBroker, local: LocalClient) -> None:
    """A pattern that is none is refused, and nothing is subscribed."""
    with pytest.raises(InvalidSubject):
        local.subscribe(b"a..b", lambda _message: None)

    assert (0, {}) == (server.broker.subscriptions, local.session.subscriptions)


def test_what_is_too_large(local: LocalClient) -> None:
    """Payload and line keep to the limits that clients have."""
    with pytest.raises(ValueError, match="1001 bytes of payload exceed max_payload 1000"):
        local.publish(b"a", 1001 * b"x")
    with pytest.raises(ValueError, match="the subjects exceed max_control_line 1024"):
        local.publish(b"a" * 1100)
    with pytest.raises(ValueError, match="the subjects exceed max_control_line 1024"):
        local.subscribe(b"a" * 1100, lambda _message: None)
    with pytest.raises(ValueError, match="the subjects exceed max_control_line 1024"):
        local.subscribe(b"a", lambda _message: None, queue=b"q" * 1100)
    assert {} == local.session.subscriptions


def test_lines_that_are_not_for_it(local: LocalClient, server: VirtualBroker) -> None:
    """Other lines of the protocol have no effect, and a refusal is a defect that ends it."""
    session = local.session
    session.process_connect(b"{}")
    session.process_info(b"{}")
    session.process_err(b"'x'")
    session.login_expired()
    assert session.let_in(None)  # type: ignore[arg-type]  # who it is does not matter
    local.connection.send(b"PONG\r\n")
    server.settle()
    assert not local.closed

    session.refuse(ParserError("x"))

    assert local.closed


def test_a_limit_that_is_lowered(
    server: VirtualBroker, local: LocalClient, events: RecordingEventLog
) -> None:
    """What waits is judged by the limits of its turn: it ends the client, and is logged as for others."""
    local.publish(b"a", 90 * b"x")

    server.broker.apply(replace(LIMITS, max_payload=50))
    server.settle()

    assert (True, 1, []) == (local.closed, len(events.of(ReadFailed)), events.of(InternalFailure))


def test_a_closed_one_is_freed(server: VirtualBroker) -> None:
    """A local client that is closed and let go of leaves memory without the collector."""
    local = server.broker.connect_local("x")
    reference = weakref.ref(local)
    local.close()
    server.settle()

    gc.disable()
    del local
    freed = reference() is None
    gc.enable()

    assert freed


# --- in a cluster -------------------------------------------------------------------------


def test_other_servers_hear_of_it(make_plane: MakePlane) -> None:
    """Its subscriptions are announced, also to a server that comes later, which may name its member."""
    server = RoutedBroker(make_plane)
    local = server.broker.connect_local("system")
    got: list[LocalMessage] = []
    local.subscribe(b"a", got.append, queue=b"q")

    peer = server.called()
    announced = peer.introduce("other", 7001)
    peer.send(b"MSG a QRSID:1:1 2\r\nhi\r\nMSG a QRSID:99:1 2\r\nno\r\n")

    assert b"SUB a q QRSID:1:1\r\n" in announced
    assert [b"hi"] == [message.payload for message in got]


def test_no_subject_reaches_other_servers_as_a_line(make_plane: MakePlane) -> None:
    """A subject that a route would read as a further line, or refuse, is announced to nobody."""
    server = RoutedBroker(make_plane)
    local = server.broker.connect_local("system")
    peer = server.called()
    peer.introduce("other", 7001)

    for subject in (b"a RSID:9:9\r\nSUB b", b"a b c", 5000 * b"x"):
        with pytest.raises(ValueError, match=r"the subjects exceed|one word without blanks"):
            local.subscribe(subject, lambda _message: None)

    assert b"PONG\r\n" == peer.ask(b"PING\r\n")


BLOCK = b"NATS/1.0\r\nk: v\r\n\r\n"


def test_headers_both_ways(server: VirtualBroker, local: LocalClient) -> None:
    """A header block goes out and comes in as it is, apart from the payload."""
    got: list[LocalMessage] = []
    sid = local.subscribe(b"a", got.append)
    client = server.connect(quiet=True)
    client.send(b'CONNECT {"verbose":false}\r\nSUB a 1\r\n')

    local.publish(b"a", b"1", reply=b"r", headers=BLOCK)
    local.publish(b"a", b"2")
    server.settle()

    assert [(b"a", sid, b"r", b"1", BLOCK), (b"a", sid, None, b"2", b"")] == got
    assert client.heard() == b"MSG a 1 r 1\r\n1\r\nMSG a 1 1\r\n2\r\n"


def test_headers_count_in_the_size(local: LocalClient) -> None:
    """A block and a payload are together at most `max_payload`."""
    with pytest.raises(ValueError, match="1001 bytes"):
        local.publish(b"a", (1001 - len(BLOCK)) * b"x", headers=BLOCK)


def test_a_request_that_reaches_nobody(server: VirtualBroker, local: LocalClient) -> None:
    """It is answered with the status 503."""
    got: list[LocalMessage] = []
    local.subscribe(b"answer", got.append)

    local.publish(b"nobody", reply=b"answer")
    server.settle()

    assert [(b"", b"NATS/1.0 503\r\nNats-Subject: nobody\r\n\r\n")] == [
        (message.payload, message.headers) for message in got
    ]


def test_it_may_want_no_messages_for_a_while(server: VirtualBroker, local: LocalClient) -> None:
    """What comes meanwhile stays pending, and is delivered in order afterwards."""
    got: list[bytes] = []
    local.subscribe(b"a", lambda message: got.append(message.payload))
    client = server.connect(quiet=True)

    local.hold(held=True)
    client.send(b"PUB a 1\r\n1\r\nPUB a 1\r\n2\r\n")
    server.settle()
    before, pending = list(got), local.connection.outbox.pending()
    local.hold(held=False)
    server.settle()
    local.close()
    local.hold(held=True)

    assert ([], [b"1", b"2"]) == (before, got)
    assert pending > 0


def test_it_hears_of_its_end(server: VirtualBroker, local: LocalClient) -> None:
    """Once, when it is closed or its server ends."""
    ends: list[str] = []
    other = server.broker.connect_local("other")
    other.on_closed = lambda: ends.append("other")
    local.on_closed = lambda: ends.append("local")

    local.close()
    local.close()
    server.broker.shutdown(lambda: None)
    server.settle()

    assert ["local", "other"] == ends


def test_what_lies_between_wire_and_connection(server: VirtualBroker) -> None:
    """A tap makes the connection, and what it holds counts as waiting."""
    held = [7]

    def tap(local: LocalWire, connect: Callable[[Wire], Connection]) -> tuple[Connection, Callable[[], int]]:
        connection = connect(local)
        local.handler = connection
        return connection, lambda: held[0]

    client = server.broker.connect_local("tapped", tap)
    got: list[bytes] = []
    client.subscribe(b"a", lambda message: got.append(message.payload))
    client.publish(b"a", b"1")
    server.settle()

    assert ([b"1"], 7) == (got, client.waiting)
    held[0] = 0
    assert 0 == client.waiting


def test_other_servers_hear_of_its_subscriptions(make_plane: MakePlane) -> None:
    """In the next turn, and of their end as well, though no read follows that would send it."""
    server = LeafBroker(make_plane)
    leaf = server.joined()
    local = server.broker.connect_local("system")
    server.settle()
    leaf.heard()

    sid = local.subscribe(b"a", print)
    local.subscribe(b"b", print)
    server.settle()
    begun = leaf.heard()
    local.unsubscribe(sid)
    server.settle()

    assert (b"LS+ a\r\nLS+ b\r\n", b"LS- a\r\n") == (begun, leaf.heard())
