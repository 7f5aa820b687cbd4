"""The broker: who is let in, what is due when, how it ends, and its figures."""

import gc
import json
import weakref
from dataclasses import replace

import pytest

from app.domain.broker import FLUSH_SECONDS
from app.domain.dataplane.seam import MakePlane
from app.domain.events import (
    AuthorizationTimedOut,
    ClientConnected,
    ConnectionsExceeded,
    PingTimerFired,
    ServerFailure,
    StaleConnection,
)
from app.domain.fair_queue import ROUND, SLICE
from app.domain.interest.index import IndexStats
from app.domain.interest.subscription import Subscription
from app.domain.limits import VERDICT_SECONDS, Limits
from app.domain.sessions.closing import REMOVED_AT_ONCE
from app.domain.stats import Traffic
from app.domain.timers import SLACK
from tests.fakes.authenticator import ManualAuthenticator
from tests.fakes.clock import TickingClock
from tests.fakes.event_log import RecordingEventLog
from tests.support.broker_stats import stats_of
from tests.support.virtual_broker import INFO, BrokerSetup, VirtualBroker, VirtualClient

PING = b"PING\r\n"
PONG = b"PONG\r\n"
STALE = b"-ERR 'Stale Connection'\r\n"
TOO_LATE = b"-ERR 'Authorization Timeout'\r\n"
TOO_MANY = b"-ERR 'Maximum Connections Exceeded'\r\n"
LOGIN = b'CONNECT {"verbose":false}\r\n'


@pytest.fixture(name="events")
def _events() -> RecordingEventLog:
    return RecordingEventLog()


@pytest.fixture(name="server")
def _server(make_plane: MakePlane, events: RecordingEventLog) -> VirtualBroker:
    return VirtualBroker(make_plane, events=events)


@pytest.fixture(name="gatekeeper")
def _gatekeeper() -> ManualAuthenticator:
    return ManualAuthenticator()


@pytest.fixture(name="guarded")
def _guarded(
    make_plane: MakePlane, events: RecordingEventLog, gatekeeper: ManualAuthenticator
) -> VirtualBroker:
    """A broker that wants a login within a second."""
    return VirtualBroker(make_plane, events=events, gatekeeper=gatekeeper)


def publish(subject: bytes, times: int = 1) -> bytes:
    """Empty messages."""
    return times * (b"PUB " + subject + b" 0\r\n\r\n")


# --- who is let in ---------------------------------------------------------------------


def test_the_greeting(server: VirtualBroker, events: RecordingEventLog) -> None:
    """A client hears INFO first, at once and by itself, and its coming is logged."""
    client = server.accept()

    assert [INFO.line()] == client.wire.writes
    assert [ClientConnected(client.connection.link)] == events.events
    assert "Client connection created" == events.texts()[0]


def test_the_port_of_the_greeting(server: VirtualBroker) -> None:
    """INFO has the real port as soon as it is known."""
    server.broker.listening_on(5222)

    greeting = server.accept().heard()

    assert {**json.loads(INFO.line()[5:]), "port": 5222} == json.loads(greeting[5:])
    assert replace(INFO, port=5222) == server.broker.greeting.info


def test_clients_are_numbered(server: VirtualBroker) -> None:
    """Each client gets the next number, from 1 on; numbers are never used again."""
    first, second = server.connect(), server.connect()
    first.leave()
    third = server.connect()

    assert [1, 2, 3] == [client.connection.cid for client in (first, second, third)]
    assert [2, 3] == list(server.broker.connections)


def test_connections_by_number(server: VirtualBroker) -> None:
    """Of clients with a wire and without; there is none for other numbers."""
    client, local = server.connect(), server.broker.connect_local("x")
    numbers = client.connection.cid, local.connection.cid

    assert [client.connection, local.connection] == [server.broker.connection_of(one) for one in numbers]
    assert server.broker.connection_of(99) is None


def test_wires_are_counted(server: VirtualBroker) -> None:
    """A wire counts from when it is accepted until it is lost, even if its client is closed before."""
    first, second = server.connect(), server.connect()
    counts = [server.broker.wires]

    first.connection.close()
    counts.append(server.broker.wires)
    first.leave()
    second.leave()
    counts.append(server.broker.wires)

    assert [2, 2, 0] == counts


