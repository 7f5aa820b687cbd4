"""The intake: JetStream's own connection."""

import weakref

import pytest

from app.domain.dataplane.incoming_run import IncomingRun
from app.domain.dataplane.message_run import AckRun
from app.domain.dataplane.seam import MakePlane
from app.domain.events import ServerFailure, SlowConsumer
from app.domain.fair_queue import SLICE
from app.domain.jetstream.intake import (
    FIRST_RUN,
    JOINED_BYTES,
    LONGEST_RUN,
    MESSAGES_PER_CHECK,
    PATIENCE,
    RETRY,
    SHORTEST_RUN,
    Intake,
    RunHandler,
)
from app.domain.limits import Limits
from app.domain.protocol.compatibility import Compatibility
from tests.fakes.clock import TickingClock
from tests.fakes.event_log import RecordingEventLog
from tests.support.virtual_broker import BrokerSetup, VirtualBroker, VirtualClient

LIMITS = Limits(max_payload=1000, max_pending=4000)
HEADERS = b'CONNECT {"verbose":false,"headers":true,"no_responders":true}\r\n'


class Scene:
    """An intake in a broker, and what it handed over."""

    def __init__(self, make_plane: MakePlane) -> None:
        self.events = RecordingEventLog(debug=False, trace=False)
        self.clock = TickingClock()
        setup = BrokerSetup(compatibility=Compatibility.CURRENT, clock=self.clock)
        self.server = VirtualBroker(make_plane, LIMITS, events=self.events, setup=setup)
        self.intake = Intake(self.server.broker)
        self.got: list[object] = []

    def take(self, subject: bytes, headers: bytes, payload: bytes, reply: bytes) -> None:
        """A handler."""
        self.got.append((subject, headers, payload, reply))

    def end_turn(self) -> None:
        """The end of a turn."""
        self.got.append("end")

    def client(self) -> VirtualClient:
        """A client of today."""
        client = self.server.connect()
        client.ask(HEADERS)
        return client


@pytest.fixture(name="scene")
def _scene(make_plane: MakePlane) -> Scene:
    return Scene(make_plane)


def test_messages_in_order(scene: Scene) -> None:
    """Messages come with subject, headers, payload and reply, in order, and then the end of the turn."""
    scene.intake.attend(b"a.>", scene.take, scene.end_turn)
    scene.intake.attend(b"b", scene.take)
    client = scene.client()
    block = b"NATS/1.0\r\nK: v\r\n\r\n"

    client.send(
        b"PUB a.1 5\r\n1\r\n23\r\nPUB b r 0\r\n\r\nHPUB a.2 %d %d\r\n%bx\r\n"
        % (len(block), len(block) + 1, block)
        + b"HPUB b re %d %d\r\n%b\r\n" % (len(block), len(block), block)
    )

    assert scene.got == [
        (b"a.1", b"", b"1\r\n23", b""),
        (b"b", b"", b"", b"r"),
        (b"a.2", block, b"x", b""),
        (b"b", block, b"", b"re"),
        "end",
    ]


def test_a_message_alone_has_a_handler_of_its_own(scene: Scene) -> None:
    """If that is all there is in a turn: nothing comes before it nor after it."""
    alone: list[bytes] = []
    scene.intake.attend(
        b"a", scene.take, alone=lambda _subject, _headers, payload, _reply: alone.append(payload)
    )
    client = scene.client()
    client.send(b"PUB a 1\r\n1\r\n")
    client.send(b"PUB a 1\r\n2\r\nPUB a 1\r\n3\r\n")
    client.send(b"PUB a 1\r\n4\r\n")

    assert [b"1", b"4"] == alone
    assert [(b"a", b"", b"2", b""), (b"a", b"", b"3", b"")] == scene.got


