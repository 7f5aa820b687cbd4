"""Unit tests of patterns of times (jetstream-streams.md, section 7)."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from app.domain.jetstream.streams.cron import BadPattern, Cron
from app.domain.jetstream.streams.durations import SECOND

BEGIN = "2026-11-28T19:08:48"


def ns(text: str) -> int:
    """A time in UTC."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


def text(time: int) -> str:
    """The same back."""
    return datetime.fromtimestamp(time // SECOND, UTC).replace(tzinfo=None).isoformat()


@pytest.mark.parametrize(
    ("pattern", "following"),
    [
        ("* * * * * *", "2026-11-28T19:08:49"),
        ("0 * * * * *", "2026-11-28T19:09:00"),
        ("*/15 * * * * *", "2026-11-28T19:09:00"),
        ("50-55/5,10 * * * * *", "2026-11-28T19:08:50"),
        ("5/20 * * * * *", "2026-11-28T19:09:05"),
        ("0 30 20-22 * * *", "2026-11-28T20:30:00"),
        ("0 0 8 * * Mon-Fri", "2026-11-30T08:00:00"),
        ("0 0 0 29 feb ?", "2028-02-29T00:00:00"),
        ("0 0 0 1 * 0", "2026-11-29T00:00:00"),
        ("0 0 0 13 * 5", "2026-12-04T00:00:00"),
        ("0 0 0 */2 * 1", "2026-11-29T00:00:00"),
        ("@hourly", "2026-11-28T20:00:00"),
        ("@daily", "2026-11-29T00:00:00"),
        ("@weekly", "2026-11-29T00:00:00"),
        ("@monthly", "2026-12-01T00:00:00"),
        ("@yearly", "2027-01-01T00:00:00"),
    ],
)
def test_the_next_time_is_found(pattern: str, following: str) -> None:
    """It is later than the one it is asked from."""
    assert following == text(Cron(pattern).next_after(ns(BEGIN)))


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "* * * * *",
        "60 * * * * *",
        ", * * * * *",
        "* * * 0 * *",
        "x * * * * *",
        "5-2 * * * * *",
        "1-2-3 * * * * *",
        "*/0 * * * * *",
        "*/2/3 * * * * *",
        "-1 * * * * *",
        "9999999999 * * * * *",
        "@often",
    ],
)
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    """Fields have their bounds."""
    with pytest.raises(BadPattern):
        Cron(pattern)


def test_a_pattern_may_match_no_time() -> None:
    """It is searched for some years, and no longer."""
    pattern = Cron("0 0 0 30 2 *")

    with pytest.raises(BadPattern):
        pattern.next_after(ns(BEGIN))


def test_times_are_those_of_a_zone() -> None:
    """A time that a change of clocks skips is passed over, one that comes twice is taken once."""
    zone = ZoneInfo("Europe/Berlin")
    nightly = Cron("0 30 2 * * *", zone)

    assert text(nightly.next_after(ns(BEGIN))) == "2026-11-29T01:30:00"
    assert text(nightly.next_after(ns("2026-03-28T12:00:00"))) == "2026-03-30T00:30:00"
    autumn = nightly.next_after(ns("2026-10-24T12:00:00"))
    assert text(autumn) == "2026-10-25T00:30:00"
    assert text(nightly.next_after(autumn)) == "2026-10-26T01:30:00"