def test_as_many_clients_as_allowed(make_plane: MakePlane, events: RecordingEventLog) -> None:
    """One client too many hears INFO and why it cannot stay; when one leaves there is room again."""
    server = VirtualBroker(make_plane, Limits(max_connections=2), events=events)
    first, _second = server.connect(), server.connect()

    refused = server.accept()
    heard = (refused.heard(), refused.wire.closed)
    refused.leave()
    first.leave()
    welcome = server.connect()

    assert (INFO.line() + TOO_MANY, True) == heard
    assert [(3, 2)] == [
        (fact.link.number, fact.limit) for fact in events.of(ConnectionsExceeded) if fact.link
    ]
    assert "Maximum Connections Exceeded: 2" in events.texts()
    assert PONG == welcome.ask(PING)
    assert (2, 4) == (stats_of(server.broker).connections, stats_of(server.broker).total_connections)


# --- pings -----------------------------------------------------------------------------


def test_no_time_runs_for_a_link_that_is_not_open(guarded: VirtualBroker) -> None:
    """A client whose link may carry no traffic yet is neither pinged nor asked to hurry with its login."""
    client = guarded.accept(opened=False)

    guarded.advance(1000.0)
    heard_before = client.heard()
    client.connection.opened()
    guarded.advance(1.0)

    assert INFO.line() == heard_before
    assert TOO_LATE == client.heard()


def test_pings_start_with_the_open_link(server: VirtualBroker) -> None:
    """The first ping comes one interval after the link was opened."""
    client = server.accept(opened=False)
    client.heard()
    server.advance(60.0)

    client.connection.opened()
    server.advance(119.0)
    heard = [client.heard()]
    server.advance(1.0)
    heard.append(client.heard())

    assert [b"", PING] == heard


def test_pings_and_their_end(server: VirtualBroker, events: RecordingEventLog) -> None:
    """A silent client is pinged after two and four minutes, and closed after six."""
    client = server.connect()
    heard = []

    for seconds in (119.0, 1.0, 119.0, 1.0, 119.0, 1.0):
        server.advance(seconds)
        heard.append(client.heard())

    assert [b"", PING, b"", PING, b"", STALE] == heard
    assert client.wire.closed
    assert 3 == len(events.of(PingTimerFired))
    assert [StaleConnection(client.connection.link)] == events.of(StaleConnection)
    assert "Stale Client Connection - Closing" in events.texts()


def test_answered_pings(server: VirtualBroker) -> None:
    """A client that answers its pings is pinged for ever."""
    client = server.connect()

    for _ in range(10):
        server.advance(120.0 + SLACK)
        assert PING == client.ask(PONG)


def test_only_pong_is_an_answer(server: VirtualBroker) -> None:
    """Other traffic does not show that a client reads."""
    client = server.connect(quiet=True)

    for _ in range(3):
        server.advance(120.0 + SLACK)
        client.send(PING + publish(b"a"))

    assert client.wire.closed


def test_one_answer_answers_them_all(server: VirtualBroker) -> None:
    """A PONG makes up for all pings before it."""
    client = server.connect()

    server.advance(250.0)
    client.send(PONG)
    server.advance(250.0)

    assert not client.wire.closed
    assert 4 * PING == client.heard()


def test_pings_are_each_clients_own(server: VirtualBroker) -> None:
    """Each client is pinged two minutes after it came."""
    first = server.connect()
    server.advance(60.0)
    second = server.connect()

    server.advance(60.0 + SLACK)

    assert (PING, b"") == (first.heard(), second.heard())


def test_other_intervals(make_plane: MakePlane) -> None:
    """Interval and patience are the limits'."""
    server = VirtualBroker(make_plane, Limits(ping_interval=10.0, ping_max=0))
    client = server.connect()

    server.advance(10.0 + SLACK)

    assert STALE == client.heard()


def test_traced_pings(server: VirtualBroker, events: RecordingEventLog) -> None:
    """Our pings are traced too."""
    server.connect()
    events.events.clear()

    server.advance(120.0 + SLACK)

    assert ["Client Ping Timer", "<<- [PING]"] == events.texts()


