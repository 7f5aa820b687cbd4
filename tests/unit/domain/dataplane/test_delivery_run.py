"""Messages of a stream in a row: what is sent is what `deliver` sends, one message after the other."""

from array import array
from collections.abc import Callable, Sequence

import pytest

from app.domain.dataplane.constants import REFERENCED_BYTES
from app.domain.dataplane.message_run import AckNumbers, MessageRun, joined
from app.domain.dataplane.reach import Naming, Reach
from app.domain.dataplane.seam import MakePlane
from tests.fakes.data_plane import Stage, Station

PREFIX = b"$JS.ACK.S.C.1."
ROOM = 1 << 40
BLOCK = b"NATS/1.0\r\n\r\n"

Part = tuple[bytes, bytes, bytes]
"""Subject, headers and payload."""


def run_of(*messages: Part, first: int = 7) -> MessageRun:
    """A run of these, a second apart, from a sequence on."""
    count = len(messages)
    run = joined(
        array("q", range(first, first + count)),
        array("q", range(10**18, 10**18 + count * 10**9, 10**9)),
        [subject for subject, _, _ in messages],
        array("q", (len(headers) for _, headers, _ in messages)),
        [headers + payload for _, headers, payload in messages],
        ROOM,
    )
    assert run is not None
    return run


def acks_of(pending: int = 99, number: int = 3) -> AckNumbers:
    """The numbers of the first message."""
    return AckNumbers(PREFIX, number, pending)


def send(stage: Stage, *messages: Part, to: bytes = b"inbox", room: int = ROOM) -> tuple[int, int]:
    """Deliver a run of these."""
    return stage.plane.deliver_run(to, run_of(*messages), acks_of(), room)


def test_what_a_receiver_gets(stage: Stage, station: Station) -> None:
    """Subject, reply subject with all numbers, and payload; counted, and their sizes summed up."""
    stage.subscribe(b"inbox", station.target(b"9"))

    sent = send(stage, (b"s.a", b"", b"one"), (b"s.b", b"", b""))

    acks = b"$JS.ACK.S.C.1.7.3.1000000000000000000.99", b"$JS.ACK.S.C.1.8.4.1000000001000000000.98"
    assert sent == (2, sum(map(len, acks)) + 6 + 3)
    assert station.heard() == b"MSG s.a 9 %b 3\r\none\r\nMSG s.b 9 %b 0\r\n\r\n" % acks
    assert (stage.plane.out_msgs, stage.plane.out_bytes, station.outbox.out_msgs) == (2, 3, 2)


def _two(stage: Stage, station: Station) -> list[Station]:
    other = stage.station()
    station.outbox.headers = True
    stage.subscribe(b"inbox", station.target(), other.target(b"2"))
    return [station, other]


def _one(stage: Stage, station: Station) -> list[Station]:
    stage.subscribe(b"inbox", station.target())
    return [station]


def _with_headers(stage: Stage, station: Station) -> list[Station]:
    station.outbox.headers = True
    return _one(stage, station)


def _group(stage: Stage, station: Station) -> list[Station]:
    other = stage.station()
    stage.planner.listeners[b"inbox"] = ((), [[station.target(), other.target(b"2")]])
    return [station, other]


def _limited(stage: Stage, station: Station) -> list[Station]:
    target = station.target()
    target.limit = 2
    stage.subscribe(b"inbox", target)
    return [station]


def _traced(stage: Stage, station: Station) -> list[Station]:
    station.outbox.trace = True
    return _with_headers(stage, station)


def _route(stage: Stage, station: Station) -> list[Station]:
    station.outbox.naming = Naming.ALL
    stage.subscribe(b"inbox", station.target(b"RSID:1:2"))
    return [station]


def _leaf(stage: Stage, station: Station) -> list[Station]:
    station.outbox.leaf = True
    stage.subscribe(b"inbox", station.target(b""))
    return [station]


def _leaf_with_headers(stage: Stage, station: Station) -> list[Station]:
    station.outbox.headers = True
    return _leaf(stage, station)


def _leaf_beside_others(stage: Stage, station: Station) -> list[Station]:
    route, old, leaf = stage.route(), stage.route(), stage.station()
    route.outbox.naming, old.outbox.naming = Naming.ALL, Naming.MEMBERS
    route.outbox.headers = leaf.outbox.headers = leaf.outbox.leaf = True
    targets = [station.target(), route.target(b"RSID:1:2"), old.target(b"RSID:1:2"), leaf.target(b"")]
    stage.subscribe(b"inbox", *targets)
    return [station, route, old, leaf]


def _group_at_a_leaf(stage: Stage, station: Station) -> list[Station]:
    station.outbox.leaf = station.outbox.headers = True
    stage.planner.listeners[b"inbox"] = ((station.target(b""),), [[station.target(b"q")]])
    return [station]


def _slow_at_once(stage: Stage, station: Station) -> list[Station]:
    station.outbox.alarm = 150

    def congest() -> bool:
        station.outbox.congested = True
        return False

    station.owner.decide = congest
    return _one(stage, station)


def _closed_meanwhile(stage: Stage, station: Station) -> list[Station]:
    station.outbox.alarm = 150

    def close() -> bool:
        station.outbox.closed = True
        return False

    station.owner.decide = close
    return _one(stage, station)


def _own(stage: Stage, station: Station) -> list[Station]:
    stage.plane.server = station.outbox
    return _one(stage, station)


def _nobody(_: Stage, station: Station) -> list[Station]:
    return [station]


