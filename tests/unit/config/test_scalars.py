"""Unit tests of lengths of time."""

import pytest

from app.config.scalars import parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2s", 2.0),
        ("1m30s", 90.0),
        ("500ms", 0.5),
        ("1h", 3600.0),
        ("1.5s", 1.5),
        (".5s", 0.5),
        ("2.s", 2.0),
        ("1h2m3s4ms", 3723.004),
        ("0s", 0.0),
        ("250us", 250e-6),
        ("250µs", 250e-6),
        ("1000ns", 1e-6),
    ],
)
def test_times(text: str, seconds: float) -> None:
    """Times are written as in Go: numbers with units, in a row."""
    assert seconds == pytest.approx(parse_duration(text))


@pytest.mark.parametrize(
    "text", ["", "2", "s", "2 s", "2S", "2d", "-2s", "+2s", "2s1", ".s", "1e3s", "٢s", "2s\n"]
)
def test_no_times(text: str) -> None:
    """Anything else is refused, with examples of what would do."""
    with pytest.raises(ValueError, match=r'^must be a number of seconds, or a time such as "2s"'):
        parse_duration(text)
