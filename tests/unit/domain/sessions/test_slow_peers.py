"""Receivers that are too slow: counted, and remembered with what they had pending by subject."""

from collections.abc import Generator, Sequence

import pytest

from app.domain.dataplane.seam import MakePlane
from app.domain.dataplane.unsent import UnsentFlush
from app.domain.events import ServerFailure
from app.domain.limits import Limits
from app.domain.monitoring.view import LiveView
from app.domain.pending_subjects import PendingSubjects
from app.domain.sessions import slow_peers
from app.domain.sessions.slow_peers import MOST_WAITING, STEP_SECONDS
from app.domain.slow_receivers import SlowAction, SlowReceiver
from tests.fakes.event_log import RecordingEventLog
from tests.support.virtual_broker import VirtualBroker, VirtualClient

LIMITS = Limits(max_payload=1000, max_pending=100_000, write_deadline=1.0)


def stalled(server: VirtualBroker, *subjects: str) -> VirtualClient:
    """A client that listens to these, and reads nothing."""
    client = server.connect(quiet=True)
    client.send("".join(f"SUB {subject} {sid}\r\n" for sid, subject in enumerate(subjects, 1)).encode())
    client.wire.stall()
    return client


def flood(server: VirtualBroker, subjects: Sequence[str], times: int = 60) -> None:
    """Publish a kilobyte on each, and again, as far as there is room."""
    publisher = server.connect(quiet=True)
    for _ in range(times):
        for subject in subjects:
            publisher.send(b"PUB %b 1000\r\n%b\r\n" % (subject.encode(), bytes(1000)))


def actions(server: VirtualBroker) -> list[SlowReceiver]:
    """Those that were noted, in order, as readers of monitoring see them."""
    return list(LiveView(server.broker).slow_receivers())


def test_a_receiver_that_is_cut(make_plane: MakePlane) -> None:
    """It is remembered with the subjects of what it had pending, when and why; those it was held for too."""
    server = VirtualBroker(make_plane, LIMITS)
    receiver = stalled(server, "a", "b.*")
    flood(server, ["a", "b.c", "b.c"])
    server.advance(5.0)
    *_, record = actions(server)
    found = record.backlog.found

    assert (SlowAction.CUT, receiver.connection.cid) == (record.action, record.number)
    assert record.since is not None
    assert record.reason
    assert [b"b.c", b"a"] == [each.subject for each in found.subjects]
    assert found.subjects[0].messages >= 2 * found.subjects[1].messages - 2
    assert found.subjects[0].size >= 1000 * found.subjects[0].messages
    assert sum(each.messages for each in found.subjects) == found.messages
    assert 0.7 * record.pending_bytes < found.size <= record.pending_bytes
    assert record.backlog.is_counted
    assert (1, 0, 1) == (
        server.broker.slow.closed,
        server.broker.slow.closed_routes,
        len(server.broker.slow.records),
    )


def test_a_receiver_that_others_wait_for(make_plane: MakePlane) -> None:
    """It is remembered before it is closed, while it takes a little."""
    server = VirtualBroker(make_plane, LIMITS)
    receiver = stalled(server, "a")
    flood(server, ["a"], 120)
    for _ in range(20):
        receiver.wire.pass_on(500)
        server.advance(0.1)
    held = actions(server)[0]

    assert (SlowAction.HELD, 1) == (held.action, held.publishers)
    assert [b"a"] == [each.subject for each in held.backlog.found.subjects]


def test_of_what_was_pending_before_nothing_is_known(make_plane: MakePlane) -> None:
    """A receiver that is cut with little pending has no subjects."""
    server = VirtualBroker(make_plane)
    client = server.connect(quiet=True)
    client.connection.abort_slow("why")
    (record,) = actions(server)

    assert (True, ()) == (record.backlog.is_counted, record.backlog.found.subjects)


def test_counting_waits_its_turn(make_plane: MakePlane) -> None:
    """One after the other, with pauses; where too many wait the last are not counted."""
    server = VirtualBroker(make_plane, LIMITS)
    clients = [stalled(server, "a") for _ in range(MOST_WAITING + 3)]
    flood(server, ["a"], 40)
    for client in clients:
        client.connection.abort_slow("why")
    known = [record.backlog.is_counted for record in actions(server)]
    server.advance(STEP_SECONDS * 1.5)
    later = [record.backlog.is_counted for record in actions(server)]
    server.advance(1.0)

    assert [False] * (MOST_WAITING + 1) + [True, True] == known
    assert later[0]
    assert not later[1]
    assert all(record.backlog.is_counted for record in actions(server))
    assert [True] * (MOST_WAITING + 1) + [False] * 2 == [
        bool(record.backlog.found.messages) for record in actions(server)
    ]


def test_a_defect_of_counting(make_plane: MakePlane, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is logged, and the next one is counted."""

    def fails(_flushes: Sequence[UnsentFlush]) -> Generator[None, None, PendingSubjects]:
        yield
        raise ZeroDivisionError

    log = RecordingEventLog(debug=False, trace=False)
    server = VirtualBroker(make_plane, LIMITS, events=log)
    clients = [stalled(server, "a") for _ in range(2)]
    flood(server, ["a"], 40)
    monkeypatch.setattr(slow_peers, "count_pending", fails)
    clients[0].connection.abort_slow("why")
    monkeypatch.undo()
    clients[1].connection.abort_slow("why")
    server.advance(1.0)
    first, second = actions(server)

    assert 1 == len(log.of(ServerFailure))
    assert (0, True) == (first.backlog.found.messages, first.backlog.is_counted)
    assert second.backlog.found.messages