def test_lone_messages_are_taken_within_their_read(scene: Scene) -> None:
    """Until they are refused, or until nobody listens; those of several wait for a turn."""
    lone: list[bytes] = []
    answer = True

    def take(_subject: bytes, _headers: bytes, payload: bytes, _reply: bytes) -> bool:
        lone.append(payload)
        return answer

    sid = scene.intake.attend(b"a", scene.take, lone=take)
    client = scene.client()
    client.send(b"PUB a 1\r\n1\r\n")
    client.send(b"PUB a 1\r\n2\r\nPUB a 1\r\n3\r\n")
    answer = False
    client.send(b"PUB a 1\r\n4\r\n")
    scene.intake.leave(sid)
    client.send(b"PUB a 1\r\n5\r\n")

    assert [b"1", b"4"] == lone
    assert [b"2", b"3", b"4"] == [each[2] for each in scene.got if isinstance(each, tuple)]


def test_lone_messages_overtake_nobody(scene: Scene) -> None:
    """Neither a message that waits for its turn, nor a request that waits to be served."""
    lone: list[bytes] = []

    def take(_subject: bytes, _headers: bytes, payload: bytes, _reply: bytes) -> bool:
        lone.append(payload)
        return True

    wire, plane = scene.intake.wire, scene.server.broker.plane
    scene.intake.attend(b"a", scene.take, lone=take)
    scene.intake.attend(b"b", scene.take)
    wire.write(b"MSG b 2 1\r\n1\r\n")
    before = plane.lone
    scene.server.settle()
    assert (before, plane.lone) == (None, wire.lone)
    wire.has_requests = True
    client = scene.client()
    client.send(b"PUB b 1\r\n2\r\n")
    client.send(b"PUB a 1\r\n3\r\n")
    assert [] == lone
    wire.has_requests = False
    wire.let_pass()
    client.send(b"PUB a 1\r\n4\r\n")

    assert [b"1", b"2", b"3"] == [each[2] for each in scene.got if isinstance(each, tuple)]
    assert [b"4"] == lone
    wire.abort()
    wire.let_pass()
    assert scene.server.broker.plane.lone is None


def test_messages_wait_for_a_storage_that_lags(scene: Scene) -> None:
    """All that comes after waits, too, and goes on by itself, in order."""
    lags = [True]
    scene.intake.attend(b"a", scene.take, scene.end_turn, must_wait=lambda: lags[0])
    scene.intake.attend(b"b", scene.take)
    client = scene.client()

    client.send(b"PUB b 1\r\n1\r\nPUB a 1\r\n2\r\nPUB b 1\r\n3\r\n")
    client.send(b"PUB a 1\r\n4\r\n")
    scene.server.advance(RETRY)
    before = len(scene.got)
    lags[0] = False
    scene.server.advance(RETRY)

    assert before == 1
    assert scene.intake.wire.pending() == 0
    assert [each[2] for each in scene.got if isinstance(each, tuple)] == [b"1", b"2", b"3", b"4"]
    assert scene.got[-1] == "end"


def test_nobody_waits_for_ever(scene: Scene) -> None:
    """After two seconds messages are handed over, until the storage has caught up; then they wait again."""
    lags = [True]
    scene.intake.attend(b"a", scene.take, must_wait=lambda: lags[0])
    client = scene.client()
    counts = []

    for moment, now in (
        (PATIENCE - RETRY, True),
        (2 * RETRY, True),
        (0.0, False),
        (0.0, True),
        (PATIENCE, True),
    ):
        lags[0] = now
        client.send(b"PUB a 0\r\n\r\n")
        scene.server.advance(moment)
        counts.append(len(scene.got))

    assert counts == [0, 2, 3, 3, 5]


class Lagging:
    """A storage that lags as long as the test says."""

    def __init__(self) -> None:
        self.lags = True

    def __call__(self) -> bool:
        """See `MustWait`."""
        return self.lags


