"""Connections: reading and waiting, each way to end, and the figures about them."""

import gc
import weakref
from functools import partial

import pytest

from app.domain.dataplane.seam import MakePlane
from app.domain.events import ConnectionClosed, InternalFailure, PublishersHeld, SlowConsumer
from app.domain.fair_queue import CROWDED_READ, ROUND, SLICE
from app.domain.limits import HOLD_SECONDS, Limits
from app.domain.security.link_security import Security
from app.domain.sessions.client import ClientSession
from app.domain.sessions.congestion import TICK
from app.domain.sessions.connection import SMALL_READ, Connection
from app.domain.sessions.deferred_flush import CROWD, SAMPLE, SHORT_READ
from app.domain.sessions.early_input import EARLY_BYTES
from app.domain.sessions.flow import ANSWER_HOLD, READ_AHEAD, READ_AHEAD_TOTAL
from app.domain.sessions.look_ahead import AHEAD_BYTES, LookAhead
from app.domain.stats import ConnectionStats, Traffic
from tests.fakes.clock import TickingClock
from tests.fakes.event_log import RecordingEventLog
from tests.fakes.wire import ADDRESS
from tests.support.broker_stats import stats_of
from tests.support.virtual_broker import BrokerSetup, VirtualBroker, VirtualClient

PONG = b"PONG\r\n"
NOBODY = b"PUB nobody 2\r\nhi\r\n"
LIMITS = Limits(max_pending=4000)
"""Holds above 2000 pending bytes."""


def message(size: int) -> bytes:
    """A PUB to ``slow`` with a payload of `size` bytes."""
    return b"PUB slow %d\r\n%b\r\n" % (size, size * b"x")


def delivery(size: int, sid: int = 1) -> bytes:
    """The same as it is delivered."""
    return b"MSG slow %d %d\r\n%b\r\n" % (sid, size, size * b"x")


@pytest.fixture(name="server")
def _server(make_plane: MakePlane) -> VirtualBroker:
    return VirtualBroker(make_plane, LIMITS)


@pytest.fixture(name="client")
def _client(server: VirtualBroker) -> VirtualClient:
    return server.connect(quiet=True)


@pytest.fixture(name="slow")
def _slow(server: VirtualBroker) -> VirtualClient:
    """A client that listens to ``slow`` and reads nothing."""
    client = server.connect(quiet=True)
    client.send(b"SUB slow 1\r\n")
    client.wire.stall()
    return client


# --- reading and waiting ---------------------------------------------------------


def test_answers_leave_once_per_read(client: VirtualClient) -> None:
    """All that a read causes is written at its end, in one piece per connection."""
    client.wire.writes.clear()

    client.send(b"SUB a 1\r\nPUB a 2\r\nok\r\nPING\r\nPUB a 2\r\nok\r\nPING\r\n")

    assert [2 * (b"MSG a 1 2\r\nok\r\n" + PONG)] == client.wire.writes


def test_waiting_pauses_the_wire(client: VirtualClient) -> None:
    """The first reason to wait pauses reading, and the end of the last one resumes it."""
    connection, states = client.connection, []

    for step in (connection.wait, connection.wait, connection.go_on, connection.go_on):
        step()
        states.append((connection.waiting, client.wire.paused))

    assert [(True, True), (True, True), (True, True), (False, False)] == states
    assert PONG == client.ask(b"PING\r\n")


def test_what_is_not_obeyed_yet(client: VirtualClient) -> None:
    """It begins with a line: what the data plane keeps of it, and what came while the peer waits."""
    client.wire.feed(b"PING\r\nPUB a 5\r\n12")
    kept = client.connection.unprocessed()
    client.connection.wait()
    early = b"345\r\nPING\r\n"
    client.connection.reserve()[: len(early)] = early
    client.connection.received(len(early))

    assert (b"PUB a 5\r\n12", b"PUB a 5\r\n12345\r\nPING\r\n") == (kept, client.connection.unprocessed())


