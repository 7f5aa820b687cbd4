"""What hooks answer, as clients read it."""

import pytest

from app.domain.hooks.decisions import LONGEST_REASON, Refuse


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("", b""),
        ("not today", b"not today"),
        (" it's\r\n+OK\r\n", b'it"s  +OK'),
        (2 * LONGEST_REASON * "x", LONGEST_REASON * b"x"),
        ("é\ud800", "é".encode()),
    ],
)
def test_a_reason(reason: str, text: bytes) -> None:
    """It is one short line without the quotes that end an error."""
    assert text == Refuse(reason).text
