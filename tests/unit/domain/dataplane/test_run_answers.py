"""Answers to the messages of a run."""

from hypothesis import given
from hypothesis import strategies as st

from app.domain.dataplane import choose
from app.domain.dataplane.run_answers import END
from app.domain.dataplane.seam import MakePlane
from tests.fakes.data_plane import Stage
from tests.support.runs import run_of

HEAD = b'{"stream":"S","seq":'


def messages(*replies: bytes) -> list[tuple[bytes, bytes, bytes, bytes]]:
    """Messages with these reply subjects."""
    return [(b"s", b"", b"x", reply) for reply in replies]


def test_each_reply_gets_its_number(stage: Stage) -> None:
    """Those without a reply subject, or whose reply nobody listens to, count and get nothing."""
    station = stage.station()
    stage.subscribe(b"_I.1", station.target(b"7"))
    stage.subscribe(b"_I.3", station.target(b"7"))
    run = run_of(messages(b"_I.1", b"", b"_I.2", b"_I.3"))

    assert stage.plane.deliver_answers(run, 0, 998, HEAD) == 4
    first, last = HEAD + b"998" + END, HEAD + b"1001" + END
    assert station.heard() == b"MSG _I.1 7 %d\r\n%b\r\nMSG _I.3 7 %d\r\n%b\r\n" % (
        len(first),
        first,
        len(last),
        last,
    )
    assert (stage.plane.out_msgs, stage.plane.out_bytes) == (2, len(first) + len(last))


def test_it_stops_at_one_that_is_congested(stage: Stage) -> None:
    """The position says which was not answered; later it goes on from there."""
    quick, slow = stage.station(), stage.station()
    stage.subscribe(b"_I.1", quick.target())
    stage.subscribe(b"_I.2", slow.target())
    slow.outbox.congested = True
    run = run_of(messages(b"_I.1", b"_I.2", b"_I.1"))

    assert stage.plane.deliver_answers(run, 0, 1, HEAD) == 1
    slow.outbox.congested = False
    assert stage.plane.deliver_answers(run, 1, 1, HEAD) == 3
    assert stage.plane.deliver_answers(run, 3, 1, HEAD) == 3
    assert quick.heard().count(b'"seq":') == 2
    assert b'"seq":2}' in slow.heard()


def test_a_receiver_that_is_asked_in_between(stage: Stage) -> None:
    """An outbox that is too full asks its owner, who may close it in the middle of a run."""
    station = stage.station()
    stage.subscribe(b"_I.1", station.target())
    station.outbox.alarm = 20

    def close() -> bool:
        station.outbox.closed = True
        return False

    station.owner.decide = close

    assert stage.plane.deliver_answers(run_of(messages(*3 * [b"_I.1"])), 0, 1, HEAD) == 3
    assert stage.plane.out_msgs == 1


def test_a_leaf_link_gets_answers_in_its_form(stage: Stage) -> None:
    """As any other message for it."""
    station = stage.station()
    station.outbox.leaf = True
    stage.subscribe(b"_I.1", station.target(b""))

    assert stage.plane.deliver_answers(run_of(messages(b"_I.1")), 0, 7, HEAD) == 1
    assert station.heard() == b"LMSG _I.1 %d\r\n%b7}\r\n" % (len(HEAD) + 2, HEAD)


def test_one_answer(stage: Stage) -> None:
    """It says whether it has to be tried again: not where nobody listens."""
    station = stage.station()
    stage.subscribe(b"_I.1", station.target(b"7"))

    assert stage.plane.answer(b"_I.1", HEAD, 41)
    assert stage.plane.answer(b"_I.2", HEAD, 42)
    text = HEAD + b"41" + END
    assert station.heard() == b"MSG _I.1 7 %d\r\n%b\r\n" % (len(text), text)
    station.outbox.congested = True
    assert not stage.plane.answer(b"_I.1", HEAD, 43)
    assert station.heard() == b""


@given(
    replies=st.lists(st.sampled_from([b"", b"_I.1", b"_I.2", b"_I.3", b"_I." + b"x" * 300]), max_size=9),
    first=st.sampled_from([1, 9, 98, 10**12]),
    congested=st.booleans(),
    leaf=st.booleans(),
)
def test_twins_answer_the_same(
    make_plane: MakePlane, replies: list[bytes], first: int, *, congested: bool, leaf: bool
) -> None:
    """To the byte, for all receivers."""
    heard = []
    for make in (make_plane, choose("python")[1]):
        stage = Stage(make)
        one, other = stage.station(), stage.station()
        other.outbox.leaf = leaf
        stage.subscribe(b"_I.1", one.target(), other.target(b"" if leaf else b"22"))
        stage.subscribe(b"_I.2", other.target(b"" if leaf else b"3"))
        stage.subscribe(b"_I." + b"x" * 300, one.target())
        other.outbox.congested = congested
        done = stage.plane.deliver_answers(run_of(messages(*replies)), 0, first, HEAD)
        heard.append((done, one.heard(), other.heard(), stage.plane.out_msgs, stage.plane.out_bytes))

    assert heard[0] == heard[1]


@given(
    reply=st.sampled_from([b"_I.1", b"_I.2", b"_I.3", b"_I." + b"x" * 600]),
    number=st.sampled_from([1, 9, 98, 10**12]),
    congested=st.booleans(),
    leaf=st.booleans(),
)
def test_twins_give_the_same_answer(
    make_plane: MakePlane, reply: bytes, number: int, *, congested: bool, leaf: bool
) -> None:
    """To the byte, also where it is long."""
    heard = []
    for make in (make_plane, choose("python")[1]):
        stage = Stage(make)
        one, other = stage.station(), stage.station()
        other.outbox.leaf = leaf
        stage.subscribe(b"_I.1", one.target(), other.target(b"" if leaf else b"22"))
        stage.subscribe(b"_I.2", other.target(b"" if leaf else b"3"))
        stage.subscribe(b"_I." + b"x" * 600, one.target())
        other.outbox.congested = congested
        done = stage.plane.answer(reply, HEAD, number)
        heard.append((done, one.heard(), other.heard(), stage.plane.out_msgs, stage.plane.out_bytes))

    assert heard[0] == heard[1]
