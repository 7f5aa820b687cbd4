"""What is remembered of receivers that were too slow."""

from app.domain.dataplane.seam import MakePlane
from app.domain.limits import Limits
from app.domain.slow_receivers import MOST_SUBJECTS, Backlog, SlowAction, SubjectBacklog, backlog_of
from app.domain.view import LiveView
from tests.support.virtual_broker import VirtualBroker


def test_what_has_come_since() -> None:
    """Counts are summed by subject, those that grew most first; what has gone is left out."""
    before = {b"1": (b"a", 5), b"2": (b"b", 1), b"3": (b"c", 9)}
    now = {b"1": (b"a", 7), b"2": (b"b", 1), b"4": (b"a", 1), b"5": (b"d", 9)}

    found = (SubjectBacklog(b"d", 9, 9), SubjectBacklog(b"a", 8, 3), SubjectBacklog(b"b", 1, 0))
    assert Backlog(2.0, found) == backlog_of(2.0, before, now)
    many = {b"%d" % number: (b"s%02d" % number, 1) for number in range(50)}
    assert MOST_SUBJECTS == len(backlog_of(0.0, {}, many).subjects)


def test_a_receiver_that_is_cut(make_plane: MakePlane) -> None:
    """It is remembered with the subjects of what it had pending, and why it was closed."""
    server = VirtualBroker(make_plane, Limits(max_pending=10_000, write_deadline=1.0))
    receiver, publisher = server.connect(quiet=True), server.connect(quiet=True)
    receiver.send(b"SUB a 1\r\nSUB b.* 2\r\n")
    receiver.wire.stall()
    for _ in range(40):
        publisher.send(b"PUB a 1000\r\n%b\r\nPUB b.c 0\r\n\r\n" % bytes(1000))
    server.advance(5.0)
    (record,) = [one for one in LiveView(server.broker).slow_receivers() if one.action is SlowAction.CUT]

    assert receiver.connection.cid == record.number
    assert {b"a", b"b.*"} == {each.subject for each in record.backlog.subjects}
    assert record.backlog.since is not None
    assert record.reason
    assert record.pending_bytes > 0


def test_one_that_was_never_congested(make_plane: MakePlane) -> None:
    """Nothing is known of it."""
    server = VirtualBroker(make_plane)
    client = server.connect(quiet=True)

    assert Backlog() == server.broker.flow.backlog(client.connection)
