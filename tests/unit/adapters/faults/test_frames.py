"""Traffic, cut into lines and messages."""

import pytest

from app.adapters.faults.frames import LONGEST_LINE, OTHER, Frame, FrameSplitter

STREAM = (
    b'CONNECT {"verbose":false}\r\nping\r\nPUB a.b r 4\r\n\r\nx\n\r\nHPUB a 12 14\r\nNATS/1.0\r\n\r\nhi\r\n'
    b"MSG a 7 0\r\n\r\n\r\nHMSG a 8 r 12 12\r\nNATS/1.0\r\n\r\n\r\n"
)


def test_any_pieces_make_the_same_frames() -> None:
    """Whole, byte by byte, and with the beginning of one more."""
    whole = FrameSplitter().feed(STREAM)
    bytewise = FrameSplitter()
    single = [frame for byte in STREAM for frame in bytewise.feed(bytes([byte]))]
    more = FrameSplitter()
    trailing = more.feed(STREAM + b"PUB a 5\r\n12")

    assert whole == single == trailing
    assert b"".join(frame.raw for frame in whole) == STREAM
    assert (b"", b"PUB a 5\r\n12") == (bytewise.rest, more.rest)


def test_what_a_frame_says() -> None:
    """Verb, subject and subscription, of lines that have them."""
    found = [(frame.verb, frame.subject, frame.sid) for frame in FrameSplitter().feed(STREAM)]

    assert found == [
        (b"CONNECT", "", b""),
        (b"PING", "", b""),
        (b"PUB", "a.b", b""),
        (b"HPUB", "a", b""),
        (b"MSG", "a", b"7"),
        (OTHER, "", b""),
        (b"HMSG", "a", b"8"),
    ]


@pytest.mark.parametrize("line", [b"PUB a x\r\n", b"PUB\r\n", b"PUB a 1111111111\r\n"])
def test_what_has_no_size_is_passed_on(line: bytes) -> None:
    """The server refuses it; all that follows belongs to it."""
    assert [Frame(line + b"PING\r\n", OTHER)] == FrameSplitter().feed(line + b"PING\r\n")


def test_a_line_without_end() -> None:
    """It is passed on in pieces, so memory is bounded."""
    splitter = FrameSplitter()
    data = (LONGEST_LINE + 1) * b"x"

    assert [Frame(data, OTHER)] == splitter.feed(data)
    assert splitter.rest == b""


def test_a_message_above_the_limit() -> None:
    """Its line is passed on at once, its payload as it comes, and the next frame is found."""
    splitter = FrameSplitter(lambda: 3)

    assert [Frame(b"PUB a 4\r\n", OTHER)] == splitter.feed(b"PUB a 4\r\n")
    assert [Frame(b"\n", OTHER)] == splitter.feed(b"\n")
    [rest, ping] = splitter.feed(b"xxx\r\nPING\r\n")
    assert (Frame(b"xxx\r\n", OTHER), b"PING") == (rest, ping.verb)


def test_it_may_begin_in_the_middle() -> None:
    """The first frame is the rest of the one that was begun; whole ones before it are over."""
    splitter = FrameSplitter()
    splitter.resume_after(b"PING\r\nPUB a 9\r\nxx\r")

    [rest, ping] = splitter.feed(b"\nPING\r\r\nPONG\r\n")

    assert (Frame(b"\nPING\r\r\n", OTHER), b"PONG") == (rest, ping.verb)
