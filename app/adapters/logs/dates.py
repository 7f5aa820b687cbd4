"""Dates of lines, also where the clock is wrong."""

from datetime import UTC, datetime

_FIRST_MOMENT, _LAST_MOMENT = -30_500_000_000, 253_370_764_799
"""In the years 1003 and 9998, in seconds since the epoch: dates between them have four digits."""


def bounded(epoch: float) -> float:
    """The nearest moment, in seconds since the epoch, of which there is a date of four digits."""
    return min(max(epoch, _FIRST_MOMENT), _LAST_MOMENT)


def local_date(epoch: float) -> datetime:
    """The same as a date in the local zone."""
    return datetime.fromtimestamp(bounded(epoch)).astimezone()


def utc_date(epoch: float) -> datetime:
    """The same as a date in UTC."""
    return datetime.fromtimestamp(bounded(epoch), UTC)
