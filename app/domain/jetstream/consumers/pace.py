"""The pace of deliveries: limited by a rate, or with the gaps in which messages were stored."""

SECOND = 10**9


class RateLimit:
    """A bucket of bytes that fills at a constant rate."""

    __slots__ = ("_full", "_level", "_rate", "_time")

    def __init__(self, bits_per_second: int, bucket: int, now: int) -> None:
        """`bucket`: bytes that may go at once."""
        self._rate = max(1, bits_per_second // 8)
        self._full = max(1, bucket)
        self._level = self._full
        self._time = now

    def ready_at(self, size: int, now: int) -> int:
        """When a message of this size may go."""
        filled = (now - self._time) * self._rate // SECOND
        if filled > 0:
            self._level = min(self._full, self._level + filled)
            self._time = now
        missing = min(size, self._full) - self._level
        return now if missing <= 0 else now - (-missing * SECOND // self._rate)

    def spend(self, size: int) -> None:
        """A message of this size went."""
        self._level -= size


class Replay:
    """The times of the messages that were there when the consumer began."""

    __slots__ = ("_last_sent", "_last_stored", "_until")

    SHORTEST_GAP = 10**6
    """Nanoseconds; messages closer to each other go together."""

    def __init__(self, until: int) -> None:
        """`until`: the last sequence that is replayed."""
        self._until = until
        self._last_stored = 0
        self._last_sent = 0

    def ready_at(self, sequence: int, stored: int, now: int) -> int:
        """When a message with this time may go."""
        gap = stored - self._last_stored
        if not self._last_stored or sequence > self._until or gap <= self.SHORTEST_GAP:
            return now
        return max(now, self._last_sent + gap)

    def sent(self, stored: int, now: int) -> None:
        """A message with this time went."""
        self._last_stored, self._last_sent = stored, now
