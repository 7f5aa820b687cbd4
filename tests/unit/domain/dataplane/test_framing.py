"""How a message is written."""

from app.domain.dataplane.framing import start_of, tail_of


def test_the_parts_make_the_line() -> None:
    """Start, sid and tail are the line, with and without a reply subject."""
    head = start_of(b"foo") + b"7 "

    assert b"MSG foo 7 bar 5\r\n" == head + tail_of([b"bar", b"5"])
    assert b"MSG foo 7 5\r\n" == head + tail_of([b"5"])