def test_two_seconds_are_for_all_streams_that_lag(scene: Scene) -> None:
    """However many there are; one that lags when the others have caught up is waited for again."""
    one, other = Lagging(), Lagging()
    for subject, must_wait in ((b"a", one), (b"b", other), (b"c", None)):
        scene.intake.attend(subject, scene.take, must_wait=must_wait)
    client = scene.client()
    client.send(b"PUB a 0\r\n\r\nPUB b 0\r\n\r\nPUB c 0\r\n\r\n")
    scene.server.advance(PATIENCE - RETRY)
    assert scene.got == []
    scene.server.advance(2 * RETRY)
    assert len(scene.got) == 3

    one.lags = other.lags = False
    client.send(b"PUB b 0\r\n\r\n")
    other.lags = True
    client.send(b"PUB b 0\r\n\r\n")
    scene.server.advance(PATIENCE - RETRY)
    assert len(scene.got) == 4
    scene.server.advance(2 * RETRY)
    assert len(scene.got) == 5


def test_a_stream_that_goes_while_it_lags_is_forgotten(scene: Scene) -> None:
    """What is for others goes on, and nothing keeps the stream in memory."""
    lagging = Lagging()
    sid = scene.intake.attend(b"a", scene.take, must_wait=lagging)
    scene.intake.attend(b"b", scene.take)
    scene.client().send(b"PUB a 0\r\n\r\nPUB b 0\r\n\r\n")
    assert scene.got == []
    scene.intake.leave(sid)
    scene.server.advance(RETRY)
    gone = weakref.ref(lagging)
    del lagging

    assert scene.got == [(b"b", b"", b"", b"")]
    assert gone() is None


def test_large_messages(scene: Scene) -> None:
    """A message whose parts are handed over unjoined is one message."""
    scene.server.broker.apply(Limits())
    scene.intake.attend(b"a", scene.take)
    scene.client().send(b"PUB a 200000\r\n" + 200_000 * b"x" + b"\r\nPUB a 1\r\ny\r\n")
    assert [len(one[2]) for one in scene.got if isinstance(one, tuple)] == [200_000, 1]


def test_it_is_a_responder(scene: Scene) -> None:
    """A request on what it listens to is not answered by the broker; one on anything else is."""
    sid = scene.intake.attend(b"a", scene.take)
    client = scene.client()
    client.send(b"SUB r 1\r\n")
    assert client.ask(b"PUB a r 0\r\n\r\n") == b""
    scene.intake.leave(sid)
    scene.intake.leave(sid)
    assert b"503" in client.ask(b"PUB a r 0\r\n\r\n")
    assert len(scene.got) == 1


def test_what_is_on_the_way_to_nobody(scene: Scene) -> None:
    """A message for a subscription that has ended is passed over."""
    sid = scene.intake.attend(b"a", scene.take)
    client = scene.client()
    client.wire.feed(b"PUB a 0\r\n\r\n")
    scene.intake.leave(sid)
    scene.server.settle()
    assert scene.got == []


def test_a_handler_that_fails(scene: Scene) -> None:
    """A defect costs one message, or one end of a turn, and no other."""

    def fail(*_: object) -> None:
        raise KeyError

    scene.intake.attend(b"a", fail, fail)
    scene.intake.attend(b"b", scene.take, scene.end_turn)
    scene.intake.wire.after_turn = fail
    scene.client().send(b"PUB a 0\r\n\r\nPUB b 0\r\n\r\n")
    assert scene.got == [(b"b", b"", b"", b""), "end"]
    assert len(scene.events.of(ServerFailure)) == 3
    assert not scene.intake.closed


def test_a_handler_that_fails_with_a_message_alone(scene: Scene) -> None:
    """It costs that message; the end of the turn comes all the same, and costs no more."""
    ends: list[str] = []

    def fail(*_: object) -> None:
        raise KeyError

    def end() -> None:
        ends.append("end")
        raise KeyError

    scene.intake.attend(b"a", scene.take, end, alone=fail)
    client = scene.client()
    client.send(b"PUB a 0\r\n\r\n")
    client.send(b"PUB a 0\r\n\r\n")

    assert ["end", "end"] == ends
    assert len(scene.events.of(ServerFailure)) == 4
    assert not scene.intake.closed


