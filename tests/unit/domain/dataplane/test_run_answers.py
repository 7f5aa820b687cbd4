"""Answers to the messages of a run."""

from hypothesis import given
from hypothesis import strategies as st

from app.domain.dataplane import choose
from app.domain.dataplane.run_answers import END
from app.domain.dataplane.seam import Plan, Plane, Target
from tests.fakes.data_plane import ScriptedPlanner, Stage, Station
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
    st.lists(
        st.sampled_from([b"_I.a.1", b"_I.a.2", b"_I.b.1", b"_I.a", b"_I.a.1.x", b"_I.ab.1", b"_I.a.*", b""])
    ),
    st.integers(0, 5),
)
def test_replies_of_one_kind_share_a_plan(replies: list[bytes], depth: int) -> None:
    """What leading tokens decide holds for replies with as many tokens, and for no others."""
    heard = []
    for name in ("python", "native"):
        planner = ScriptedPlanner()
        plane = choose(name)[1](planner, 1, 1 << 20, 4096)
        stations = [Station(plane) for _ in range(3)]
        targets = [station.target() for station in stations]

        def answer(plane: Plane, _audience: int, subject: bytes, targets: list[Target] = targets) -> Plan:
            tokens = subject.split(b".")
            return plane.plan((targets[(sum(b".".join(tokens[:depth])) + len(tokens)) % 3],), ())

        planner.answer, planner.decide = answer, lambda subject: min(depth, subject.count(b".") + 1)
        run = run_of(messages(*replies))
        assert plane.deliver_answers(run, 0, 1, HEAD) == len(replies)
        heard.append(([station.heard() for station in stations], planner.asked, plane.plan_hits))

    assert heard[0] == heard[1]


def test_a_change_in_the_middle_ends_a_kind(stage: Stage) -> None:
    """A subscription that ends with its first answer gets no second one."""
    first, second = stage.station(), stage.station()
    stage.planner.decide = lambda _subject: 1
    once = first.target()

    def end() -> bool:
        once.retire()
        stage.planner.answer = lambda plane, _audience, _subject: plane.plan((second.target(),), ())
        stage.plane.changed(b"_I.*")
        return False

    first.owner.decide = end
    first.outbox.alarm = 1
    stage.planner.answer = lambda plane, _audience, _subject: plane.plan((once,), ())
    run = run_of(messages(b"_I.0", b"_I.1", b"_I.2"))

    assert stage.plane.deliver_answers(run, 0, 1, HEAD) == 3
    assert (first.heard().count(b"MSG"), second.heard().count(b"MSG")) == (1, 2)
