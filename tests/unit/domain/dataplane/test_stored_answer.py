"""Answers that are stored messages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.dataplane import choose
from app.domain.dataplane.seam import MakePlane
from tests.fakes.data_plane import Stage

BEGIN = b"Nats-Stream: S\r\nNats-Subject: "
SECOND = 10**9


def test_the_headers_say_which_message_it_is(stage: Stage) -> None:
    """Its own fields come first, then stream, subject, sequence and time."""
    station = stage.station()
    station.outbox.headers = True
    stage.subscribe(b"_I.1", station.target(b"7"))
    message = (41, 1_795_000_000 * SECOND + 5_000, b"s.1", b"NATS/1.0\r\nA: b\r\n\r\n", b"hello")

    assert stage.plane.answer_stored(b"_I.1", BEGIN, message)
    block = (
        b"NATS/1.0\r\nA: b\r\nNats-Stream: S\r\nNats-Subject: s.1\r\nNats-Sequence: 41\r\n"
        b"Nats-Time-Stamp: 2026-11-18T11:06:40.000005Z\r\n\r\n"
    )
    assert station.heard() == b"HMSG _I.1 7 %d %d\r\n%bhello\r\n" % (len(block), len(block) + 5, block)
    station.outbox.congested = True
    assert not stage.plane.answer_stored(b"_I.1", BEGIN, message)
    assert stage.plane.answer_stored(b"_I.2", BEGIN, message)
    assert station.heard() == b""


def test_only_a_stored_message_will_do(make_plane: MakePlane) -> None:
    """Anything else is a mistake of the caller."""
    stage = Stage(make_plane)
    stage.subscribe(b"_I.1", stage.station().target())

    with pytest.raises(TypeError):
        stage.plane.answer_stored(b"_I.1", BEGIN, None)  # type: ignore[arg-type]


@given(
    time=st.one_of(
        st.integers(min_value=-(2**62), max_value=2**63 - 1),
        st.integers(min_value=0, max_value=4 * 10**9).map(lambda seconds: seconds * SECOND),
        st.sampled_from(
            [0, 1, 951_782_400 * SECOND, 951_868_799 * SECOND + 120_000_000, 4_107_542_400 * SECOND]
        ),
    ),
    headers=st.sampled_from([b"", b"A", b"AB", b"NATS/1.0\r\n\r\n", b"NATS/1.0\r\nA: b\r\n\r\n"]),
    subject=st.sampled_from([b"s", b"s." + b"x" * 2000]),
    headed=st.booleans(),
)
def test_twins_give_the_same_answer(
    make_plane: MakePlane, time: int, headers: bytes, subject: bytes, *, headed: bool
) -> None:
    """To the byte, at any time, also where the receiver takes no headers."""
    heard = []
    for make in (make_plane, choose("python")[1]):
        stage = Stage(make)
        station = stage.station()
        station.outbox.headers = headed
        stage.subscribe(b"_I.1", station.target())
        for number in (1, 10, 10**12, 2**63 - 1):
            assert stage.plane.answer_stored(b"_I.1", BEGIN, (number, time, subject, headers, b"hello"))
        heard.append(station.heard())

    assert heard[0] == heard[1]
