"""Messages that may not be published, over both twins: plans that deny, and reply subjects of servers."""

import pytest

from app.domain.dataplane.seam import NOT_KEPT, Plan, Plane, Progress
from tests.fakes.data_plane import Stage, Station


def deny(stage: Stage, *subjects: bytes, refusal: bytes = b"") -> None:
    """Let the planner deny these to all, and let the others have no listeners but those of the table."""
    answer = stage.planner.answer

    def decide(plane: Plane, audience: int, subject: bytes) -> Plan:
        if subject in subjects:
            return plane.plan((), (), refusal, denied=True)
        return answer(plane, audience, subject)

    stage.planner.answer = decide


def test_a_denied_message(stage: Stage, station: Station) -> None:
    """The control is to refuse it, nobody gets it, and what follows is served; it counts as received."""
    deny(stage, b"b")
    stage.subscribe(b"a", station.target())

    station.feed(b"PUB b re 2\r\nhi\r\nPUB a 2\r\nho\r\n")

    assert [(b"b", b"")] == station.control.denials
    assert b"MSG a 1 2\r\nho\r\n" == station.heard()
    assert (2, 4, 1) == (station.inlet.in_msgs, station.inlet.in_bytes, stage.plane.out_msgs)


def test_with_headers(stage: Stage, station: Station) -> None:
    """A message with headers is refused whole."""
    deny(stage, b"b")
    station.inlet.headers = True
    stage.subscribe(b"a", station.target())

    station.feed(b"HPUB b 12 25\r\nNATS/1.0\r\n\r\nPUB a 2\r\nno\r\n\r\nPUB a 2\r\nho\r\n")

    assert [(b"b", b"")] == station.control.denials
    assert b"MSG a 1 2\r\nho\r\n" == station.heard()


def test_verbose(stage: Stage, station: Station) -> None:
    """A denied message gets no +OK."""
    deny(stage, b"b")
    station.inlet.verbose = True

    station.feed(b"PUB b 0\r\n\r\nPUB a 0\r\n\r\nPUB b 0\r\n\r\n")

    assert b"+OK\r\n" == station.heard()


def test_a_refusal_besides(stage: Stage, station: Station) -> None:
    """What the plan has for the publisher is sent as well."""
    deny(stage, b"*", refusal=b"-ERR 'x'\r\n")

    station.feed(b"PUB * 0\r\n\r\n")

    assert b"-ERR 'x'\r\n" == station.heard()
    assert [(b"*", b"")] == station.control.denials


def test_once_each(stage: Stage, station: Station) -> None:
    """Each message is denied once, in order, however it is cut; equal ones in a row too."""
    deny(stage, b"b", b"c")

    station.feed_bytewise(b"PUB b 2\r\nhi\r\nPUB c 2\r\nhi\r\n")
    station.feed(3 * b"PUB b 2\r\nhi\r\n")

    assert [(b"b", b""), (b"c", b""), (b"b", b""), (b"b", b""), (b"b", b"")] == station.control.denials
    assert 5 == station.inlet.in_msgs


def test_a_large_payload(stage: Stage, station: Station) -> None:
    """The payload of a denied message is consumed, whatever it holds."""
    deny(stage, b"b")

    station.feed(b"PUB b 300000\r\n" + 50_000 * b"PUB a " + b"\r\n")

    assert [(b"b", b"")] == station.control.denials
    assert not station.inlet.has_rest()


def test_nobody_is_waited_for(stage: Stage, station: Station) -> None:
    """A denied request gets no word that nobody is there, and a patient plane does not wait for listeners."""
    deny(stage, b"b")
    station.inlet.no_responders = True
    stage.plane.patient = lambda: True

    assert Progress.DONE is station.feed(b"PUB b re 0\r\n\r\n")

    assert not station.control.unanswered
    assert [(b"b", b"")] == station.control.denials


