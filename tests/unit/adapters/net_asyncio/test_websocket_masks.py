"""Unmasking, by our own functions where they are built, and by the library."""

import sys
from collections.abc import Callable

import pytest

from app.adapters.net_asyncio import websocket_masks as module
from app.adapters.net_asyncio.websocket_masks import LibraryMasks, Masks, library_masks, masks
from tests.support.websocket_frames import MASK, frame

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