def test_listening_reads_a_little_on(client: VirtualClient) -> None:
    """While only an end is waited for, input is kept up to a bound, and obeyed afterwards."""
    connection = client.connection
    connection.wait(listening=True)

    client.send(b"PING\r\n")
    client.send(b"PING\r\n" * (EARLY_BYTES // 6 - 1))
    below = (connection.listening, client.wire.paused)
    client.send(b"PING\r\nPING\r\n")
    above = client.wire.paused
    unread = client.wire.unread
    early = client.heard()
    connection.go_on(listening=True)
    client.send(b"")

    assert ((True, False), True, b"") == (below, above, early)
    assert (EARLY_BYTES // 6 + 2) * PONG == client.heard()
    assert (0, False, False) == (unread, connection.listening, client.wire.paused)


def test_listening_beside_another_reason(client: VirtualClient) -> None:
    """Another reason to wait stops reading; when it is gone the end is listened for again."""
    connection, states = client.connection, []

    connection.wait(listening=True)
    connection.wait()
    states.append(client.wire.paused)
    client.wire.resume()
    client.send(b"PING\r\n")
    states.append(client.wire.paused)
    connection.go_on()
    states.append(client.wire.paused)
    connection.wait()
    connection.go_on(listening=True)
    states.append(client.wire.paused)
    connection.go_on()

    assert [True, True, False, True] == states
    assert (PONG, False) == (client.heard(), client.wire.paused)


def test_listening_is_over_with_much_input(client: VirtualClient) -> None:
    """A peer that has sent too much in advance is not read again before its turn."""
    connection = client.connection
    connection.wait(listening=True)
    client.send(b" " * EARLY_BYTES)

    connection.wait()
    connection.go_on()

    assert client.wire.paused


@pytest.mark.parametrize(("listening", "most"), [(True, EARLY_BYTES), (False, AHEAD_BYTES)])
def test_a_peer_that_waits_is_read_in_small_pieces(
    client: VirtualClient, *, listening: bool, most: int
) -> None:
    """Clients that have not logged in keep little, and looking for PING takes a part of a turn."""
    connection = client.connection
    before = len(connection.reserve())

    connection.wait(listening=listening)

    assert most == len(connection.reserve()) < before


def test_a_closed_connection_listens_no_more(client: VirtualClient) -> None:
    """After the end there is nothing to listen for."""
    connection = client.connection
    connection.wait(listening=True)
    connection.close()

    connection.wait()
    connection.go_on()

    assert not connection.listening


def test_what_comes_in_spite_of_a_pause(server: VirtualBroker, client: VirtualClient) -> None:
    """It is obeyed when waiting is over, before what comes later; the wire is asked to pause again."""
    client.send(b"SUB a 1\r\nPI")
    connection = client.connection
    connection.wait()
    client.wire.resume()

    client.wire.feed(b"NG\r\nPUB a 2\r\nok\r\nPUB a ")
    kept = (client.heard(), client.wire.paused)
    other = server.connect(quiet=True)
    meanwhile = other.ask(b"PING\r\n")
    connection.go_on()

    assert (b"", True, PONG) == (*kept, meanwhile)
    assert PONG + b"MSG a 1 2\r\nok\r\n" == client.heard()
    assert b"MSG a 1 3\r\nyes\r\n" == client.ask(b"3\r\nyes\r\n")


def test_what_came_in_spite_of_a_pause_may_wait_again(client: VirtualClient) -> None:
    """It is kept while any reason to wait is left, and lost with the connection."""
    connection = client.connection
    connection.wait()
    connection.wait()
    client.wire.resume()
    client.wire.feed(b"PING\r\n")

    connection.go_on()
    connection.close()
    connection.go_on()

    assert b"" == client.heard()


def test_a_turn_lets_others_go_first(make_plane: MakePlane) -> None:
    """A client that keeps us busy is taken up again after the others, and misses nothing."""
    clock = TickingClock()
    server = VirtualBroker(make_plane, LIMITS, setup=BrokerSetup(clock=clock))
    client, other = server.connect(quiet=True), server.connect(quiet=True)
    lines = 10
    clock.pace = SLICE / lines

    client.wire.feed((lines + 9) * b"PING\r\n")
    first, paused = client.heard(), client.wire.paused
    other.wire.feed(b"PING\r\n")
    meanwhile = (other.heard(), client.heard())
    server.settle()

    assert (lines * PONG, True) == (first, paused)
    assert (PONG, b"") == meanwhile
    assert (9 * PONG, False) == (client.heard(), client.wire.paused)


def test_many_turns(make_plane: MakePlane) -> None:
    """As many turns as it takes are taken, one after the other."""
    clock = TickingClock(SLICE / 10)
    client = VirtualBroker(make_plane, LIMITS, setup=BrokerSetup(clock=clock)).connect(quiet=True)
    lines = 10

    client.send(5 * lines * b"PING\r\n" + b"PI")
    client.send(b"NG\r\n")

    assert (5 * lines + 1) * PONG == client.heard()


def test_a_congested_receiver_holds_its_publisher(
    server: VirtualBroker, client: VirtualClient, slow: VirtualClient
) -> None:
    """A publisher is not read while its receiver has too much pending; what it sent comes in order later."""
    client.send(message(2500) + message(5) + b"PING\r\n" + message(6) + b"PING\r\n")
    held = (client.heard(), client.wire.paused, slow.heard())
    slow.wire.pass_on()
    server.advance(0.2)

    assert (b"", True, delivery(2500)) == held
    assert (2 * PONG, False, delivery(5) + delivery(6)) == (client.heard(), client.wire.paused, slow.heard())


def test_the_wire_may_say_that_it_drained(server: VirtualBroker) -> None:
    """A publisher goes on as soon as its receiver's wire has drained, before any timer."""
    publisher, slow = server.connect(quiet=True), server.connect(quiet=True)
    server.limits = Limits()
    slow.send(b"SUB slow 1\r\n")
    slow.wire.stall()

    publisher.send(message(2500) + message(1))
    waited = publisher.connection.waiting
    assert slow.wire.handler is not None
    slow.wire.handler.drained()
    server.settle()

    assert (True, False) == (waited, publisher.connection.waiting)


def test_others_are_not_held(server: VirtualBroker, client: VirtualClient, slow: VirtualClient) -> None:
    """Who does not publish to the congested receiver is served as ever."""
    other = server.connect(quiet=True)

    client.send(message(2500) + message(1))

    assert PONG == other.ask(b"PING\r\n")
    assert slow.connection.waiting is False


def test_a_publisher_to_itself_is_held(server: VirtualBroker, client: VirtualClient) -> None:
    """A client with too much pending for itself waits too, and no longer than a second."""
    client.wire.stall()
    client.send(b"SUB slow 1\r\n" + message(2500) + message(1) + b"PING\r\n")
    held = client.heard()

    server.advance(HOLD_SECONDS + 0.2)

    assert (delivery(2500), delivery(1) + PONG) == (held, client.heard())


def test_held_by_someone_who_is_gone(
    server: VirtualBroker, client: VirtualClient, slow: VirtualClient
) -> None:
    """A publisher whose receiver is cut meanwhile goes on at the next turn."""
    client.wire.feed(message(2500) + message(1) + b"PING\r\n")
    at_once = (client.heard(), client.connection.waiting)
    slow.connection.abort_slow("for this test")
    server.settle()

    assert (b"", True) == at_once
    assert (PONG, False) == (client.heard(), client.connection.waiting)


def test_a_cut_does_not_mix_publishers(server: VirtualBroker) -> None:
    """A message that fills a stuck receiver up, which is closed for it, reaches the others whole."""
    first, second, slow, witness = (server.connect(quiet=True) for _ in range(4))
    slow.send(b"SUB slow 1\r\n")
    witness.send(b"SUB > 9\r\n")
    slow.wire.stall()

    first.send(message(2500) + message(3) + b"PUB late 0\r\n\r\n")
    server.advance(HOLD_SECONDS + TICK)
    witness.heard()
    second.send(message(2000) + b"PUB later 0\r\n\r\n")
    server.advance(LIMITS.write_deadline - HOLD_SECONDS)

    assert slow.wire.aborted
    assert delivery(2000, 9) + b"MSG later 9 0\r\n\r\n" == witness.heard()


def test_a_receiver_that_ends_before_its_publisher_waits(
    server: VirtualBroker, client: VirtualClient, slow: VirtualClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A publisher that was stopped for a receiver that is gone meanwhile continues at the next turn."""
    other = server.connect(quiet=True)
    other.send(b"SUB other 1\r\n")
    monkeypatch.setattr(other.wire, "write", lambda _data: slow.connection.abort())

    client.wire.feed(message(2500) + b"PUB other 0\r\n\r\n" + message(1) + b"PING\r\n")
    at_once = (client.heard(), slow.wire.aborted)
    server.settle()

    assert (b"", True) == at_once
    assert (PONG, False) == (client.heard(), client.connection.waiting)


# --- held for long ---------------------------------------------------------------


def crawl(server: VirtualBroker, slow: VirtualClient, seconds: float) -> None:
    """Let time pass in which the receiver takes a byte at each check."""
    for _ in range(round(seconds / TICK)):
        slow.wire.pass_on(1)
        server.advance(TICK)


def test_a_held_publisher_is_answered(
    server: VirtualBroker, client: VirtualClient, slow: VirtualClient
) -> None:
    """Its PINGs are answered after a second, wherever they are in what it sent, and once."""
    client.send(message(2500) + message(1) + b"PING\r\n" + message(2) + b"PING\r\nPI")
    crawl(server, slow, ANSWER_HOLD - TICK)
    early = client.heard()
    crawl(server, slow, 2 * TICK)
    answered = client.heard()

    client.send(b"NG\r\n" + message(3) + b"PING\r\n")
    later = client.heard()
    slow.wire.pass_on()
    server.advance(TICK)

    assert (b"", 2 * PONG, 2 * PONG, b"") == (early, answered, later, client.heard())
    assert slow.heard().endswith(delivery(1) + delivery(2) + delivery(3))
    assert PONG == client.ask(b"PING\r\n")


def test_a_publisher_that_is_held_again(
    server: VirtualBroker, client: VirtualClient, slow: VirtualClient
) -> None:
    """What was answered during an earlier wait is not answered again."""
    client.send(message(2500) + message(2500) + b"PING\r\n" + message(2500) + b"PING\r\n")
    crawl(server, slow, ANSWER_HOLD + TICK)
    first = client.heard()
    slow.wire.pass_on(2300)
    server.advance(TICK)

    crawl(server, slow, ANSWER_HOLD + TICK)
    client.send(b"PING\r\n")
    second = client.heard()
    slow.wire.pass_on()
    server.advance(TICK)

    assert (2 * PONG, PONG, b"") == (first, second, client.heard())


def test_reading_ahead_is_bounded(server: VirtualBroker, client: VirtualClient, slow: VirtualClient) -> None:
    """A held publisher is read up to `READ_AHEAD` and one read more; all is delivered in the end."""
    many = READ_AHEAD // 1000 + 2000
    client.send(message(2500) + many * message(1000))
    crawl(server, slow, ANSWER_HOLD + TICK)
    ahead = server.broker.flow.read_ahead
    left = client.wire.unread

    slow.wire.pass_on()
    server.advance(TICK)

    assert READ_AHEAD <= ahead < READ_AHEAD + AHEAD_BYTES
    assert left > 0
    assert (0, delivery(2500) + many * delivery(1000)) == (server.broker.flow.read_ahead, slow.heard())


def test_reading_ahead_is_bounded_for_all(
    server: VirtualBroker, client: VirtualClient, slow: VirtualClient
) -> None:
    """Where others have used up what may be read ahead, no more is read; what has come is answered."""
    server.broker.flow.read_ahead = READ_AHEAD_TOTAL
    client.send(message(2500) + message(1) + b"PING\r\n")
    client.send(b"PING\r\n")

    crawl(server, slow, ANSWER_HOLD + TICK)

    assert (PONG, len(b"PING\r\n")) == (client.heard(), client.wire.unread)


def test_what_was_read_ahead_goes_with_the_connection(
    server: VirtualBroker, client: VirtualClient, slow: VirtualClient
) -> None:
    """A held publisher that is lost costs nothing any more."""
    client.send(message(2500) + message(1))
    crawl(server, slow, ANSWER_HOLD + TICK)
    client.send(100 * message(1))
    before = server.broker.flow.read_ahead

    client.leave()

    assert 0 == server.broker.flow.read_ahead < before
    assert 0 == server.broker.flow.held_publishers


def test_the_end_of_a_held_publisher_is_seen(
    server: VirtualBroker, client: VirtualClient, slow: VirtualClient
) -> None:
    """It is closed once its messages are delivered."""
    client.send(message(2500) + message(1))
    crawl(server, slow, ANSWER_HOLD + TICK)
    client.wire.end()
    waits = not client.wire.closed
    slow.wire.pass_on()
    server.advance(TICK)

    assert (True, True) == (waits, client.wire.closed)
    assert slow.heard().endswith(delivery(1))


def test_a_defect_while_input_is_processed(
    server: VirtualBroker, client: VirtualClient, slow: VirtualClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection that failed is the publisher of nothing that comes later."""
    client.send(message(2500))

    def fail(_session: object, _line: bytes) -> bool:
        raise MemoryError

    monkeypatch.setattr(type(client.connection.session), "line", fail)

    with pytest.raises(MemoryError):
        client.wire.feed(b"PING\r\n")

    assert not server.broker.flow.pressed(slow.connection)


def test_what_others_were_given_before_a_defect(
    server: VirtualBroker, client: VirtualClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is sent without another event, though the read had no flush."""
    receiver = server.connect(quiet=True)
    receiver.send(b"SUB a 1\r\n")

    def fail(_session: object, _line: bytes) -> bool:
        raise MemoryError

    monkeypatch.setattr(type(client.connection.session), "line", fail)

    with pytest.raises(MemoryError):
        client.wire.feed(b"PUB a 2\r\nhi\r\nPING\r\n")
    server.settle()

    assert b"MSG a 1 2\r\nhi\r\n" == receiver.heard()


def test_what_a_hold_looks_like(server: VirtualBroker, client: VirtualClient, slow: VirtualClient) -> None:
    """Both ends show it, the log names the receiver, and the slow consumer is remembered."""
    slow.send(b'CONNECT {"verbose":false,"name":"laptop"}\r\n')
    client.send(message(2500) + message(1))
    held = (client.connection.stats().waits_for, slow.connection.stats().holds)
    crawl(server, slow, ANSWER_HOLD + TICK)
    server.advance(LIMITS.write_deadline + TICK)

    (record,) = server.broker.slow.records
    assert (((2, "laptop"),), 1) == held
    assert ["laptop"] == [event.name for event in server.events.of(PublishersHeld)]
    assert ("cid", 2, "laptop", "no progress within write_deadline 2s") == (
        record.kind,
        record.number,
        record.name,
        record.reason,
    )


# --- the order of reads --------------------------------------------------------------


def test_a_subscription_that_is_read_after_the_message(server: VirtualBroker, client: VirtualClient) -> None:
    """A message that nobody listens to waits for what other connections sent at the same time."""
    listener = server.connect(quiet=True)
    server.clock.call_soon(lambda: None)  # there is something to read

    client.wire.feed(3 * b"PUB a 2\r\nok\r\n" + b"PING\r\n")
    listener.wire.feed(b"SUB a 1\r\n")
    server.settle()

    assert 3 * b"MSG a 1 2\r\nok\r\n" == listener.heard()
    assert (PONG, False) == (client.heard(), client.wire.paused)


def test_no_others_are_read_first_where_nothing_has_come(client: VirtualClient) -> None:
    """What follows a message without a receiver is obeyed in the same read."""
    client.wire.feed(NOBODY + b"PING\r\n")

    assert (PONG, False) == (client.heard(), client.connection.waiting)


def test_others_are_read_first(server: VirtualBroker, client: VirtualClient) -> None:
    """A message without a receiver waits for what has come already on other connections, twice removed."""
    other = server.connect(quiet=True)
    found = partial(other.wire.feed, b"SUB nobody 1\r\nPING\r\n")
    server.clock.call_soon(partial(server.clock.call_soon, found))

    client.wire.feed(NOBODY + b"PING\r\n")
    early = (client.heard(), client.connection.waiting)
    server.settle()

    assert (b"", True) == early
    assert PONG + b"MSG nobody 1 2\r\nhi\r\n" == other.heard()
    assert (PONG, False) == (client.heard(), client.connection.waiting)


def test_one_that_was_postponed_goes_first(server: VirtualBroker, client: VirtualClient) -> None:
    """A SUB is obeyed in time, though a message before it had to wait, and nothing is left to read."""
    other = server.connect(quiet=True)
    server.clock.call_soon(lambda: None)

    client.wire.feed(NOBODY + b"SUB a 1\r\n")
    other.wire.feed(b"PUB a 2\r\nok\r\n")
    server.settle()

    assert b"MSG a 1 2\r\nok\r\n" == client.heard()


def test_a_flood_that_nobody_listens_to_does_not_wait(client: VirtualClient) -> None:
    """Only small reads are put off: a client that has just begun to publish sends little."""
    client.wire.feed((SMALL_READ // 10) * b"PUB a 2\r\nok\r\n" + b"PING\r\n")

    assert PONG == client.heard()


# --- crowds --------------------------------------------------------------------------


def test_in_a_crowd_little_is_read_at_once(server: VirtualBroker, client: VirtualClient) -> None:
    """A peer that sends much waits for a later round; one that sends little is served."""
    greedy = server.connect(quiet=True)
    server.broker.turns.count(ROUND)

    greedy.wire.feed(CROWDED_READ // 6 * b"PING\r\n" + b"PING\r\n")
    client.wire.feed(b"PING\r\n")
    at_once = (greedy.heard(), client.heard(), greedy.wire.paused)
    server.settle()

    assert (b"", PONG, True) == at_once
    assert (CROWDED_READ // 6 + 1) * PONG == greedy.heard()
    assert 0 == server.broker.flow.read_ahead


# --- ending ------------------------------------------------------------------------


def test_an_end_of_file_closes(server: VirtualBroker, client: VirtualClient) -> None:
    """Input before the end of file is obeyed, its answers are sent, and the link is closed in order."""
    client.wire.feed(b"PING\r\nPUB a 5\r\nhal")
    client.wire.end()

    assert (PONG, True, False) == (client.heard(), client.wire.closed, client.wire.aborted)
    assert {} == server.broker.sessions


def test_an_end_of_file_while_waiting(
    server: VirtualBroker, client: VirtualClient, slow: VirtualClient
) -> None:
    """What was sent before the end of file is obeyed, even if it has to wait; then the link is closed."""
    client.send(message(2500) + message(7) + b"PING\r\n")
    assert client.wire.handler is not None

    client.wire.handler.eof_received()
    waiting = client.wire.closed
    server.advance(HOLD_SECONDS + 0.2)

    assert (False, True) == (waiting, client.wire.closed)
    assert (PONG, delivery(2500) + delivery(7)) == (client.heard(), slow.heard())


def test_an_end_of_file_after_the_end(client: VirtualClient) -> None:
    """A closed connection has nothing left to end."""
    client.connection.close()
    client.connection.wait()

    client.connection.eof_received()

    assert b"" == client.heard()
    assert client.wire.closed


def test_input_after_the_end_is_ignored(client: VirtualClient) -> None:
    """Bytes that a closed connection is still given are discarded."""
    client.connection.close()

    client.connection.reserve()[:6] = b"PING\r\n"
    client.connection.received(6)

    assert b"" == client.heard()


def test_waiting_after_the_end(client: VirtualClient) -> None:
    """A closed connection may be paused and resumed; its wire gets no further calls."""
    client.connection.close()

    client.connection.wait()
    paused = client.wire.paused
    client.connection.go_on()

    assert (False, False) == (paused, client.wire.paused)


def test_closing_sends_what_is_pending(client: VirtualClient) -> None:
    """A farewell comes after all that waited."""
    client.connection.outbox.send(b"first ")

    client.connection.close(b"last")
    client.connection.close(b"never")
    client.connection.abort()
    client.connection.abort_slow("never")

    assert b"first last" == client.heard()
    assert (True, False) == (client.wire.closed, client.wire.aborted)


def test_aborting_sends_nothing(client: VirtualClient) -> None:
    """Neither what waited nor a later farewell is sent."""
    client.connection.outbox.send(b"first")

    client.connection.abort()
    client.connection.abort()
    client.connection.close(b"never")

    assert b"" == client.heard()
    assert (False, True) == (client.wire.closed, client.wire.aborted)


def test_a_farewell_that_is_too_much(server: VirtualBroker, client: VirtualClient) -> None:
    """A receiver that a farewell brings over its limit is cut like any other."""
    client.wire.stall()

    client.connection.close(5000 * b"x")

    assert client.wire.aborted
    assert 1 == stats_of(server.broker).slow_consumers


def test_a_slow_consumer_is_cut(make_plane: MakePlane) -> None:
    """No room for the server's own bytes ends a stuck receiver without a word, is counted and logged."""
    events = RecordingEventLog(debug=False, trace=False)
    server = VirtualBroker(make_plane, LIMITS, events=events)
    publisher, slow = server.connect(quiet=True), server.connect(quiet=True)
    slow.send(b"SUB slow 1\r\n")
    slow.wire.stall()

    publisher.send(message(3900) + message(1))
    server.advance(HOLD_SECONDS + 0.2)
    slow.connection.outbox.send(delivery(100))

    assert (True, False, b"") == (slow.wire.aborted, slow.wire.closed, slow.heard())
    pending = len(delivery(3900) + delivery(1) + delivery(100))
    reason = f"{pending} pending bytes exceed max_pending 4000"
    assert [SlowConsumer(slow.connection.link, reason)] == events.events
    assert 1 == stats_of(server.broker).slow_consumers
    assert PONG == publisher.ask(b"PING\r\n")


def test_a_receiver_without_progress_is_cut(
    server: VirtualBroker, client: VirtualClient, slow: VirtualClient
) -> None:
    """A congested receiver that takes nothing for the write deadline is a slow consumer."""
    client.send(message(2500))

    server.advance(LIMITS.write_deadline + 0.2)

    assert slow.wire.aborted
    assert 1 == stats_of(server.broker).slow_consumers


def test_a_receiver_that_is_cut_for_its_last_message(
    server: VirtualBroker, client: VirtualClient, slow: VirtualClient
) -> None:
    """A stuck receiver that its last message fills up is closed, and its publisher goes on."""
    slow.send(b"SUB slow 2\r\nUNSUB 2 2\r\n")
    client.send(message(1000))
    server.advance(HOLD_SECONDS + TICK)

    client.send(message(2500) + message(1) + b"PING\r\n")
    server.advance(LIMITS.write_deadline - HOLD_SECONDS)

    assert (True, PONG) == (slow.wire.aborted, client.heard())
    assert 0 == stats_of(server.broker).subscriptions.num_subscriptions


def test_a_connection_ends_once(make_plane: MakePlane) -> None:
    """However it ends, and however often, its end is reported once."""
    events = RecordingEventLog(trace=False)
    server = VirtualBroker(make_plane, events=events)
    clients = [server.connect() for _ in range(3)]
    links = [client.connection.link for client in clients]

    clients[0].connection.close()
    clients[1].leave()
    clients[2].connection.abort()
    clients[2].leave()

    assert [ConnectionClosed(link) for link in links] == events.of(ConnectionClosed)


def test_who_was_too_full_for_one_publisher_is_not_for_the_next(server: VirtualBroker) -> None:
    """What a read has left, if it ended in another way than by waiting, is forgotten with the next read."""
    slow, publisher = server.connect(), server.connect()
    server.broker.flow.pressing[slow.connection] = None
    publisher.send(b"PUB foo 0\r\n\r\n")

    assert not server.broker.flow.pressing
    assert not publisher.connection.waits


def test_no_fact_that_nobody_wants(make_plane: MakePlane) -> None:
    """Without debug the coming and going of clients is not even reported."""
    events = RecordingEventLog(debug=False, trace=False)
    server = VirtualBroker(make_plane, events=events)

    server.connect().leave()

    assert [] == events.events


@pytest.mark.parametrize("error", [None, ConnectionResetError("reset by peer")], ids=["orderly", "reset"])
def test_a_lost_link(make_plane: MakePlane, error: Exception | None) -> None:
    """A link that is gone takes the subscriptions along; how it went makes no difference."""
    server = VirtualBroker(make_plane)
    client = server.connect()
    client.send(b"SUB a 1\r\nSUB b.* 2\r\n")

    client.wire.lose(error)

    assert ({}, 0) == (server.broker.sessions, server.broker.wires.left)
    assert 0 == stats_of(server.broker).subscriptions.num_subscriptions


def test_a_lost_publisher_is_forgotten(
    server: VirtualBroker, client: VirtualClient, slow: VirtualClient
) -> None:
    """A publisher that waited for a receiver and left does no harm when the receiver goes on."""
    client.send(message(2500) + message(1))

    client.leave()
    slow.wire.pass_on()
    server.advance(0.2)

    assert delivery(2500) == slow.heard()


@pytest.mark.parametrize("subject", [b"a", b"a.*", b">"])
@pytest.mark.parametrize("ending", ["lost", "closed", "cut"])
def test_nothing_remains_of_a_lost_connection(make_plane: MakePlane, ending: str, subject: bytes) -> None:
    """Once the wire is lost, memory returns without the collector's help, even if plans know the receiver."""
    server = VirtualBroker(make_plane)
    publisher = server.connect(quiet=True)
    client = server.connect(quiet=True)
    client.send(b"SUB " + subject + b" 1\r\nSUB " + subject + b" q 2\r\nUNSUB 1 100\r\nPUB x.y 3\r\nab")
    publisher.send(b"PUB a 1\r\nx\r\nPUB a.b 1\r\nx\r\n")
    wire = weakref.ref(client.wire)

    gc.collect()
    gc.disable()
    try:
        if ending == "closed":
            client.connection.close(b"bye")
        elif ending == "cut":
            client.connection.abort_slow("for this test")
        client.leave()
        server.clients.remove(client)
        publisher.send(b"PUB b 1\r\nx\r\nPUB b.b 1\r\nx\r\n")
        del client
        remaining = wire()
    finally:
        gc.enable()

    assert remaining is None


# --- telling --------------------------------------------------------------------------


def test_figures_of_a_fresh_connection(make_plane: MakePlane) -> None:
    """A client that did nothing was last active when it came."""
    server = VirtualBroker(make_plane)
    server.advance(5.0)

    client = server.connect()

    assert (
        ConnectionStats(
            cid=1,
            ip=ADDRESS,
            port=4000,
            started=5.0,
            last_activity=5.0,
            pending_bytes=0,
            traffic=Traffic(0, 0, 0, 0),
        )
        == client.connection.stats()
    )


def test_the_figures_have_the_protection_of_the_link(client: VirtualClient) -> None:
    """The figures name what both ends of the wire agreed on."""
    client.wire.agreed = Security("1.3", "TLS_AES_128_GCM_SHA256")

    assert Security("1.3", "TLS_AES_128_GCM_SHA256") == client.connection.stats().security


def test_figures_of_a_busy_connection(server: VirtualBroker, client: VirtualClient) -> None:
    """Messages and payload bytes are counted in both directions, and what is pending is shown."""
    client.wire.stall()

    client.send(b"SUB a 1\r\nSUB a 2\r\nPUB a 5\r\nhello\r\nPUB b 2\r\nok\r\n")

    stats = client.connection.stats()
    assert Traffic(2, 7, 2, 10) == stats.traffic
    assert 2 * len(b"MSG a 1 5\r\nhello\r\n") == stats.pending_bytes
    assert stats_of(server.broker).traffic == stats.traffic


@pytest.mark.parametrize(
    ("sent", "active"),
    [
        (b"SUB x 5\r\n", True),
        (b"UNSUB 5\r\n", True),
        (b"CONNECT {}\r\n", True),
        (b"PUB x 0\r\n\r\n", True),
        (b"PUB x 5\r\nhel", False),
        (b"PING\r\n", False),
        (b"PONG\r\n", False),
        (b"+OK\r\n", False),
        (b"SUB x", False),
    ],
    ids=lambda value: value.decode() if isinstance(value, bytes) else "",
)
def test_what_counts_as_activity(
    server: VirtualBroker, client: VirtualClient, sent: bytes, *, active: bool
) -> None:
    """Operations that matter count as activity, keep-alive and incomplete ones do not."""
    server.advance(10.0)

    client.send(sent)

    assert (10.0 if active else 0.0) == client.connection.stats().last_activity


def test_a_delivery_is_activity(server: VirtualBroker, client: VirtualClient) -> None:
    """A receiver is active when it gets a message."""
    receiver = server.connect(quiet=True)
    receiver.send(b"SUB a 1\r\n")
    server.advance(10.0)

    client.send(b"PUB a 0\r\n\r\n")

    assert 10.0 == receiver.connection.stats().last_activity


def test_traced_messages(make_plane: MakePlane) -> None:
    """While tracing, each message sent is shown with its line; what is no UTF-8 as escapes."""
    events = RecordingEventLog(debug=False)
    server = VirtualBroker(make_plane, events=events)
    client = server.connect(quiet=True)
    client.send(b"SUB \xff.* 9\r\n")
    events.events.clear()

    client.send(b"PUB \xff.a re 5\r\nhello\r\n")

    assert [
        "->> [PUB \\xff.a re 5]",
        "->> MSG_PAYLOAD: [hello]",
        "<<- [MSG \\xff.a 9 re 5]",
    ] == events.texts()


# --- defects ------------------------------------------------------------------------------


def fail(*_args: object) -> bool:
    """A defect, or no memory."""
    raise MemoryError


def test_a_defect_when_it_goes_on(
    server: VirtualBroker, client: VirtualClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is raised while a connection is taken up again costs that one: it is closed, and reported."""
    client.connection.wait()
    client.wire.resume()
    client.wire.feed(b"PING\r\n")
    with monkeypatch.context() as patch:
        patch.setattr(ClientSession, "line", fail)
        client.connection.go_on()

    assert (True, True) == (client.connection.closed, client.wire.aborted)
    [failure] = server.events.of(InternalFailure)
    assert failure.link is not None
    assert client.connection.cid == failure.link.number
    assert failure.reason.startswith("MemoryError at test_connection.py:")
    assert PONG == server.connect(quiet=True).ask(b"PING\r\n")


def test_a_defect_when_it_is_read_ahead(
    server: VirtualBroker, client: VirtualClient, slow: VirtualClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No memory for a held publisher costs that one; flow control goes on."""
    client.send(message(2500) + message(1))
    with monkeypatch.context() as patch:
        patch.setattr(LookAhead, "feed", fail)
        crawl(server, slow, ANSWER_HOLD + TICK)
    server.advance(LIMITS.write_deadline + TICK)

    assert (True, True) == (client.wire.aborted, slow.wire.aborted)
    assert 1 == len(server.events.of(InternalFailure))


def test_a_defect_of_a_timer(make_plane: MakePlane, monkeypatch: pytest.MonkeyPatch) -> None:
    """A PING that fails costs its connection; all others are pinged."""
    server = VirtualBroker(make_plane, Limits(ping_interval=1.0))
    broken, well = server.connect(quiet=True), server.connect(quiet=True)
    send = Connection.send
    monkeypatch.setattr(
        Connection, "send", lambda one, data: fail() if one is broken.connection else send(one, data)
    )

    server.advance(1.2)

    assert (True, b"PING\r\n") == (broken.wire.aborted, well.heard())


def test_a_defect_at_the_end(client: VirtualClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if giving up what a connection held fails, its link ends."""
    monkeypatch.setattr(ClientSession, "closed", fail)

    with pytest.raises(MemoryError):
        client.connection.failed(ValueError("a defect"))
    client.connection.failed(ValueError("another"))

    assert client.wire.aborted


def test_a_wire_that_fails(server: VirtualBroker, client: VirtualClient) -> None:
    """A receiver to which nothing can be written is closed; the publisher and the others go on."""
    broken, well = server.connect(quiet=True), server.connect(quiet=True)
    for one in (broken, well):
        one.send(b"SUB foo 1\r\n")
    broken.wire.write = fail  # type: ignore[method-assign, assignment] # a defect

    heard = client.ask(b"PUB foo 0\r\n\r\nPING\r\n")

    assert (PONG, b"MSG foo 1 0\r\n\r\n", True) == (heard, well.heard(), broken.wire.aborted)


def test_short_reads_of_a_crowded_round_are_handed_over_together(server: VirtualBroker) -> None:
    """Once a round had many reads, what short ones bring goes out at its end, or with that of a long one."""
    client, service = server.connect(quiet=True), server.connect(quiet=True)
    service.send(b"SUB a 1\r\n")
    service.heard()
    for _ in range(SAMPLE + CROWD):
        client.wire.feed(b"PUB a 1\r\nx\r\n")
    server.settle()
    service.heard()

    client.wire.feed(b"PUB a 1\r\ny\r\n")
    before = service.heard()
    server.settle()
    after = service.heard()
    client.wire.feed(b"PUB a 1\r\nz\r\n")
    client.wire.feed(b"PUB a 1100\r\n%b\r\n" % (1100 * b"x"))

    assert SHORT_READ < 1100
    assert (b"", b"MSG a 1 1\r\ny\r\n") == (before, after)
    assert service.heard().startswith(b"MSG a 1 1\r\nz\r\nMSG a 1 1100\r\n")
