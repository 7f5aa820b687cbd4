"""The frames of a websocket, byte by byte."""

import zlib
from collections.abc import Callable

import pytest

from app.adapters.net_asyncio.websocket_frames import (
    FrameReader,
    closing,
    control,
    deflated,
    header,
)
from app.adapters.net_asyncio.websocket_masks import Masks, library_masks, masks
from tests.support.websocket_frames import frame

LIMIT = 1_000_000


def squeeze(data: bytes) -> bytes:
    """A compressed payload."""
    return deflated(data, 15)


def read(reader: FrameReader, data: bytes, *, room: int = 65536, step: int = 0) -> bytes:
    """All that a reader makes of the input, fed in steps."""
    out, place = bytearray(), memoryview(bytearray(room))
    for at in range(0, len(data), step or len(data)):
        reader.feed(memoryview(data)[at : at + (step or len(data))])
        while reader.has_input:
            out += place[: reader.read_into(place)]
        reader.keep()
    return bytes(out)


_chosen: dict[str, Callable[[], Masks]] = {"built": masks, "library": library_masks}


@pytest.fixture(autouse=True, params=_chosen)
def _masks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test runs with our own functions, where they are built, and with those of the library."""
    monkeypatch.setitem(_chosen, "used", _chosen[request.param])


def new_reader(*, deflate: bool = False, limit: int = LIMIT) -> FrameReader:
    """A reader of a fresh link."""
    return FrameReader(_chosen["used"](), limit, deflate=deflate)


@pytest.mark.parametrize("step", [0, 1, 1000])
@pytest.mark.parametrize("room", [1, 64, 200, 65536])
@pytest.mark.parametrize("size", [0, 1, 7, 125, 126, 300, 70_000])
def test_whole_messages_of_one_size(size: int, room: int, step: int) -> None:
    """Messages with headers of all three lengths are one stream, also where the room ends within one."""
    data = bytes(number % 251 for number in range(size))
    count = 1 if size > 1000 else 5

    if size > 1000 and min(room, step or room) == 1:
        pytest.skip("a megabyte byte by byte shows no more")

    assert read(new_reader(), count * frame(data), room=room, step=step) == count * data


def test_a_message_at_the_limit() -> None:
    """As many bytes as are allowed are read in one message, any number of times; one more ends the link."""
    reader = new_reader(limit=1000)

    assert read(reader, 3 * frame(bytes(1000)) + frame(bytes(1001))) == bytes(3000)
    assert reader.error is not None
    assert reader.error.code == 1009


@pytest.mark.parametrize("step", [0, 1, 3, 7])
@pytest.mark.parametrize("room", [1, 5, 65536])
def test_frames_need_not_align_with_lines(step: int, room: int) -> None:
    """W7: the data of frames of any size and kind is one stream, however it arrives."""
    data = frame(b"PI") + frame() + frame(b"NG\r\nPUB a ", 0x01) + frame(b"300\r\n" + b"x" * 300, 0x00)
    data += frame(b"ping", 0x89) + frame(b"", 0x00) + frame(b"\r\n", 0x80)
    reader = new_reader()

    assert read(reader, data, room=room, step=step) == b"PING\r\nPUB a 300\r\n" + b"x" * 300 + b"\r\n"
    assert reader.pings == [b"ping"]
    assert reader.error is None


@pytest.mark.parametrize("step", [0, 1, 5])
@pytest.mark.parametrize("room", [1, 64, 65536])
def test_compressed_messages_are_inflated(step: int, room: int) -> None:
    """Compressed messages, in one frame or more, with plain ones between, are one stream too."""
    text = b"PUB a 300\r\n" + b"y" * 300 + b"\r\n"
    packed = squeeze(text)
    data = frame(packed, 0xC2) + frame(b"plain") + frame(packed[:4], 0x42) + frame(packed[4:], 0x00)
    data += frame(b"", 0x80) + frame(packed, 0xC1)
    reader = new_reader(deflate=True)

    assert read(reader, data, room=room, step=step) == text + b"plain" + text + text
    assert reader.error is None


def test_long_frame_is_handed_on_as_it_comes() -> None:
    """A frame of 100 000 bytes is unmasked in pieces of any size."""
    data = bytes(range(250)) * 400

    assert read(new_reader(), frame(data), step=4093) == data


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(b"", length=2**63), 1002),
        (frame(b"x", length=2**63 - 1), 1009),
        (frame(b"x", length=2**40), 1009),
        (b"\x82\x01x", 1002),
        (frame(b"x", 0xC2), 1002),
        (frame(b"x", 0xA2), 1002),
        (frame(b"x", 0x85), 1002),
        (frame(b"x", 0x8B), 1002),
        (frame(b"x", 0x09), 1002),
        (frame(b"x" * 200, 0x89), 1002),
        (frame(b"x", 0xC9), 1002),
        (frame(b"x", 0x80), 1002),
        (frame(b"x", 0x02) + frame(b"x", 0x02), 1002),
        (frame(b"x", 0x88), 1002),
        (frame((1005).to_bytes(2, "big"), 0x88), 1002),
        (frame((1000).to_bytes(2, "big") + b"\xff", 0x88), 1007),
    ],
)
def test_frames_that_break_the_rules(data: bytes, code: int) -> None:
    """W3 and W6: each has its status, and ends the reading."""
    reader = new_reader()

    read(reader, data + frame(b"more"))

    assert reader.error is not None
    assert reader.error.code == code
    assert not reader.has_input


def test_data_before_a_mistake_counts() -> None:
    """What came before the frame that breaks the rules is handed on."""
    reader = new_reader()

    assert read(reader, frame(b"PING\r\n") + b"\x82\x01x") == b"PING\r\n"
    assert reader.error is not None


def test_bomb_is_inflated_up_to_the_limit() -> None:
    """W4: what inflates to 200 MB ends at the limit, and no more than the room comes out at once."""
    bomb = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = b"".join(bomb.compress(bytes(2**20)) for _ in range(200)) + bomb.flush(zlib.Z_SYNC_FLUSH)[:-4]
    reader = new_reader(deflate=True)

    assert len(read(reader, frame(packed, 0xC2))) <= LIMIT
    assert reader.error is not None
    assert reader.error.code == 1009


@pytest.mark.parametrize("packed", [False, True])
def test_message_without_an_end(packed: bool) -> None:  # noqa: FBT001 - a parameter of a test
    """W5: fragments without a final one end at the limit, compressed or not."""
    reader = new_reader(deflate=True, limit=10_000)
    piece = zlib.compressobj(0, zlib.DEFLATED, -15)
    data = bytearray(frame(b"x", 0x02) if not packed else frame(piece.compress(b""), 0x42))
    for _ in range(100):
        part = bytes(1000)
        body = piece.compress(part) + piece.flush(zlib.Z_SYNC_FLUSH) if packed else part
        data += frame(body, 0x00)

    assert len(read(reader, bytes(data))) <= 10_000
    assert reader.error is not None
    assert reader.error.code == 1009


def test_broken_compression() -> None:
    """Data that zlib refuses ends the link with status 1007."""
    reader = new_reader(deflate=True)

    read(reader, frame(b"\xff\xff\xff\xff", 0xC2))

    assert reader.error is not None
    assert reader.error.code == 1007


def test_compressed_stream_may_end_itself() -> None:
    """A final block within the message is taken, and what follows it in the message is dropped."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(b"PING\r\n") + packer.flush()
    reader = new_reader(deflate=True)

    assert read(reader, frame(packed + b"\0junk", 0xC2) + frame(b"PONG\r\n")) == b"PING\r\nPONG\r\n"


@pytest.mark.parametrize("payload", [b"", b"\x03\xe8", b"\x03\xe8bye"])
def test_nothing_is_read_after_a_close(payload: bytes) -> None:
    """The payload of the close frame is kept, what follows it is not read."""
    reader = new_reader()

    assert read(reader, frame(b"a") + frame(payload, 0x88) + frame(b"b")) == b"a"
    assert reader.closed == payload


def test_headers_of_all_lengths() -> None:
    """A length takes the shortest of its three forms."""
    assert header(125) == b"\x82\x7d"
    assert header(126, deflated=True) == b"\xc2\x7e\x00\x7e"
    assert header(65536) == b"\x82\x7f" + (65536).to_bytes(8, "big")
    assert closing(1002, "bad") == control(8, b"\x03\xeabad")
