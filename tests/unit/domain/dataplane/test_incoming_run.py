"""Runs of messages for a client inside the server: where their parts are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.dataplane import incoming_run
from app.domain.dataplane.incoming_run import FIELDS, IncomingRun, read_one, read_run
from app.domain.dataplane.seam import MakePlane
from tests.fakes.data_plane import Stage
from tests.support.runs import Published, frame, run_of

BLOCK = b"NATS/1.0\r\nK: v\r\n\r\n"
MESSAGES: list[Published] = [
    (b"s.1", b"", b"hello", b"_I.1"),
    (b"s.1", BLOCK, b"with\r\nlines", b"_I.2"),
    (b"s.22", b"", b"", b""),
    (b"s.1", BLOCK, b"", b""),
]


def parts(run: IncomingRun) -> tuple[object, ...]:
    """All that a run says."""
    places = run.start, run.stop, run.fields, run.ids, run.names, run.message_ids
    return *places, run.size, run.largest, run.count, run.batched


def test_a_run_says_where_everything_is(stage: Stage) -> None:
    """Each message comes as it was, and subjects are numbered."""
    data = b"".join(map(frame, MESSAGES))

    run = stage.plane.read_run(data, 0, 100)

    assert list(run.messages()) == MESSAGES
    assert [run.reply(each) for each in range(4)] == [b"_I.1", b"_I.2", b"", b""]
    assert (run.count, run.start, run.stop) == (4, 0, len(data))
    assert (run.names, list(memoryview(run.ids).cast("I"))) == ([b"s.1", b"s.22"], [0, 0, 1, 0])
    assert (run.size, run.largest) == (5 + 2 * len(BLOCK) + 11, len(BLOCK) + 11)
    assert len(run.rows) == 4 * FIELDS


def test_where_the_first_messages_of_a_run_end(stage: Stage) -> None:
    """The rest is a run of its own."""
    frames = [frame(each) for each in [*MESSAGES, (b"s", b"NATS/1.0\r\n\r\n", b"x", b"_I.4"), MESSAGES[0]]]
    data = b"".join(frames)
    run = stage.plane.read_run(data, 0, 100)

    for count in range(1, 7):
        assert run.end_of(count) == sum(map(len, frames[:count]))
    assert run.end_of(9) == len(data)


def test_a_part_of_a_run() -> None:
    """It has some of the messages, and knows all subjects."""
    run = run_of(MESSAGES)
    part = run.part(1, 3)

    assert [part.message(0), part.message(1)] == [each[:3] for each in MESSAGES[1:3]]
    assert (part.count, part.names, list(memoryview(part.ids).cast("I"))) == (2, run.names, [0, 1])
    assert part.reply(0) == b"_I.2"
    assert run.part(0, 9) is run


def test_a_small_part_of_much_data_is_detached(stage: Stage) -> None:
    """It is the same run, and keeps nothing in memory that came before or after it."""
    messages = [*MESSAGES, (b"s", ID_BLOCK, b"x", b"_I.3"), (b"s", b"NATS/1.0\r\n\r\n", b"x", b"_I.4")]
    data, before, after = (
        b"".join(map(frame, messages)),
        frame((b"t", b"", bytes(9), b"r"), b"2"),
        bytes(2000),
    )
    run = stage.plane.read_run(before + data + after, len(before), 100)

    small = run.detached()

    assert (small.data, small.start, small.stop) == (data, 0, len(data))
    assert parts(small) == parts(stage.plane.read_run(data, 0, 100))
    assert [small.reply(each) for each in range(6)] == [run.reply(each) for each in range(6)]
    assert list(small.messages()) == list(run.messages())
    assert small.detached() is small


def test_ids_of_messages(stage: Stage) -> None:
    """Each message has its own, or none; there is no list if none has one."""
    messages = [MESSAGES[0], (b"s", ID_BLOCK, b"", b""), MESSAGES[1]]

    run = stage.plane.read_run(b"".join(map(frame, messages)), 0, 9)

    assert list(run.messages()) == messages
    assert run.message_ids == [b"", b"an id\r ", b""]
    assert run.part(1, 3).message_ids == [b"an id\r ", b""]
    assert run.part(0, 1).message_ids == [b""]
    assert stage.plane.read_run(b"".join(map(frame, MESSAGES)), 0, 9).message_ids == []


def test_messages_of_fast_batches_are_in_runs_of_their_own(stage: Stage) -> None:
    """Their replies say what they are; parts and copies of such a run say so, too."""
    replies = b"b.1.$FI", b".$FI", b"b.1.$FI.", b"$FI", b"", b"x.$FI"
    data = b"".join(frame((b"s", b"", bytes(900), reply)) for reply in replies)

    first = stage.plane.read_run(data, 0, 100)
    second = stage.plane.read_run(data, first.stop, 100)
    third = stage.plane.read_run(data, second.stop, 100)

    assert [2, 3, 1] == [each.count for each in (first, second, third)]
    assert [True, False, True] == [each.batched for each in (first, second, third)]
    assert [True, True] == [first.part(1, 2).batched, third.detached().batched]


def test_subjects_are_collected_only_if_wanted(stage: Stage) -> None:
    """Without names there are no numbers."""
    run = stage.plane.read_run(b"".join(map(frame, MESSAGES)), 0, 100, named=False)

    assert (run.count, run.names, run.ids) == (4, [], b"")


def test_a_run_begins_and_ends_where_it_should(stage: Stage) -> None:
    """It goes on from a position, and takes as many messages as it may."""
    frames = list(map(frame, MESSAGES))
    data = b"".join(frames)

    run = stage.plane.read_run(data, len(frames[0]), 2)

    assert list(run.messages()) == MESSAGES[1:3]
    assert run.stop == len(b"".join(frames[:3]))
    assert stage.plane.read_run(data, len(data), 2).count == 0
    assert stage.plane.read_run(data, 0, 0).count == 0


def test_a_run_has_a_bound_in_bytes(stage: Stage) -> None:
    """After a MiB no further message is taken."""
    data = 5 * frame((b"s", b"", bytes(400_000), b""))

    assert stage.plane.read_run(data, 0, 100).count == 3


LONG = b"NATS/1.0\r\nK: %b\r\n\r\n" % (b"x" * 0xFFFF)

SPECIAL_BLOCKS = [
    b"NATS/1.0\r\nNats-TTL: 1\r\n\r\n",
    b"NATS/1.0\r\nNats-Msg-Id: 1\r\nNats-TTL: 1\r\n\r\n",
    b"NATS/1.0\r\nNats-TTL: 1\r\nNats-Msg-Id: 1\r\n\r\n",
    b"NATS/1.0\r\nNats-Msg-Id: 1\r\nNats-Msg-Id: 2\r\n\r\n",
    b"NATS/1.0\r\nNats-Msg-Id: Nats-\r\n\r\n",
    b"NATS/1.0\r\nNats-Msg-Id:\r\n\r\n",
    b"NATS/1.0\r\nNats-Msg-Id:   \r\n\r\n",
    b"NATS/1.0\r\nX-Nats-Msg-Id: 1\r\n\r\n",
    b"NATS/1.0\r\nNats-Msg-Id: 1",
    b"NATS/1.0\r\nNats-Msg-Id: 1\r",
    b"NATS/1.0\r\nNats-Msg-Id:",
    b"NATS/1.0\r\nNats-Msg-Id",
    b"NATS/1.0 1\r\nNats-Msg-Id: 1\r\n\r\n",
    b"Nats-Msg-Id: 1\r\n\r\n",
]
ID_BLOCK = b"NATS/1.0\r\nA: b\r\nNats-Msg-Id:  an id\r \r\nC: d\r\n\r\n"

ENDS = [
    b"MSG s 2 0\r\n\r\n",
    b"PING\r\n",
    b"\r\n",
    b"MSG s 1 5\r\nhel",
    b"MSG s 1 5",
    b"MSG s 1\r\n\r\n",
    b"MSG s 1 a b 0\r\n\r\n",
    b"MSG s 1 a b c d 0\r\n\r\n",
    b"MSG s 1 x\r\n\r\n",
    b"MSG s 1 \r\n\r\n",
    b"MSG s 1 1000000000000\r\n\r\n",
    b"MSG s  0\r\n\r\n",
    b"MSSG s 1 0\r\n\r\n",
    b"HMSG s 1 18\r\n\r\n",
    b"HMSG s 1 r q 18 18\r\n\r\n",
    b"HMSG s 1 9 8\r\n12345678\r\n",
    b"HMSG s 1 x 8\r\n12345678\r\n",
    b"-ERR 'x'\r\n",
    frame((b"s" * 0x10000, b"", b"", b"")),
    *(frame((b"s", block, b"", b"")) for block in SPECIAL_BLOCKS),
    frame((b"s", b"NATS/1.0\r\nN: Nats-\r\n\r\n", b"", b"")),
    frame((b"s", b"NATS/1.0 503\r\n\r\n", b"", b"")),
    frame((b"s", b"NATS/1.0", b"", b"")),
    frame((b"s", LONG, b"", b"")),
]


@pytest.mark.parametrize("end", ENDS, ids=range(len(ENDS)))
def test_what_ends_a_run(stage: Stage, end: bytes) -> None:
    """Another subscription, what is no message or not whole, special headers, and what is too long."""
    first = frame((b"s", b"", b"x", b""))

    run = stage.plane.read_run(first + end, 0, 100)

    assert (run.count, run.stop) == (1, len(first))


def test_headers_without_fields_are_none(stage: Stage) -> None:
    """An empty block is not stored; other text than a block stays as it is."""
    data = frame((b"s", b"NATS/1.0\r\n\r\n", b"x", b"")) + frame((b"s", b"N/1\rNats", b"y", b""))

    run = stage.plane.read_run(data, 0, 100)

    assert list(run.messages()) == [(b"s", b"", b"x", b""), (b"s", b"N/1\rNats", b"y", b"")]


def test_lines_end_with_cr_lf(stage: Stage) -> None:
    """A CR alone is a part of a subject; at the end of the data it is the end."""
    data = frame((b"a\rb", b"", b"x", b""))

    assert list(stage.plane.read_run(data, 0, 9).messages()) == [(b"a\rb", b"", b"x", b"")]
    assert stage.plane.read_run(b"MSG s 1 0\r", 0, 9).count == 0


def test_too_much_data_has_no_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Places are numbers of 32 bits."""
    monkeypatch.setattr(incoming_run, "GREATEST_DATA", 10)

    assert read_run(frame((b"s", b"", b"x", b"")), 0, 9).count == 0