def test_a_ping_that_is_too_much(make_plane: MakePlane) -> None:
    """A client that a ping brings over its limit is cut, and pinged no more."""
    server = VirtualBroker(make_plane, Limits(max_pending=3))
    client = server.connect()
    client.wire.stall()

    server.advance(120.0 + SLACK)

    assert client.wire.aborted
    assert 0 == server.clock.timers_outstanding


def test_nothing_is_due_for_the_departed(server: VirtualBroker) -> None:
    """With the last client the last timer ends."""
    clients = [server.connect() for _ in range(3)]

    clients[0].leave()
    clients[1].connection.close()
    clients[2].send(b"ZZZ\r\n")

    assert 0 == server.clock.timers_outstanding


# --- logins ----------------------------------------------------------------------------


def test_a_login_in_time(guarded: VirtualBroker, gatekeeper: ManualAuthenticator) -> None:
    """From the complete CONNECT on, its verdict has a time of its own."""
    client = guarded.connect()

    guarded.advance(0.9)
    client.send(LOGIN)
    guarded.advance(VERDICT_SECONDS - 0.1)
    gatekeeper.admit()

    assert PONG == client.ask(PING)


def test_a_login_that_does_not_come(guarded: VirtualBroker, events: RecordingEventLog) -> None:
    """A client that says nothing hears that it is too late, and is closed."""
    client = guarded.connect()

    guarded.advance(0.9)
    early = client.heard()
    guarded.advance(0.1 + SLACK)

    assert (b"", TOO_LATE, True) == (early, client.heard(), client.wire.closed)
    assert [AuthorizationTimedOut(client.connection.link)] == events.of(AuthorizationTimedOut)
    assert "Authorization Timeout" in events.texts()


def test_a_login_that_dribbles_in(guarded: VirtualBroker) -> None:
    """Bytes of an incomplete CONNECT buy no time."""
    client = guarded.connect()

    for byte in (b"C", b"O", b"N", b"N", b"E", b"C", b"T", b" "):
        client.send(byte)
        guarded.advance(0.15)

    assert TOO_LATE == client.heard()


def test_another_time_to_log_in(make_plane: MakePlane) -> None:
    """How long a login may take is a limit like others."""
    server = VirtualBroker(make_plane, Limits(auth_timeout=0.25), gatekeeper=ManualAuthenticator())
    client = server.connect()

    server.advance(0.25 + SLACK)

    assert TOO_LATE == client.heard()


def test_no_login_of_the_departed(guarded: VirtualBroker, events: RecordingEventLog) -> None:
    """A client that leaves before its login gets no timeout error, and the log gets none either."""
    clients = [guarded.connect() for _ in range(3)]

    clients[0].leave()
    clients[1].connection.close()
    clients[2].send(PING)
    timers = guarded.clock.timers_outstanding
    guarded.advance(5.0)

    assert (0, []) == (timers, events.of(AuthorizationTimedOut))


def test_no_login_without_credentials(server: VirtualBroker) -> None:
    """Where no credentials are required there is no time limit for CONNECT."""
    client = server.connect()

    server.advance(60.0)

    assert not client.wire.closed


# --- subscriptions of the departed --------------------------------------------------------


def subscribe_many(client: VirtualClient, count: int) -> None:
    """Subscribe that often, to subjects of their own."""
    client.send(b"".join(b"SUB s.%d.%d %d\r\n" % (client.connection.cid, i, i) for i in range(count)))


def left(server: VirtualBroker) -> int:
    """Subscriptions in the index."""
    return stats_of(server.broker).subscriptions.num_subscriptions


@pytest.mark.parametrize("count", [0, 1, REMOVED_AT_ONCE])
def test_few_subscriptions_go_at_once(server: VirtualBroker, count: int) -> None:
    """A client with few subscriptions takes them along."""
    client = server.connect(quiet=True)
    subscribe_many(client, count)

    client.connection.close()

    assert (0, 0) == (left(server), server.clock.calls_pending)
    assert count == stats_of(server.broker).subscriptions.num_removes


