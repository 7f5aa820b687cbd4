"""Unmasking, by our own functions where they are built, and by the library."""

import sys
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.adapters.net_asyncio import websocket_masks as module
from app.adapters.net_asyncio.websocket_frames import FrameReader
from app.adapters.net_asyncio.websocket_masks import LibraryMasks, Masks, library_masks, masks
from tests.support.websocket_frames import MASK, frame
from tests.unit.adapters.net_asyncio.test_websocket_frames import read, squeeze

MAKERS: dict[str, Callable[[], Masks]] = {"built": masks, "library": library_masks}


@pytest.fixture(name="own", params=MAKERS)
def _own(request: pytest.FixtureRequest) -> Masks:
    return MAKERS[request.param]()


def _masked(data: bytes) -> bytes:
    return bytes(byte ^ MASK[at & 3] for at, byte in enumerate(data))


@pytest.mark.parametrize("size", [*range(20), 63, 64, 65, 127, 128, 129, 191, 192, 200, 1000, 65_536])
@pytest.mark.parametrize("ahead", [None, 0, 1, 8, 14])
def test_data_of_all_lengths(own: Masks, size: int, ahead: int | None) -> None:
    """A payload is unmasked from first to last, also within one room, and nothing beside it."""
    data = bytes(number * 7 % 256 for number in range(size))
    room = memoryview(bytearray(size + 20))
    given, at = memoryview(_masked(data)), 0
    if ahead is not None:
        room[ahead : ahead + size] = given
        given, at = room[: ahead + size], ahead

    found = own.copy_frames(given, at, room, 0, size, MASK, 0)

    turn = size & 3
    assert (at + size, size, 0) == found[:3]
    assert found[3] in (MASK[turn:] + MASK[:turn], MASK)
    assert data == own.unmask(_masked(data), MASK)
    assert data == bytes(room[:size])
    assert ahead is not None or bytes(20) == bytes(room[size:])


@pytest.mark.parametrize(("at", "room_bytes"), [(0, 5), (0, 100), (3, 2), (6, 9)])
def test_a_payload_in_pieces(own: Masks, at: int, room_bytes: int) -> None:
    """Where the data or the room ends within a payload, the next call goes on there."""
    text = b"0123456789abcdef"
    data, mask, out = bytes(at) + _masked(text), MASK, b""
    left = len(text)

    while left:
        room = memoryview(bytearray(room_bytes))
        at, filled, left, mask = own.copy_frames(data[: at + 7], at, room, 0, left, mask, 0)
        out += bytes(room[:filled])

    assert text == out


def test_a_mask_of_another_length(own: Masks) -> None:
    """A mask that has not four bytes is a defect of the caller, and raises."""
    with pytest.raises(ValueError, match=r"."):
        own.unmask(b"four", b"abc")


def test_messages_are_copied_as_far_as_they_are_whole(own: Masks) -> None:
    """Frames that are whole messages are taken in order; whatever else comes is left to the caller."""
    whole = frame(b"PING\r\n") + frame(b"") + frame(200 * b"x", 0x81)
    rest = frame(b"part", 0x02)
    room = memoryview(bytearray(1000))

    at, filled, left, _ = own.copy_frames(b"?" + whole + rest, 1, room, 2, 0, MASK, 1000)

    assert (at, filled, left) in ((1 + len(whole), 2 + 206, 0), (1, 2, 0))
    assert bytes(room[2:filled]) in (b"PING\r\n" + 200 * b"x", b"")
    assert b"\0\0" == bytes(room[:2])


@pytest.mark.parametrize(
    "rest",
    [
        frame(b"part", 0x02),
        frame(b"more", 0x80),
        frame(b"ping", 0x89),
        frame(b"packed", 0xC2),
        frame(b"odd", 0xA2),
        frame(b"odd", 0x83),
        b"\x82\x04open",
        frame(b"")[:-1],
        frame(200 * b"x")[:7],
        frame(70_000 * b"x")[:13],
        frame(101 * b"x"),
        frame(b"", length=2**40),
        frame(b"", length=2**63),
        frame(b"", length=2**64 - 1),
        b"",
    ],
)
def test_what_is_left_to_the_caller(own: Masks, rest: bytes) -> None:
    """No other frame is touched: neither one whose header is not whole, nor one that is too long, or lies."""
    room = memoryview(bytearray(20))

    assert (0, 0, 0) == own.copy_frames(rest, 0, room, 0, 0, MASK, 100)[:3]
    assert bytes(20) == bytes(room)


