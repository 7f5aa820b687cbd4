"""Senders of trace events, over both twins."""

import pytest

from app.domain.dataplane.seam import MakePlane
from app.domain.limits import Limits
from app.domain.sessions import trace_senders
from app.domain.sessions.trace_senders import MOST_WAITING, TraceSenders
from tests.support.hooked_broker import HookedBroker
from tests.support.virtual_broker import VirtualClient

SIZE = 300_000
EVENT = SIZE * b"x"


@pytest.fixture(name="server")
def _server(make_plane: MakePlane) -> HookedBroker:
    return HookedBroker(make_plane, limits=Limits(slow_consumer="hold", write_deadline=1000.0))


def play(server: HookedBroker) -> tuple[VirtualClient, VirtualClient]:
    """A reader that takes nothing, with more for it than may wait, and one that reads what comes later."""
    senders = TraceSenders(server.broker, server.broker.adopt)
    slow, quick = server.client(b"s", b"SUB slow 1\r\n"), server.client(b"q", b"SUB quick.* 1\r\n")
    slow.wire.stall()
    for _ in range(20):
        senders.send(b"slow", EVENT, b"")
        server.settle()
    for number in range(20):
        senders.send(b"quick.%d" % (number % 2), b"<%d>" % number, b"")
    server.settle()
    return slow, quick


def test_a_slow_reader_costs_others_no_events(server: HookedBroker) -> None:
    """What exceeds the bound of its destination is lost; all that is for others comes, in order."""
    slow, quick = play(server)

    heard = quick.heard()
    places = [heard.find(b"<%d>" % number) for number in range(20)]
    assert -1 not in places
    assert sorted(places[::2]) == places[::2]
    slow.wire.pass_on()
    server.settle()
    assert MOST_WAITING // len(EVENT) < slow.heard().count(EVENT) < 20


def test_senders_are_bounded(server: HookedBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are as many as there may be, events share one with others that wait."""
    monkeypatch.setattr(trace_senders, "MOST_SENDERS", 1)
    slow, quick = play(server)

    assert b"" == quick.heard()
    slow.wire.pass_on()
    server.settle()
    assert 20 == quick.heard().count(b"<")


def test_destinations_of_lost_events_are_not_kept(
    server: HookedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as a slow reader holds the last sender, each event may have a destination of its own."""
    monkeypatch.setattr(trace_senders, "MOST_SENDERS", 1)
    senders = TraceSenders(server.broker, server.broker.adopt)
    slow = server.client(b"s", b"SUB slow 1\r\n")
    slow.wire.stall()
    for _ in range(20):
        senders.send(b"slow", EVENT, b"")
        server.settle()
    for number in range(100):
        senders.send(b"inbox.%d" % number, EVENT, b"")

    assert senders.destinations < 10


def test_a_sender_that_is_idle_is_used_again(server: HookedBroker) -> None:
    """One after the other, events need no more than one."""
    senders = TraceSenders(server.broker, server.broker.adopt)
    reader = server.client(b"r", b"SUB > 1\r\n")
    before = len(server.broker.sessions_of_clients())
    for destination in (b"a", b"b", b"a"):
        senders.send(destination, b"x", b"NATS/1.0\r\n\r\n")
        server.settle()

    assert 3 == reader.heard().count(b"HMSG")
    assert 1 == len(server.broker.sessions_of_clients()) - before


def test_a_destination_that_had_another_sender_before(server: HookedBroker) -> None:
    """What exceeds its bound is lost, and overtakes nothing, also when that sender is used for others."""
    senders = TraceSenders(server.broker, server.broker.adopt)
    first, second = server.client(b"a", b"SUB a 1\r\n"), server.client(b"b", b"SUB b 1\r\n")
    for slow, destination in ((first, b"a"), (second, b"b")):
        slow.wire.stall()
        for _ in range(20):
            senders.send(destination, EVENT, b"")
            server.settle()
        if slow is first:
            senders.send(b"b", b"", b"")  # by a second sender, which is idle again
            server.settle()
            slow.wire.pass_on()
            server.settle()
    senders.send(b"c", b"", b"")  # by that second sender
    server.settle()
    senders.send(b"b", EVENT + b"late", b"")
    server.settle()
    second.wire.pass_on()
    server.settle()

    heard = second.heard()
    assert EVENT in heard
    assert b"late" not in heard


def test_destinations_are_bounded(server: HookedBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where more than may share a sender wait for it, the events of those that come later are lost."""
    monkeypatch.setattr(trace_senders, "MOST_SENDERS", 1)
    monkeypatch.setattr(trace_senders, "MOST_SHARING", 3)
    senders = TraceSenders(server.broker, server.broker.adopt)
    slow, quick = server.client(b"s", b"SUB slow 1\r\n"), server.client(b"q", b"SUB quick.* 1\r\n")
    slow.wire.stall()
    for _ in range(5):
        senders.send(b"slow", EVENT, b"")
        server.settle()
    for number in range(6):
        senders.send(b"quick.%d" % (number // 2), b"<%d>" % number, b"")
    slow.wire.pass_on()
    server.settle()

    assert 4 == quick.heard().count(b"<")
