"""Times by a pattern of six fields: second, minute, hour, day of month, month, day of week.

A field is a list of `*`, numbers or names, ranges `a-b`, and steps `/n`. If both days are restricted,
either of them is enough (jetstream-streams.md, section 7).
"""

from datetime import UTC, datetime, timedelta, tzinfo

from ...value_object import value_object
from .durations import SECOND

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_YEARS = 5
"""How far the next time is searched for."""

_NAMED = {
    "@yearly": "0 0 0 1 1 *",
    "@annually": "0 0 0 1 1 *",
    "@monthly": "0 0 0 1 * *",
    "@weekly": "0 0 0 * * 0",
    "@daily": "0 0 0 * * *",
    "@midnight": "0 0 0 * * *",
    "@hourly": "0 0 * * * *",
}


class BadPattern(ValueError):
    """It is no pattern, or no time matches it."""


@value_object
class _Bounds:
    first: int
    last: int
    names: tuple[str, ...] = ()

    def number(self, text: str) -> int:
        """A number, or a name."""
        if text.lower() in self.names:
            return self.names.index(text.lower()) + self.first
        if not (text.isascii() and text.isdecimal()) or len(text) > 9:
            raise BadPattern(f"{text!r} is no number")
        return int(text)


_FIELDS = (
    _Bounds(0, 59),
    _Bounds(0, 59),
    _Bounds(0, 23),
    _Bounds(1, 31),
    _Bounds(1, 12, _MONTHS),
    _Bounds(0, 6, _DAYS),
)


@value_object
class _Field:
    values: frozenset[int]
    is_open: bool
    """Whether it restricts nothing by a `*`."""


def _parse_field(text: str, bounds: _Bounds) -> _Field:
    values: set[int] = set()
    is_open = False
    for part in filter(None, text.split(",")):
        found, stars = _parse_range(part, bounds)
        values.update(found)
        is_open = is_open or stars
    if not values:
        raise BadPattern(f"{text!r} names nothing")
    return _Field(frozenset(values), is_open)


def _parse_range(text: str, bounds: _Bounds) -> tuple[range, bool]:
    head, slash, step_text = text.partition("/")
    step = _Bounds(0, 0).number(step_text) if slash else 1
    low, hyphen, high = head.partition("-")
    if low in ("*", "?"):
        first, last, stars = bounds.first, bounds.last, step == 1
    else:
        first, stars = bounds.number(low), False
        last = bounds.number(high) if hyphen else bounds.last if slash else first
    if not bounds.first <= first <= last <= bounds.last or not step:
        raise BadPattern(f"{text!r} is no range between {bounds.first} and {bounds.last}")
    return range(first, last + 1, step), stars


class Cron:
    """A pattern. Raises `BadPattern`."""

    def __init__(self, text: str, zone: tzinfo = UTC) -> None:
        fields = _NAMED.get(text, text).split()
        if len(fields) != len(_FIELDS):
            raise BadPattern(f"six fields are needed, not {len(fields)}")
        parsed = [_parse_field(field, bounds) for field, bounds in zip(fields, _FIELDS, strict=True)]
        self._second, self._minute, self._hour, self._day, self._month, self._weekday = parsed
        self._zone = zone

    def next_after(self, time: int) -> int:
        """The next time that matches, in nanoseconds. Raises `BadPattern` if there is none."""
        moment = datetime.fromtimestamp(time // SECOND, self._zone).replace(tzinfo=None, fold=0)
        moment += timedelta(seconds=1)
        limit = moment.year + _YEARS
        while moment.year <= limit:
            later = self._later(moment)
            if later is not None:
                moment = later
                continue
            there = moment.replace(tzinfo=self._zone)
            found = round(there.timestamp()) * SECOND
            if found > time and there.astimezone(UTC).astimezone(self._zone).replace(tzinfo=None) == moment:
                return found
            moment += timedelta(seconds=1)
        raise BadPattern("no time matches")

    def _later(self, moment: datetime) -> datetime | None:
        """The first time that may match after one that does not; None if it matches."""
        day = moment.replace(hour=0, minute=0, second=0)
        if moment.month not in self._month.values:
            return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
        if not self._matches_day(moment):
            return day + timedelta(days=1)
        if moment.hour not in self._hour.values:
            return moment.replace(minute=0, second=0) + timedelta(hours=1)
        if moment.minute not in self._minute.values:
            return moment.replace(second=0) + timedelta(minutes=1)
        return None if moment.second in self._second.values else moment + timedelta(seconds=1)

    def _matches_day(self, moment: datetime) -> bool:
        in_month = moment.day in self._day.values
        in_week = moment.isoweekday() % 7 in self._weekday.values
        if self._day.is_open or self._weekday.is_open:
            return in_month and in_week
        return in_month or in_week
