"""Unit tests of text that others chose."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.text import printable


@pytest.mark.parametrize("text", ["", "plain", "with 'quotes' \\ and [brackets]", "Zoë 你好 🎉"])
def test_printable_text_stays(text: str) -> None:
    """Printable text of any script is left as it is, the backslash too."""
    assert text == printable(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\r\nb", r"a\r\nb"),
        ("a\tb", r"a\tb"),
        ("a\0b", r"a\x00b"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\x7f", r"\x7f"),
        ("\x9b31m", r"\x9b31m"),
        ("é\u202eevil", "é\\u202eevil"),
        ("line\u2028end", "line\\u2028end"),
        ("\udcff", r"\udcff"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_what_drives_a_terminal_is_spelt_out(text: str, shown: str) -> None:
    """Control characters, line ends of every kind and direction marks become escapes."""
    assert shown == printable(text)


@given(st.text())
def test_the_result_is_one_printable_line(text: str) -> None:
    """Whatever comes in, what goes out can be printed and is one line."""
    shown = printable(text)

    assert shown.isprintable()
    assert shown == printable(shown)