WORDS = st.sampled_from(
    [b"MSG", b"HMSG", b"s", b"1", b"2", b"s.1", b"", b"0", b"3", b"18", b"20", b"x", b"_I.1", b"PING", b"9"]
)
LINES = st.lists(WORDS, min_size=1, max_size=7).map(b" ".join)
TEXTS = st.sampled_from(
    [b"", b"abc", BLOCK, ID_BLOCK, BLOCK + b"hi", b"NATS/1.0\r\n\r\n", b"NNats-", b"\r", b"\r\n"]
)
WHOLE = st.builds(
    frame,
    st.tuples(
        st.sampled_from([b"s", b"s.1", b"s.2"]),
        st.sampled_from([b"", BLOCK, b"NATS/1.0\r\n\r\n", ID_BLOCK, *SPECIAL_BLOCKS]),
        st.binary(max_size=20),
        st.sampled_from([b"", b"_I.1"]),
    ),
    st.sampled_from([b"1", b"1", b"1", b"2"]),
)
DATA = st.lists(
    st.one_of(
        WHOLE, WHOLE, st.builds(lambda line, text: line + b"\r\n" + text + b"\r\n", LINES, TEXTS), TEXTS
    ),
    max_size=8,
).map(b"".join)


@given(data=DATA, start=st.integers(0, 12), most=st.integers(0, 9), named=st.booleans())
def test_twins_read_the_same(
    make_plane: MakePlane, data: bytes, start: int, most: int, *, named: bool
) -> None:
    """Whatever the data is, and wherever a run begins."""
    plane = Stage(make_plane).plane

    assert parts(plane.read_run(data, start, most, named=named)) == parts(
        read_run(data, start, most, named=named)
    )