def test_many_subscriptions_go_in_slices(make_plane: MakePlane) -> None:
    """More are removed until the time of a turn is used up, with others served in between."""
    clock = TickingClock()
    server = VirtualBroker(make_plane, setup=BrokerSetup(clock=clock))
    client, other = server.connect(quiet=True), server.connect(quiet=True)
    subscribe_many(client, 2 * REMOVED_AT_ONCE + 1)
    seen: list[tuple[int, bytes]] = []

    def look() -> None:
        other.wire.feed(PING)
        seen.append((left(server), other.heard()))
        if left(server):
            server.clock.call_soon(look)

    client.connection.close()
    clock.pace = SLICE
    server.clock.call_soon(look)
    server.clock.run_pending()

    assert [(REMOVED_AT_ONCE + 1, PONG), (1, PONG), (0, PONG)] == seen


def test_few_subscriptions_wait_in_a_crowded_round(make_plane: MakePlane) -> None:
    """When many leave at once, those with few subscriptions are removed in turns too."""
    clock = TickingClock()
    server = VirtualBroker(make_plane, setup=BrokerSetup(clock=clock))
    clients = [server.connect(quiet=True) for _ in range(10)]
    for client in clients:
        subscribe_many(client, 1)

    clock.pace = ROUND / 4
    for client in clients:
        client.connection.close()
    waiting = left(server)
    server.clock.run_pending()

    assert (5, 0) == (waiting, left(server))


def test_a_defect_while_subscriptions_are_removed(server: VirtualBroker, events: RecordingEventLog) -> None:
    """It is reported, and the rest is removed all the same."""
    client = server.connect(quiet=True)
    subscribe_many(client, 3 * REMOVED_AT_ONCE)
    remove, calls = server.broker.interest.remove, []

    def stumble(subscription: Subscription) -> None:
        calls.append(subscription)
        remove(subscription)
        if len(calls) == 5:
            raise MemoryError

    server.broker.interest.remove = stumble  # type: ignore[method-assign] # a defect
    client.connection.close()
    server.settle()

    assert 0 == left(server)
    [failure] = events.of(ServerFailure)
    assert failure.text().startswith("Internal error, the server continues: MemoryError at test_broker.py:")


def test_subscriptions_that_wait_to_be_removed_get_nothing(server: VirtualBroker) -> None:
    """Subscriptions that wait to be removed take no messages."""
    client, other = server.connect(quiet=True), server.connect(quiet=True)
    subscribe_many(client, 2 * REMOVED_AT_ONCE)

    client.connection.close()
    other.wire.feed(publish(b"s.1.%d" % (2 * REMOVED_AT_ONCE - 1)) + PING)

    assert (PONG, 0) == (other.heard(), stats_of(server.broker).traffic.out_msgs)


def test_no_turn_is_lost_to_members_that_left(server: VirtualBroker) -> None:
    """The member of a group that is left gets every message, though thousands wait to be removed."""
    client, other = server.connect(quiet=True), server.connect(quiet=True)
    lines = [b"SUB work group %d\r\n" % n for n in range(2 * REMOVED_AT_ONCE)]
    client.send(b"".join(lines))
    other.send(b"SUB work group 1\r\nSUB lonely alone 2\r\n")
    other.ask(publish(b"work"))

    client.connection.close()
    other.wire.feed(10 * publish(b"work"))

    assert 10 * b"MSG work 1 0\r\n\r\n" == other.heard()


def test_removals_follow_each_other(server: VirtualBroker) -> None:
    """Clients that leave during a removal have theirs removed after it, however few they are."""
    first, second, third = (server.connect(quiet=True) for _ in range(3))
    subscribe_many(first, 2 * REMOVED_AT_ONCE)
    subscribe_many(second, 5)
    subscribe_many(third, 2 * REMOVED_AT_ONCE)

    for client in (first, second, third):
        client.connection.close()
    waiting = left(server)
    server.settle()

    assert (4 * REMOVED_AT_ONCE + 5, 0) == (waiting, left(server))


# --- the end ---------------------------------------------------------------------------


class Ending:
    """Shuts a broker down, and knows whether that is done."""

    def __init__(self, server: VirtualBroker) -> None:
        self.done = 0
        server.broker.shutdown(self._finish)

    def _finish(self) -> None:
        self.done += 1


