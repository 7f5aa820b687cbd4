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


@pytest.mark.parametrize("size", [*range(20), 63, 64, 65, 1000, 65_536])
def test_data_of_all_lengths(own: Masks, size: int) -> None:
    """Data is unmasked from first to last, into new bytes or a room, and nothing beside it."""
    data = bytes(number * 7 % 256 for number in range(size))
    room = memoryview(bytearray(size + 2))

    own.unmask_into(room, memoryview(_masked(data)), MASK)

    assert data == own.unmask(_masked(data), MASK)
    assert data + b"\0\0" == bytes(room)


def test_what_does_not_fit(own: Masks) -> None:
    """Too small a room and a mask of another length are defects, and nothing is written."""
    room = memoryview(bytearray(3))

    with pytest.raises(ValueError, match=r"."):
        own.unmask_into(room, b"four", MASK)
    with pytest.raises(ValueError, match=r"."):
        own.unmask(b"four", b"abc")

    assert bytes(3) == bytes(room)


def test_messages_are_copied_as_far_as_they_are_whole(own: Masks) -> None:
    """Frames that are whole messages are taken in order; whatever else comes is left to the caller."""
    whole = frame(b"PING\r\n") + frame(b"") + frame(200 * b"x", 0x81)
    rest = frame(b"part", 0x02)
    room = memoryview(bytearray(1000))

    at, filled = own.copy_messages(b"?" + whole + rest, 1, room, 2, 1000)

    assert (at, filled) in ((1 + len(whole), 2 + 206), (1, 2))
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
        frame(b"cut")[:-1],
        frame(b"")[:-1],
        frame(200 * b"x")[:7],
        frame(70_000 * b"x")[:13],
        frame(101 * b"x"),
        frame(b"", length=2**40),
        frame(b"", length=2**63),
        frame(b"", length=2**64 - 1),
        frame(21 * b"x"),
        b"",
    ],
)
def test_what_is_left_to_the_caller(own: Masks, rest: bytes) -> None:
    """No other frame is touched: neither one that is not whole, nor one that is too long, or lies."""
    room = memoryview(bytearray(20))

    assert (0, 0) == own.copy_messages(rest, 0, room, 0, 100)
    assert bytes(20) == bytes(room)


def test_places_outside() -> None:
    """Our own functions write to no place outside of the room, whatever they are asked for."""
    own = masks()
    if isinstance(own, LibraryMasks):
        pytest.skip("they are not built here")
    room = memoryview(bytearray(8))

    for at, filled in ((-1, 0), (0, -1), (0, 9)):
        with pytest.raises(ValueError, match="outside"):
            own.copy_messages(frame(b"data"), at, room, filled, 100)
    assert (99, 8) == own.copy_messages(frame(b"data"), 99, room, 8, 100)


def test_where_they_are_not_built(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a compiler those of the library are used."""
    monkeypatch.setitem(sys.modules, f"{module.__package__}.native_frames", None)

    assert isinstance(masks.__wrapped__(), LibraryMasks)


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
    for own in (masks(), library_masks()):
        reader = FrameReader(own, 100_000, deflate=deflate)
        got = read(reader, data, room=room, step=step) if data else b""
        error = reader.error
        outcomes.append((got, reader.pings, reader.closed, error and (error.code, str(error))))

    assert outcomes[0] == outcomes[1]