@pytest.mark.parametrize("data", [frame(b""), frame(b"data"), frame(b"data", 0x81)])
def test_no_frame_is_begun_within_a_message(own: Masks, data: bytes) -> None:
    """A negative limit lets nothing begin, not even what is empty."""
    room = memoryview(bytearray(20))

    assert (0, 0, 0) == own.copy_frames(data, 0, room, 0, 0, MASK, -1)[:3]
    assert bytes(20) == bytes(room)


def test_places_outside() -> None:
    """Our own functions touch no place outside of data and room, whatever they are asked for."""
    own = masks()
    if isinstance(own, LibraryMasks):
        pytest.skip("they are not built here")
    room = memoryview(bytearray(8))

    for at, filled, left, mask in (
        (-1, 0, 0, MASK),
        (99, 0, 0, MASK),
        (0, -1, 0, MASK),
        (0, 9, 0, MASK),
        (0, 0, -1, MASK),
        (0, 0, 1, b"abc"),
    ):
        with pytest.raises(ValueError, match=r"outside|four bytes"):
            own.copy_frames(frame(b"data"), at, room, filled, left, mask, 100)
    assert (10, 8, 0) == own.copy_frames(frame(b"data"), 10, room, 8, 0, MASK, 100)[:3]
    assert (10, 0, 5) == own.copy_frames(frame(b"data"), 10, room, 0, 5, MASK, 100)[:3]


def test_where_they_are_not_built(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a compiler those of the library are used."""
    monkeypatch.setitem(sys.modules, f"{module.__package__}.native_frames", None)

    assert isinstance(masks.__wrapped__(), LibraryMasks)


def _read_in_place(reader: FrameReader, data: bytes, *, room: int, step: int) -> bytes:
    """All that a reader makes of the input, each step of which is read where its data goes."""
    out, place = bytearray(), memoryview(bytearray(room + 200_000))
    for at in range(0, len(data), step or len(data)):
        if reader.error is None and reader.closed is None:
            piece = data[at : at + (step or len(data))]
            reader.prepare(place)[: len(piece)] = piece
            out += place[: reader.read_in_place(place, len(piece))]
    return bytes(out)


_FIRSTS = st.sampled_from([0x82, 0x81, 0x02, 0x00, 0x80, 0x89, 0x8A, 0x88, 0xC2, 0x42, 0xA2, 0x83])
_PAYLOADS = st.one_of(st.binary(max_size=200), st.integers(0, 70_000).map(bytes))
_FRAMES = st.one_of(
    st.builds(frame, _PAYLOADS),
    st.builds(frame, _PAYLOADS, _FIRSTS),
    st.builds(lambda data: frame(squeeze(data), 0xC2), _PAYLOADS),
    st.builds(
        lambda data, length: frame(data, length=length), st.binary(max_size=20), st.integers(0, 2**64 - 1)
    ),
    st.binary(max_size=20),
)


@given(
    st.lists(_FRAMES, max_size=12).map(b"".join),
    st.sampled_from([1, 7, 200, 65_536]),
    st.sampled_from([0, 3, 1000, 8192]),
    st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_both_agree(data: bytes, room: int, step: int, deflate: bool) -> None:  # noqa: FBT001 - an example's part
    """Whatever comes in, our functions and the library's lead to the same data, pongs, closing and error."""
    if len(data) > 5000 and (room < 200 or 0 < step < 1000):
        room, step = 65_536, 1000
    outcomes = []
    for own, how in ((masks(), read), (library_masks(), read), (masks(), _read_in_place)):
        reader = FrameReader(own, 100_000, deflate=deflate)
        feed = how if reader.reads_in_place else read
        got = feed(reader, data, room=room, step=step) if data else b""
        error = reader.error
        outcomes.append((got, reader.pings, reader.closed, error and (error.code, str(error))))

    assert outcomes[0] == outcomes[1] == outcomes[2]
