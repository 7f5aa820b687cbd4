"""Rates: limits per second, with a burst of one second's worth by default."""

from weakref import WeakValueDictionary

from .timers import Scheduler
from .value_object import value_object


class Bucket:
    """Tokens that come at a rate, as many as fit; it may be in debt."""

    __slots__ = ("_at", "_level", "_most", "rate")

    def __init__(self, rate: float, now: float, most: float | None = None) -> None:
        """It is full. `rate` is per second, and above 0; `most` is what fits, if that is not `rate`."""
        self.rate = rate
        self._most = self._level = rate if most is None else most
        self._at = now

    def take(self, count: float, now: float) -> float:
        """Take as many, and return the seconds until nothing is owed; 0 if nothing is."""
        self._level = min(self._most, self._level + (now - self._at) * self.rate) - count
        self._at = now
        return max(0.0, -self._level / self.rate)

    def admits(self, now: float) -> bool:
        """Take one, if there is one; whether there was."""
        self.take(0, now)
        if self._level < 1:
            return False
        self._level -= 1
        return True

    def give_back(self) -> None:
        """Put back a token that was taken and not used."""
        self._level = min(self._level + 1, self._most)

    def wait(self, now: float) -> float:
        """Seconds until there is one."""
        self.take(0, now)
        return max(0.0, 1 - self._level) / self.rate


@value_object
class PublishRate:
    """What a user may publish within a second, over all its connections; 0 is no limit."""

    messages: int = 0
    payload: int = 0
    """In bytes."""


class UserMeter:
    """What one user has published, and what it owes."""

    __slots__ = ("__weakref__", "_messages", "_payload")

    def __init__(self, rate: PublishRate, now: float) -> None:
        self._messages = Bucket(rate.messages, now) if rate.messages else None
        self._payload = Bucket(rate.payload, now) if rate.payload else None

    def charge(self, messages: int, payload: int, now: float) -> float:
        """Count, and return the seconds until more may come."""
        first = self._messages.take(messages, now) if self._messages is not None else 0.0
        second = self._payload.take(payload, now) if self._payload is not None else 0.0
        return max(first, second)


class Meters:
    """The meters of users that are connected: connections of one user share one."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._meters: WeakValueDictionary[tuple[str, PublishRate], UserMeter] = WeakValueDictionary()

    def of(self, user: str, rate: PublishRate) -> UserMeter:
        """That of this user at this rate."""
        meter = self._meters.get((user, rate))
        if meter is None:
            meter = self._meters[user, rate] = UserMeter(rate, self._scheduler.monotonic())
        return meter