@pytest.mark.parametrize("prefix", [b"_R_.", b"_GR_.", b"$GR.", b"$JS.ACK."])
def test_replies_of_servers(stage: Stage, station: Station, prefix: bytes) -> None:
    """A guarded client may not name the servers' own reply subjects; others may."""
    stage.subscribe(b"a", station.target())
    message = b"PUB a %bx 0\r\n\r\n" % prefix

    station.feed(message)
    station.inlet.guarded = True
    station.feed(2 * message)

    assert b"MSG a 1 %bx 0\r\n\r\n" % prefix == station.heard()
    assert 2 * [(b"a", prefix + b"x")] == station.control.denials


@pytest.mark.parametrize(
    "reply",
    [
        b"_INBOX.a",
        b"_R_",
        b"_R",
        b"_",
        b"$",
        b"$JS.ACK",
        b"_GR_",
        b"x_R_.a",
        b"$GRx.a",
        b"_GR_.",
        b"$JS.ACK.",
    ],
)
def test_other_replies(stage: Stage, station: Station, reply: bytes) -> None:
    """Reply subjects that merely look alike are served."""
    station.inlet.guarded = True
    stage.subscribe(b"a", station.target())

    station.feed(b"PUB a %b 0\r\n\r\nPUB a 0\r\n\r\n" % reply)

    assert b"MSG a 1 %b 0\r\n\r\nMSG a 1 0\r\n\r\n" % reply == station.heard()
    assert not station.control.denials


@pytest.mark.parametrize("subject", [b"_GR_.x", b"_GR_.a.b.c", b"$GR.x"])
def test_subjects_of_gateways(stage: Stage, station: Station, subject: bytes) -> None:
    """A guarded client may not publish to what gateways use among themselves; others may."""
    stage.subscribe(subject, station.target())
    message = b"PUB %b _R_.x 2\r\nhi\r\n" % subject

    station.feed(message)
    station.inlet.guarded = True
    station.feed(2 * message)

    assert b"MSG %b 1 _R_.x 2\r\nhi\r\n" % subject == station.heard()
    assert 2 * [(subject, b"")] == station.control.denials


@pytest.mark.parametrize(
    "subject", [b"_R_.x", b"$JS.ACK.x", b"_GR_", b"_GR_x", b"$G", b"_", b"$SYS.a", b"_gr_.x"]
)
def test_other_subjects(stage: Stage, station: Station, subject: bytes) -> None:
    """Subjects that merely look alike are open to clients."""
    station.inlet.guarded = True
    stage.subscribe(subject, station.target())

    station.feed(b"PUB %b 0\r\n\r\n" % subject)

    assert b"MSG %b 1 0\r\n\r\n" % subject == station.heard()
    assert not station.control.denials


def test_a_subject_of_gateways_that_is_refused(stage: Stage, station: Station) -> None:
    """What the plan has for the publisher is sent, and the message is denied besides."""
    station.inlet.guarded = True
    stage.planner.answer = lambda plane, _audience, _subject: plane.plan((), (), b"-ERR 'x'\r\n")

    station.feed(b"PUB _GR_.* 0\r\n\r\n")

    assert b"-ERR 'x'\r\n" == station.heard()
    assert [(b"_GR_.*", b"")] == station.control.denials


def test_a_plan_for_one_message(stage: Stage, station: Station) -> None:
    """Equal messages in a row are asked about one by one where a plan is for one message alone."""
    stage.subscribe(b"a", station.target())
    stage.planner.decide = lambda _subject: NOT_KEPT

    station.feed(3 * b"PUB a 2\r\nhi\r\n")

    assert 3 * [(0, b"a")] == stage.planner.asked
    assert 3 * b"MSG a 1 2\r\nhi\r\n" == station.heard()


def test_the_subject_counts_first(stage: Stage, station: Station) -> None:
    """A message on a denied subject is denied for that, whatever its reply subject is."""
    deny(stage, b"b")
    station.inlet.guarded = True

    station.feed(b"PUB b _R_.x 0\r\n\r\n")

    assert [(b"b", b"")] == station.control.denials
