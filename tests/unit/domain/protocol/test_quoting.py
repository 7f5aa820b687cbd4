"""Text in quotes, as current servers write it."""

import pytest

from app.domain.protocol.quoting import quoted, quoted_text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (b"", b'""'),
        (b"a.b", b'"a.b"'),
        (b"it's", b'"it\'s"'),
        (b'a"b\\c', b'"a\\"b\\\\c"'),
        (b"\a\b\f\n\r\t\v", b'"\\a\\b\\f\\n\\r\\t\\v"'),
        (b"\0\x1b\x7f", b'"\\x00\\x1b\\x7f"'),
        (b"\xff\xc3", b'"\\xff\\xc3"'),
        ("é中".encode(), '"é中"'.encode()),
        ("\u200b\ue000\U000e0001".encode(), b'"\\u200b\\ue000\\U000e0001"'),
    ],
)
def test_escapes(text: bytes, shown: bytes) -> None:
    """What cannot be printed is escaped as Go's %q does, and the rest is left as it is."""
    assert shown == quoted(text)


def test_bytes_of_a_command_line() -> None:
    """A byte that is no UTF-8, as Python reads it, is shown as that byte."""
    assert '"a\\xff\\"é"' == quoted_text(b'a\xff"'.decode("utf-8", "surrogateescape") + "é")
