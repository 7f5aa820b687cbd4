"""Rejections: growing waits for addresses that were rejected recently, and few log lines about them.

Some servers dial again at once when they are refused, thousands of times a second, and
so does a peer that guesses passwords. The next link from the same address is greeted only
after a pause. An honest server at that address is late by no more than `MOST_PAUSE`.
"""

from collections import OrderedDict
from dataclasses import dataclass

FIRST_PAUSE = 0.25
MOST_PAUSE = 2.0
"""Seconds a link waits for its greeting; doubled with each refusal."""

FORGIVEN_AFTER = 30.0
"""Seconds without a refusal after which an address is forgotten."""

REPORT_SECONDS = 10.0
"""Seconds in which one refusal of an address is reported."""

MOST_ADDRESSES = 1024


@dataclass(slots=True)
class _Record:
    pause: float
    last: float
    reported: float


class Rejections:
    """Addresses that were rejected; times on the monotonic scale."""

    def __init__(self) -> None:
        self._records: OrderedDict[str, _Record] = OrderedDict()

    def note(self, ip: str, now: float) -> bool:
        """A peer from this address was rejected. Returns whether to report it."""
        record = self._records.pop(ip, None)
        if record is None or now - record.last > FORGIVEN_AFTER:
            record = _Record(FIRST_PAUSE / 2, now, now - REPORT_SECONDS)
        record.pause = min(2 * record.pause, MOST_PAUSE)
        record.last = now
        self._records[ip] = record
        if len(self._records) > MOST_ADDRESSES:
            self._records.popitem(last=False)
        if now - record.reported < REPORT_SECONDS:
            return False
        record.reported = now
        return True

    def pause(self, ip: str, now: float) -> float:
        """How long a new link from there waits, in seconds."""
        record = self._records.get(ip)
        if record is None or now - record.last > FORGIVEN_AFTER:
            return 0.0
        return record.pause