def test_turns(scene: Scene) -> None:
    """A turn ends by the clock; the rest comes in the next one, in order."""
    scene.intake.attend(b"a", scene.take, scene.end_turn)
    client = scene.client()
    client.wire.feed(b"".join(b"PUB a %d\r\n" % size + size * b"x" + b"\r\n" for size in range(100)))
    scene.clock.pace = 0.01
    scene.server.settle()

    sizes = [len(one[2]) for one in scene.got if isinstance(one, tuple)]
    assert sizes == list(range(100))
    assert scene.got.count("end") > 1


def test_held_and_let_go(scene: Scene) -> None:
    """While it is held publishers wait, it is not cut, and all comes when it goes on."""
    scene.intake.attend(b"a", scene.take)
    scene.intake.hold(held=True)
    client = scene.client()
    client.wire.feed(10 * (b"PUB a 900\r\n" + 900 * b"x" + b"\r\n"))
    scene.server.advance(LIMITS.write_deadline * 5)

    held = len(scene.got)
    scene.intake.hold(held=False)
    scene.server.settle()
    scene.server.advance(1)

    assert (held, len(scene.got)) == (0, 10)
    assert not scene.events.of(SlowConsumer)


def test_its_end(scene: Scene) -> None:
    """When the server ends it is closed, after what came before was handed over."""
    sid = scene.intake.attend(b"a", scene.take)
    client = scene.client()
    client.wire.feed(b"PUB a 0\r\n\r\n")
    ended: list[bool] = []
    scene.server.broker.shutdown(lambda: ended.append(True))
    scene.server.advance(1)
    assert (scene.intake.closed, len(scene.got), ended) == (True, 1, [True])
    scene.intake.leave(sid)
    with pytest.raises(RuntimeError):
        scene.intake.attend(b"b", scene.take)


def test_a_defect_ends_it_at_once(scene: Scene) -> None:
    """What waits is dropped when it is aborted, and nothing is written any more."""
    scene.intake.attend(b"a", scene.take)
    client = scene.client()
    client.wire.feed(b"PUB a 0\r\n\r\n")
    scene.intake.connection.abort()
    scene.intake.wire.write(b"late")
    scene.intake.wire.relieve()
    scene.server.settle()
    assert scene.got == []


def test_many(scene: Scene) -> None:
    """More messages than between two readings of the clock come in one turn while it does not move."""
    scene.intake.attend(b"a", scene.take, scene.end_turn)
    count = 3 * MESSAGES_PER_CHECK
    scene.client().send(count * b"PUB a 0\r\n\r\n")
    assert len(scene.got) == count + 1


def test_other_lines_are_passed_over(scene: Scene) -> None:
    """What is no message is of no interest."""
    scene.intake.attend(b"a", scene.take)
    scene.intake.wire.write(b"PING\r\nMSG a 1 0\r\n\r\n-ERR 'x'\r\n")
    scene.server.settle()
    assert len(scene.got) == 1


def test_messages_in_a_row_are_handed_over_at_once(scene: Scene) -> None:
    """Those with special headers, and few of them, come one by one; the order stays."""
    runs: list[int] = []

    def take_run(run: IncomingRun) -> int:
        runs.append(run.count)
        scene.got.extend(message for message in run.messages())
        return run.count

    scene.intake.attend(b"a.>", scene.take, scene.end_turn, take_run)
    special = b"NATS/1.0\r\nNats-Rollup: sub\r\n\r\n"
    numbered = [b"PUB a.%d r.%d 1\r\nx\r\n" % (each, each) for each in range(2 * SHORTEST_RUN)]
    numbered[SHORTEST_RUN] = b"HPUB a.%d %d %d\r\n%b\r\n" % (
        SHORTEST_RUN,
        len(special),
        len(special),
        special,
    )
    scene.client().send(b"".join(numbered))

    assert runs == [SHORTEST_RUN]
    subjects = [each[0] for each in scene.got if isinstance(each, tuple)]
    assert subjects == [b"a.%d" % each for each in range(2 * SHORTEST_RUN)]
    assert scene.got[0] == (b"a.0", b"", b"x", b"r.0")
    assert scene.got[-1] == "end"
    assert scene.got.count("end") == 1


