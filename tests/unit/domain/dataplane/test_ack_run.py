"""Plain acks are recognised by their subject, and nothing else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.dataplane.ack_run import MOST_ACKS, read_acks
from app.domain.dataplane.seam import MakePlane
from tests.fakes.data_plane import Stage


def ack(sequence: int | bytes, consumer: bytes = b"C", body: bytes = b"+ACK", sid: bytes = b"2") -> bytes:
    """A message with an ack, as the server's connection gets it."""
    number = b"%d" % sequence if isinstance(sequence, int) else sequence
    words = b"MSG $JS.ACK.S.%b.1.%b.7.1795893030685683526.3 %b %d" % (consumer, number, sid, len(body))
    return words + b"\r\n" + body + b"\r\n"


def test_acks_in_a_row(stage: Stage) -> None:
    """Those of one consumer are read together, whatever plain form they have."""
    data = b"MSG x 1 0\r\n\r\n" + ack(5) + ack(9, body=b"") + ack(6, body=b"+OK")

    run = stage.plane.read_acks(data + ack(7, b"D"), 13)

    assert run is not None
    assert (run.stream, run.consumer, run.sid, run.end) == (b"S", b"C", b"2", len(data))
    assert list(run.sequences) == [5, 9, 6]
    assert run.sequences.typecode == "q"


@pytest.mark.parametrize(
    "other", [ack(1, body=b"-NAK"), ack(1, sid=b"3"), ack(1, b"CC"), ack(b"x"), b"", b"MSG x 1 0\r\n\r\n"]
)
def test_a_run_ends_before_anything_else(stage: Stage, other: bytes) -> None:
    """Another kind, subscription, consumer or message."""
    run = stage.plane.read_acks(ack(4) + other, 0)

    assert run is not None
    assert (list(run.sequences), run.end) == ([4], len(ack(4)))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"MSG $JS.ACK.",
        b"MSG $JS.ACK.S.C.1.2.3.4 2 0\r\n\r\n",
        b"MSG $JS.ACK.S.C.1.2.3.4.5.6 2 0\r\n\r\n",
        b"MSG $JS.ACK._.h.S.C.1.2.3.4.5 2 0\r\n\r\n",
        b"MSG $JS.ACK..C.1.2.3.4.5 2 0\r\n\r\n",
        b"MSG $JS.ACK.S..1.2.3.4.5 2 0\r\n\r\n",
        b"MSG $JS.ACK.S.C..2.3.4.5 2 0\r\n\r\n",
        b"MSG $JS.ACK.S.C.1..3.4.5 2 0\r\n\r\n",
        b"MSG $JS.ACK.S.C.1.2..4.5 2 0\r\n\r\n",
        b"MSG $JS.ACK.S.C.1.2.x.4.5 2 0\r\n\r\n",
        b"MSG $JS.ACK.S.C.1.2.3..5 2 0\r\n\r\n",
        b"MSG $JS.ACK.S.C.1.2.3.4. 2 0\r\n\r\n",
        b"MSG $JS.ACK.S.C.1.2.3.4.5 2 reply 0\r\n\r\n",
        b"MSG $JS.ACK.S.C.1.2.3.4.5 2 4\r\n-NAK\r\n",
        b"MSG $JS.ACK.S.C.1.2.3.4.5 2\r\n",
        b"MSG $JS.ACK.S.C.1.2.3.4.5  0\r\n\r\n",
        b"MSG $JS.ACK.S.C.1.2.3.4.5",
        ack(10**18),
        ack(b"-1"),
    ],
)
def test_other_messages(stage: Stage, data: bytes) -> None:
    """They are for those who look at one message after the other."""
    assert stage.plane.read_acks(data, 0) is None
    assert stage.plane.read_acks(data, len(data)) is None


def test_very_many(stage: Stage) -> None:
    """One run has an end."""
    data = ack(1) * (MOST_ACKS + 3)

    run = stage.plane.read_acks(data, 0)

    assert run is not None
    assert (len(run.sequences), run.end) == (MOST_ACKS, MOST_ACKS * len(ack(1)))


@given(
    st.lists(
        st.sampled_from([ack(1), ack(12345), ack(2, body=b""), ack(3, b"D"), ack(b"7" * 18)]), max_size=4
    ),
    st.lists(st.tuples(st.integers(0, 300), st.sampled_from(b". \r\n09+x$")), max_size=2),
    st.integers(0, 300),
)
def test_twins_agree(
    make_plane: MakePlane, acks: list[bytes], changes: list[tuple[int, int]], length: int
) -> None:
    """Whatever is wrong with a message, both find the same acks."""
    data = bytearray(b"".join(acks))
    for at, byte in changes:
        data[at : at + 1] = bytes([byte])
    cut = bytes(data[: max(length, 60)])

    assert Stage(make_plane).plane.read_acks(cut, 0) == read_acks(cut, 0)
