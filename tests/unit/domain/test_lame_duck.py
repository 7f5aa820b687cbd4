"""Lame duck mode: who learns of it, and when each client is closed."""

import json

import pytest

from app.domain.cluster.events import RouteLeaving
from app.domain.cluster.settings import ClusterSettings
from app.domain.dataplane.seam import MakePlane
from app.domain.events import LameDuckClosing, LameDuckEntered
from app.domain.lame_duck import LameDuckFacts, LameDuckTerms
from app.domain.monitoring.facts import Health
from app.domain.monitoring.view import LiveView
from app.domain.protocol.compatibility import Compatibility
from tests.fakes.event_log import RecordingEventLog
from tests.support.virtual_broker import BrokerSetup, VirtualBroker, VirtualClient
from tests.support.virtual_cluster import SMALLER_ID, RoutedBroker, info_line

ASYNC = b'CONNECT {"verbose":false,"protocol":1}\r\nPING\r\n'
TERMS = LameDuckTerms(duration=30.0, grace=10.0)
PONG = b"PONG\r\n"


class Done:
    """Whether lame duck mode is over, and how often that was said."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> None:
        """It is over."""
        self.calls += 1


@pytest.fixture(name="events")
def _events() -> RecordingEventLog:
    return RecordingEventLog(debug=False, trace=False)


@pytest.fixture(name="server")
def _server(make_plane: MakePlane, events: RecordingEventLog) -> VirtualBroker:
    server = VirtualBroker(make_plane, events=events, setup=BrokerSetup(compatibility=Compatibility.CURRENT))
    server.broker.listening_on(4222, ())
    return server


def connected(server: VirtualBroker, count: int) -> list[VirtualClient]:
    """Clients that take INFO at any time."""
    clients = [server.connect() for _ in range(count)]
    for client in clients:
        assert client.ask(ASYNC).startswith(PONG)
    return clients


def info_of(heard: bytes) -> dict[str, object]:
    """The only INFO among the lines."""
    (line,) = [line for line in heard.split(b"\r\n") if line.startswith(b"INFO ")]
    fields: dict[str, object] = json.loads(line[5:])
    return fields


def here(clients: list[VirtualClient]) -> int:
    """How many are connected."""
    return sum(not client.connection.closed for client in clients)


def test_nobody_is_closed_in_the_grace_period(server: VirtualBroker, events: RecordingEventLog) -> None:
    """Each client learns of it at once and may stay; the server is not ready any more."""
    (client,) = connected(server, 1)
    view, done = LiveView(server.broker), Done()
    assert Health(serving=True, ready=True) == view.health()

    began = server.clock.monotonic()
    server.broker.lame_duck(TERMS, done)

    assert info_of(client.heard())["ldm"] is True
    assert Health(serving=False, ready=False) == view.health()
    assert LameDuckFacts(began, began + 30.0) == view.server().lame_duck
    server.advance(9.9)
    assert 1 == here([client])
    assert client.ask(b"PING\r\n").endswith(PONG)
    assert [LameDuckEntered] == [type(event) for event in events.events]
    assert 0 == done.calls


@pytest.mark.parametrize(("count", "interval"), [(2, 1.0), (20, 1.0), (40, 0.5)])
def test_clients_are_closed_evenly(
    server: VirtualBroker, events: RecordingEventLog, count: int, interval: float
) -> None:
    """They end one after the other until the duration is over, and never more than a second apart."""
    clients, done = connected(server, count), Done()
    server.broker.lame_duck(TERMS, done)
    server.advance(10.0)
    assert LameDuckClosing(None, count) == events.events[-1]

    left = [here(clients)]
    while not done.calls:
        server.advance(0.5)
        left.append(here(clients))

    ends = [count - min(count, int(step * 0.5 / interval) + 1) for step in range(len(left))]
    assert all(abs(one - other) <= 1 for one, other in zip(left, ends, strict=True))
    assert 0 == left[-1]
    assert server.clock.monotonic() <= server.broker.started + 30.5
    assert 1 == done.calls


def test_several_are_closed_at_a_time(server: VirtualBroker) -> None:
    """With many clients there is no timer for each."""
    clients, done = connected(server, 500), Done()
    server.broker.lame_duck(LameDuckTerms(2.0, 1.0), done)
    server.advance(1.5)
    assert 245 <= here(clients) <= 255
    server.advance(0.55)

    assert (0, 1) == (here(clients), done.calls)


def test_a_client_gets_what_is_pending(server: VirtualBroker) -> None:
    """The connection ends after the last message for it, with the reason that monitoring shows."""
    (client,) = connected(server, 1)
    client.send(b"SUB a 1\r\n")
    server.broker.lame_duck(LameDuckTerms(30.0, 0.0), Done())
    server.settle()

    assert client.wire.is_over
    (closed,) = server.broker.history.closed.all()
    assert "Server Shutdown" == closed.reason.value


def test_it_is_over_without_clients(server: VirtualBroker) -> None:
    """A server without clients need not wait, and one whose clients leave by themselves neither."""
    done = Done()
    server.broker.lame_duck(TERMS, done)
    assert 1 == done.calls

    second = Done()
    server.broker.lame_duck(TERMS, second)
    assert (1, 1) == (done.calls, second.calls)


def test_clients_that_leave_by_themselves(server: VirtualBroker) -> None:
    """It ends soon after the last one, within the grace period too."""
    (client,) = connected(server, 1)
    done = Done()
    server.broker.lame_duck(TERMS, done)
    client.leave()
    server.advance(0.3)

    assert 1 == done.calls


def test_a_client_whose_handshake_was_under_way(server: VirtualBroker) -> None:
    """It learns of the mode with its first INFO, and is closed like the others."""
    clients, done = connected(server, 2), Done()
    server.broker.lame_duck(TERMS, done)
    server.advance(10.5)
    late = server.accept()
    assert info_of(late.heard())["ldm"] is True
    server.advance(2.0)

    assert (0, 1) == (here([*clients, late]), done.calls)


def test_a_stop_ends_it(server: VirtualBroker) -> None:
    """Lame duck mode is over when the server stops, and it does not begin again."""
    connected(server, 3)
    done, stopped = Done(), Done()
    server.broker.lame_duck(TERMS, done)
    server.broker.shutdown(stopped)
    server.advance(60.0)

    assert (1, 1) == (done.calls, stopped.calls)
    third = Done()
    server.broker.lame_duck(TERMS, third)
    assert 1 == third.calls


def test_gnatsds_clients_learn_of_it(make_plane: MakePlane) -> None:
    """The key is sent to clients of the old wire too, if they take INFO."""
    server = VirtualBroker(make_plane)
    (client,) = connected(server, 1)
    server.broker.lame_duck(TERMS, Done())

    assert info_of(client.heard())["ldm"] is True


def test_other_servers_learn_of_it(make_plane: MakePlane, events: RecordingEventLog) -> None:
    """They get an INFO without our addresses; a gnatsd, which would end the route for it, gets none."""
    server = RoutedBroker(make_plane, ClusterSettings(host="10.0.0.1", port=6222), events=events)
    server.broker.listening_on(4222, ("10.0.0.1:4222",))
    ours, gnatsd = server.called(), server.called()
    ours.introduce(SMALLER_ID, sends_on=True, connect_urls=["10.0.0.2:4222"])
    gnatsd.introduce("B" * 22, 7333)
    (client,) = connected(server, 1)
    server.advance(1.0)
    for peer in (ours, gnatsd, client):
        peer.heard()

    server.broker.lame_duck(TERMS, Done())
    server.settle()

    line = info_of(ours.heard())
    assert line["ldm"] is True
    assert "connect_urls" not in line
    assert b"INFO" not in gnatsd.heard()
    assert ["10.0.0.2:4222"] == info_of(client.heard())["connect_urls"]


def test_the_log_of_another_server(make_plane: MakePlane, events: RecordingEventLog) -> None:
    """It says once that a peer has entered lame duck mode."""
    server = RoutedBroker(make_plane, events=events)
    peer = server.called()
    peer.introduce(SMALLER_ID, server_name="n1")
    for _ in range(2):
        peer.send(info_line(SMALLER_ID, server_name="n1", ldm=True))

    assert ["n1"] == [event.server for event in events.events if isinstance(event, RouteLeaving)]