def test_a_run_that_fails_costs_itself(scene: Scene) -> None:
    """A defect is reported, and what comes after the run is handed over."""

    def fail(run: IncomingRun) -> int:
        raise ValueError(run.count)

    scene.intake.attend(b"a", scene.take, scene.end_turn, fail)
    scene.intake.attend(b"b", scene.take)
    scene.client().send(SHORTEST_RUN * b"PUB a 0\r\n\r\n" + b"PUB b 0\r\n\r\n")

    assert scene.got == [(b"b", b"", b"", b""), "end"]
    assert len(scene.events.of(ServerFailure)) == 1


def test_what_is_left_of_a_run_comes_again(scene: Scene) -> None:
    """In order, when the turn allows it; runs are short as long as that happens."""
    counts: list[int] = []

    def take_some(run: IncomingRun) -> int:
        counts.append(run.count)
        taken = 10 if len(counts) < 4 else run.count
        scene.got.extend(list(run.messages())[:taken])
        return min(taken, run.count)

    scene.intake.attend(b"a", scene.take, scene.end_turn, take_some)
    client = scene.client()
    client.wire.feed(b"".join(b"PUB a r.%d 1\r\nx\r\n" % each for each in range(100)))
    scene.server.settle()

    replies = [each[3] for each in scene.got if isinstance(each, tuple)]
    assert replies == [b"r.%d" % each for each in range(100)]
    assert counts == [100, 10, 20, 10, 20, 40]


def test_few_of_a_run_are_taken(scene: Scene) -> None:
    """Runs are as long as one has to be, at least."""
    counts: list[int] = []

    def take_one(run: IncomingRun) -> int:
        counts.append(run.count)
        return 1

    sid = scene.intake.attend(b"a", scene.take, None, take_one)
    scene.intake.wire.write(8 * (b"MSG a %b 0\r\n\r\n" % sid))
    scene.server.settle()

    assert counts == [8, SHORTEST_RUN, SHORTEST_RUN, SHORTEST_RUN, SHORTEST_RUN]
    assert len(scene.got) == SHORTEST_RUN - 1


def noting(counts: list[int]) -> RunHandler:
    """A handler that takes whole runs, and notes how long they are."""

    def take(run: IncomingRun) -> int:
        counts.append(run.count)
        return run.count

    return take


def test_long_runs_are_cut(scene: Scene) -> None:
    """A run has a bound, and so has a turn."""
    runs: list[int] = []
    sid = scene.intake.attend(b"a", scene.take, None, noting(runs))
    scene.intake.wire.write(4 * LONGEST_RUN * (b"MSG a %b 0\r\n\r\n" % sid))
    scene.server.settle()

    assert runs[0] == FIRST_RUN
    assert max(runs) == LONGEST_RUN
    assert sum(runs) == 4 * LONGEST_RUN