def test_shutdown_without_clients(server: VirtualBroker) -> None:
    """With nobody there it is done at once."""
    assert 1 == Ending(server).done


def test_shutdown_closes_all(server: VirtualBroker) -> None:
    """All clients are closed in good order, without a farewell, and nothing is left due."""
    clients = [server.connect() for _ in range(3)]

    ending = Ending(server)

    assert 1 == ending.done
    assert [(b"", True, False)] * 3 == [(c.heard(), c.wire.closed, c.wire.aborted) for c in clients]
    assert ({}, 0) == (server.broker.connections, server.clock.timers_outstanding)


def test_shutdown_waits_for_what_is_pending(server: VirtualBroker) -> None:
    """A client that still reads gets all that was meant for it; nobody is read meanwhile."""
    reader, writer = server.connect(quiet=True), server.connect(quiet=True)
    reader.send(b"SUB a 1\r\n")
    reader.wire.stall()
    writer.send(publish(b"a"))

    ending = Ending(server)
    writer.send(publish(b"a"))
    server.advance(1.0)
    waiting = (ending.done, reader.wire.is_over, writer.wire.unread > 0)
    reader.wire.pass_on()
    server.advance(0.1)

    assert (0, False, True) == waiting
    assert (1, True, False) == (ending.done, reader.wire.closed, reader.wire.aborted)
    assert (b"MSG a 1 0\r\n\r\n", True) == (reader.heard(), writer.wire.closed)


def test_shutdown_sends_what_was_not_flushed(server: VirtualBroker) -> None:
    """What waits for a flush is flushed."""
    client = server.connect()
    client.connection.outbox.send(b"wait")

    Ending(server)

    assert b"wait" == client.heard()


def test_shutdown_does_not_wait_for_ever(server: VirtualBroker) -> None:
    """Who has not taken its data after the time set is cut off; the others are closed in good order."""
    stuck, well = server.connect(quiet=True), server.connect(quiet=True)
    stuck.wire.stall()
    stuck.send(PING)

    ending = Ending(server)
    server.advance(FLUSH_SECONDS - 0.1)
    before = ending.done
    server.advance(0.2)

    assert (0, 1) == (before, ending.done)
    assert (True, True) == (stuck.wire.aborted, well.wire.closed)


def test_shutdown_with_a_verdict_under_way(guarded: VirtualBroker, gatekeeper: ManualAuthenticator) -> None:
    """A verdict that comes while the server ends lets nobody start to work."""
    client, stuck = guarded.connect(), guarded.connect()
    client.send(LOGIN + PING)
    stuck.wire.stall()
    stuck.connection.outbox.send(b"wait")

    Ending(guarded)
    gatekeeper.admit()
    guarded.advance(0.1)

    assert b"" == client.heard()


def test_shutdown_while_a_client_leaves(server: VirtualBroker) -> None:
    """A client that goes while we wait for it is waited for no longer."""
    client = server.connect()
    client.wire.stall()
    client.connection.send(b"wait")

    ending = Ending(server)
    client.leave()
    server.advance(0.1)

    assert 1 == ending.done


def test_the_last_departure(server: VirtualBroker) -> None:
    """Who waits for it is called once, when the last wire is lost, or at once if there is none."""
    clients, called = [server.connect(), server.connect()], list[str]()
    server.broker.when_departed(lambda: called.append("one"))
    server.broker.when_departed(lambda: called.append("other"))

    clients[0].leave()
    before = list(called)
    clients[1].leave()
    server.connect().leave()

    assert ([], ["one", "other"]) == (before, called)
    server.broker.when_departed(lambda: called.append("third"))
    assert "third" == called[-1]


def test_shutdown_looks_often_at_first(server: VirtualBroker) -> None:
    """A client that takes its data within a moment is waited for no longer than that."""
    client = server.connect(quiet=True)
    client.wire.stall()
    client.send(PING)

    ending = Ending(server)
    client.wire.pass_on()
    server.advance(0.001)

    assert 1 == ending.done


# --- figures ---------------------------------------------------------------------------