ONE = [
    (b"s", b"", b"x", b""),
    (b"s" * 0x10000, b"", b"", b"_I.1"),
    *((b"s", block, b"x\r\ny", b"_I.1") for block in (*SPECIAL_BLOCKS, BLOCK, LONG, b"NATS/1.0\r\n\r\n")),
]


@pytest.mark.parametrize("message", ONE, ids=range(len(ONE)))
def test_a_message_that_is_all_there_is(stage: Stage, message: tuple[bytes, bytes, bytes, bytes]) -> None:
    """Whatever its headers are, it is taken apart as it is."""
    found = stage.plane.read_one(frame(message))

    assert found == (b"1", *message)


NOT_ONE = [
    b"",
    *(end for end in ENDS[1:18]),
    frame((b"s", b"", b"x", b"")) * 2,
    frame((b"s", b"", b"x", b"")) + b"P",
    frame((b"$JS.ACK.S.c.1.1.1.1.0", b"", b"+ACK", b"")),
]


@pytest.mark.parametrize("data", NOT_ONE, ids=range(len(NOT_ONE)))
def test_what_is_not_one_message(stage: Stage, data: bytes) -> None:
    """Several, none, one that is not whole, and acks, which have a way of their own."""
    assert stage.plane.read_one(data) is None


@given(data=DATA)
def test_twins_take_one_message_apart_the_same(make_plane: MakePlane, data: bytes) -> None:
    """Whatever the data is."""
    assert Stage(make_plane).plane.read_one(data) == read_one(data)


def test_places_outside(stage: Stage) -> None:
    """Beyond the data there is no message."""
    assert stage.plane.read_run(b"MSG s 1 0\r\n\r\n", 99, 9).count == 0