def test_runs_that_take_long_become_short(scene: Scene) -> None:
    """A turn ends after each of them, so none may take much longer than a turn."""
    runs: list[int] = []

    def take(run: IncomingRun) -> int:
        runs.append(run.count)
        scene.clock.advance_alone(0.0001 * run.count)
        return run.count

    sid = scene.intake.attend(b"a", scene.take, None, take)
    scene.intake.wire.write(4 * FIRST_RUN * (b"MSG a %b 0\r\n\r\n" % sid))
    scene.server.settle()

    assert runs[:5] == [FIRST_RUN, FIRST_RUN // 2, FIRST_RUN // 4, FIRST_RUN // 8, FIRST_RUN // 16]
    assert 0.0001 * max(runs[4:]) <= 2 * SLICE
    assert sum(runs) == 4 * FIRST_RUN


def test_messages_of_many_publishers_make_a_run(scene: Scene) -> None:
    """Small writes are joined, also where one of them was taken in part; large ones are not."""
    runs: list[int] = []
    sid = scene.intake.attend(b"a", scene.take, None, noting(runs))
    message = b"MSG a %b 1000\r\n%b\r\n" % (sid, bytes(1000))
    large = JOINED_BYTES // len(message) + 1
    for count in (1, 2, 3, large, 5):
        scene.intake.wire.write(count * message)
    scene.server.settle()
    assert runs == [6 + large, 5]

    scene.intake.wire.write(large * message)
    scene.intake.wire.write(message)
    scene.server.settle()
    assert runs[2:] == [large]
    assert len(scene.got) == 1


def test_a_write_that_was_taken_in_part_is_joined(scene: Scene) -> None:
    """What was handed over in the turn before does not come again."""
    sid = scene.intake.attend(b"a", scene.take)
    many = 2 * MESSAGES_PER_CHECK
    scene.intake.wire.write(b"".join(b"MSG a %b 3\r\n%03d\r\n" % (sid, each) for each in range(many)))
    scene.intake.wire.write(b"MSG a %b 3\r\nend\r\n" % sid)
    scene.intake.wire.write(b"MSG a %b 3\r\nEND\r\n" % sid)
    scene.clock.pace = 0.01
    for _ in range(many):
        scene.server.settle()

    payloads = [each[2] for each in scene.got if isinstance(each, tuple)]
    assert payloads == [*(b"%03d" % each for each in range(many)), b"end", b"END"]


ACK = b"PUB $JS.ACK.S.C.1.%d.1.9.0 4\r\n+ACK\r\n"


def test_acks_in_a_row(scene: Scene) -> None:
    """Plain ones come together, others one by one and in order, and the turn ends once."""
    scene.intake.attend_acks(
        b"$JS.ACK.>", scene.take, lambda run: scene.got.append(list(run.sequences)), scene.end_turn
    )
    scene.intake.attend(b"$JS.>", lambda subject, *_: scene.got.append(subject))
    scene.client().send(ACK % 4 + ACK % 5 + b"PUB $JS.ACK.S.C.1.6.1.9.0 r 0\r\n\r\n" + ACK % 7)
    singles = [one for one in scene.got if isinstance(one, bytes)]
    others = [one for one in scene.got if not isinstance(one, bytes)]
    assert others == [[4], [5], (b"$JS.ACK.S.C.1.6.1.9.0", b"", b"", b"r"), [7], "end"]
    assert singles == [b"$JS.ACK.S.C.1.%d.1.9.0" % number for number in (4, 5, 6, 7)]


def test_a_run_of_acks_that_fails(scene: Scene) -> None:
    """A defect is reported, and what follows is handed over."""

    def fail(run: AckRun) -> None:
        raise ValueError(len(run.sequences))

    scene.intake.attend_acks(b"$JS.ACK.>", scene.take, fail, scene.end_turn)
    scene.client().send(ACK % 4 + ACK % 5 + b"PUB $JS.ACK.x r 0\r\n\r\n")
    assert scene.got == [(b"$JS.ACK.x", b"", b"", b"r"), "end"]
    assert len(scene.events.of(ServerFailure)) == 1


def test_a_turn_with_acks_ends_by_the_clock(scene: Scene) -> None:
    """What comes after a run of acks may wait for the next turn."""
    runs: list[list[int]] = []

    def take(run: AckRun) -> None:
        runs.append(list(run.sequences))
        scene.clock.advance_alone(1.0)

    scene.intake.attend_acks(b"$JS.ACK.>", scene.take, take, scene.end_turn)
    scene.client().send(ACK % 4 + ACK % 5 + ACK.replace(b".C.", b".D.") % 6)
    assert runs == [[4, 5], [6]]
    assert scene.got == ["end", "end"]