def index(server: VirtualBroker) -> IndexStats:
    """The figures of ``/subsz``."""
    return stats_of(server.broker).subscriptions


def test_a_fresh_broker(server: VirtualBroker) -> None:
    """All figures begin at 0."""
    stats = stats_of(server.broker)

    assert (0, 0, 0, Traffic(0, 0, 0, 0)) == (
        stats.connections,
        stats.total_connections,
        stats.slow_consumers,
        stats.traffic,
    )
    assert IndexStats(0, 0, 0, 0, 0, 0.0, 0, 0.0, 0) == stats.subscriptions


def test_the_worked_sequence(server: VirtualBroker) -> None:
    """The sequence of subjects-and-routing.md, section 4, but for answers that a change touched: they go."""
    a, b = server.connect(quiet=True), server.connect(quiet=True)

    a.send(publish(b"foo", 10))
    b.send(publish(b"foo", 3))
    assert IndexStats(0, 1, 0, 0, 2, 0.5, 0, 0.0, 0) == index(server)

    a.send(b"SUB foo 1\r\nSUB foo q 2\r\nSUB foo q 3\r\nSUB foo r 4\r\nSUB bar 5\r\n")
    assert IndexStats(5, 0, 5, 0, 2, 0.5, 0, 0.0, 0) == index(server)

    a.send(publish(b"foo", 2))
    assert IndexStats(5, 1, 5, 0, 3, 1 / 3, 3, 3.0, 0) == index(server)

    a.send(publish(b"nope"))
    assert IndexStats(5, 2, 5, 0, 4, 1 / 4, 3, 1.5, 0) == index(server)

    a.send(b"UNSUB 1\r\n")
    assert IndexStats(4, 1, 5, 1, 4, 1 / 4, 0, 0.0, 0) == index(server)

    a.send(b"".join(publish(b"subject%d" % i) for i in range(3000)))
    assert IndexStats(4, 1024, 5, 1, 3004, 1 / 3004, 0, 0.0, 0) == index(server)


def test_what_counts_as_insert_and_remove(server: VirtualBroker) -> None:
    """Refused subjects and sids in use count nothing; each way to go counts once."""
    a, b = server.connect(quiet=True), server.connect(quiet=True)

    a.send(b"SUB foo. 1\r\nSUB foo 1\r\nSUB bar 1\r\nUNSUB 9\r\n")
    a.send(b"SUB x 2\r\nUNSUB 2 1\r\n" + publish(b"x", 2))
    b.send(b"SUB a 1\r\nSUB b.* 2\r\n")
    b.leave()

    assert (1, 4, 3) == (
        index(server).num_subscriptions,
        index(server).num_inserts,
        index(server).num_removes,
    )


def test_traffic_is_payload(server: VirtualBroker) -> None:
    """Messages and payload bytes are counted in and out, for all clients together."""
    a, b = server.connect(quiet=True), server.connect(quiet=True)
    a.send(b"SUB x 1\r\nSUB * 2\r\n")

    b.send(b"PUB x 5\r\nhello\r\nPUB y 2\r\nok\r\nPUB z.z 100\r\n" + 100 * b"z" + b"\r\n")

    assert Traffic(3, 107, 3, 12) == stats_of(server.broker).traffic


def test_clients_now_and_ever(server: VirtualBroker) -> None:
    """Clients that left count among those ever."""
    clients = [server.connect() for _ in range(3)]

    clients[1].leave()

    stats = stats_of(server.broker)
    assert (2, 3) == (stats.connections, stats.total_connections)


def test_a_broker_that_is_dropped(make_plane: MakePlane) -> None:
    """Nothing remains of one that was never shut down, though all kinds of plans were made and used."""
    server = VirtualBroker(make_plane)
    listener, strict = server.connect(quiet=True), server.connect()
    listener.send(b"SUB a.* 1\r\nSUB b 2\r\nSUB b q 3\r\n")
    for publisher in (listener, strict):
        publisher.send(b"".join(publish(subject, 2) for subject in (b"a.b", b"a.c", b"b", b"nobody")))
    broker = weakref.ref(server.broker)

    del server, listener, strict, publisher
    gc.collect()

    assert broker() is None
