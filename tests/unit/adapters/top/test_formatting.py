"""How figures and untrusted texts are written."""

import pytest

from app.adapters.top.formatting import columns, count, plain_cell, shortened, size


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1.0K"),
        (161_600, "161.6K"),
        (1_600_000, "1.6M"),
        (2e9, "2.0B"),
        (3e15, "3000.0T"),
    ],
)
def test_counts(value: float, text: str) -> None:
    """Things are counted in thousands."""
    assert text == count(value, raw=False)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1023, "1023"), (1024, "1.0K"), (8_600_000, "8.2M"), (1 << 50, "1048576.0G")],
)
def test_sizes(value: float, text: str) -> None:
    """Bytes are counted in steps of 1024."""
    assert text == size(value, raw=False)


def test_raw_figures() -> None:
    """A raw figure shows all its digits."""
    assert ("1234567", "1234567") == (count(1_234_567, raw=True), size(1_234_567, raw=True))


@pytest.mark.parametrize(("text", "width"), [("abc", 3), ("東京", 4), ("e\u0301", 1), ("", 0)])
def test_columns_of_a_terminal(text: str, width: int) -> None:
    """Wide letters take two columns, and accents on top of a letter take none."""
    assert width == columns(text)


@pytest.mark.parametrize(
    ("text", "shown"), [("12345", "12345"), ("123456", "1234…"), ("東京東京", "東京…"), ("x" * 1000, "xxxx…")]
)
def test_shortened(text: str, shown: str) -> None:
    """A text that is too long ends in an ellipsis, within the columns that it has."""
    assert shown == shortened(text, 5)


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "|cmd", "%0a"])
def test_no_formulas(name: str) -> None:
    """What a spreadsheet would calculate is text to it; the sign for an unknown rate stays as it is."""
    assert f"'{name}" == plain_cell(name)
    assert ["-", "", "a=1", "1.5K"] == [plain_cell(text) for text in ("-", "", "a=1", "1.5K")]