MESSAGES: Sequence[Part] = (
    (b"s", b"", b"one"),
    (b"s.two", BLOCK, b"two"),
    (b"s", BLOCK, b""),
    (b"s" * 300, b"", b"x" * (REFERENCED_BYTES + 1)),
    (b"s", BLOCK, b"x" * (REFERENCED_BYTES - 900)),
    (b"s", b"", b"last"),
)


@pytest.mark.parametrize(
    "listen",
    [
        _one,
        _two,
        _with_headers,
        _group,
        _limited,
        _traced,
        _route,
        _leaf,
        _leaf_with_headers,
        _leaf_beside_others,
        _group_at_a_leaf,
        _slow_at_once,
        _closed_meanwhile,
        _own,
        _nobody,
    ],
)
def test_it_is_as_if_sent_one_by_one(
    make_plane: MakePlane, listen: Callable[[Stage, Station], list[Station]]
) -> None:
    """For all kinds of receivers and messages."""
    outcomes = []
    for at_once in (True, False):
        stage = Stage(make_plane)
        stations = listen(stage, stage.station())
        count = send(stage, *MESSAGES)[0] if at_once else _send_singly(stage)
        heard = [station.heard() for station in stations]
        owners = [(station.owner.presses, station.owner.heads) for station in stations]
        figures = [(one.outbox.out_msgs, one.outbox.out_bytes, one.outbox.last_delivery) for one in stations]
        outcomes.append((count, heard, owners, figures, stage.plane.out_msgs, stage.plane.out_bytes))

    assert outcomes[0] == outcomes[1]


def _send_singly(stage: Stage) -> int:
    run = run_of(*MESSAGES)
    for at, (subject, headers, payload) in enumerate(MESSAGES):
        ack = PREFIX + b"%d.%d.%d.%d" % (run.sequences[at], 3 + at, run.times[at], 99 - at)
        if stage.plane.deliver(b"inbox", subject, ack, headers, payload) is not Reach.SENT:
            return at
    return len(MESSAGES)


def test_room(stage: Stage, station: Station) -> None:
    """It ends before the message that has no room."""
    stage.subscribe(b"inbox", station.target())
    parts = (b"s", b"", b"x"), (b"s", b"", b"x")
    _, size = send(stage, *parts)

    assert send(stage, *parts, room=size - 1) == (1, size // 2)
    assert send(stage, *parts, room=0) == (0, 0)


def test_it_ends_before_a_message_to_its_own_subject(stage: Stage, station: Station) -> None:
    """That one has other receivers at other servers."""
    stage.subscribe(b"inbox", station.target())

    assert send(stage, (b"s", b"", b""), (b"inbox", b"", b""))[0] == 1


def test_no_more_than_are_pending(stage: Stage, station: Station) -> None:
    """The number of messages that follow is never below none."""
    stage.subscribe(b"inbox", station.target())
    run = run_of((b"s", b"", b""), (b"s", b"", b""))

    assert stage.plane.deliver_run(b"inbox", run, acks_of(pending=0), ROOM)[0] == 1
    assert stage.plane.deliver_run(b"inbox", run, acks_of(pending=-1), ROOM) == (0, 0)
    assert stage.plane.deliver_run(b"inbox", run, acks_of(pending=-9), ROOM) == (0, 0)
    assert b".7.3.1000000000000000000.0 0\r\n" in station.heard()


def test_a_failure_after_some(stage: Stage, station: Station) -> None:
    """What went counts; a failure before anything went is reported."""
    stage.subscribe(b"inbox", station.target())
    station.outbox.alarm = 100
    failures = [ValueError("no room")]

    def fail() -> bool:
        raise failures[0]

    station.owner.decide = fail
    assert send(stage, (b"s", b"", b""), (b"s", b"", b"x" * 99))[0] == 1
    with pytest.raises(ValueError, match="no room"):
        send(stage, (b"s", b"", b"x" * 99))


def test_malformed_runs_are_refused(stage: Stage, station: Station) -> None:
    """Columns of other numbers or lengths, and bodies that are not there."""
    stage.subscribe(b"inbox", station.target())
    run = run_of((b"s", b"", b"body"))
    numbers = acks_of()
    for malformed in (run._replace(times=array("q")), run._replace(heads=array("i", (0,)))):
        with pytest.raises(TypeError):
            stage.plane.deliver_run(b"inbox", malformed, numbers, ROOM)
    for misplaced in (
        run._replace(ends=array("q", (5,))),
        run._replace(starts=array("q", (-1,))),
        run._replace(starts=array("q", (3,)), ends=array("q", (2,))),
        run._replace(heads=array("q", (5,))),
        run._replace(heads=array("q", (-1,))),
    ):
        with pytest.raises(ValueError, match="not within"):
            stage.plane.deliver_run(b"inbox", misplaced, numbers, ROOM)
    assert station.heard() == b""


def test_what_a_leaf_link_gets(stage: Stage, station: Station) -> None:
    """The subject that is subscribed to, and that of the message after the reply; others as always."""
    other = stage.station()
    station.outbox.leaf = station.outbox.headers = True
    stage.subscribe(b"inbox", station.target(b""), other.target(b"9"))

    send(stage, (b"s.a", b"", b"one"), (b"s.b", BLOCK, b"x"))

    acks = b"$JS.ACK.S.C.1.7.3.1000000000000000000.99", b"$JS.ACK.S.C.1.8.4.1000000001000000000.98"
    first = b"LMSG inbox %b@s.a 3\r\none\r\n" % acks[0]
    assert station.heard() == first + b"HMSG inbox %b@s.b 12 13\r\n%bx\r\n" % (acks[1], BLOCK)
    assert other.heard() == b"MSG s.a 9 %b 3\r\none\r\nMSG s.b 9 %b 1\r\nx\r\n" % acks
