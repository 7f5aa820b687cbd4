"""The latest wildcard changes, so that the plan cache can be checked lazily.

A SUB or UNSUB on a literal subject touches one cache entry, which is dropped on
the spot. One on a wildcard may touch any number; scanning a cache for them
would make the cost of each such SUB grow with the cache. Instead the change is
noted here, each entry remembers when it was last known to be good, and an entry
is compared with the changes since then when it is next looked up. An entry
older than the ring remembers is taken for stale.
"""

from collections import deque
from collections.abc import Sequence
from itertools import islice

from .subject import may_match

REMEMBERED = 128
"""Changes kept. More make old entries useful for longer, and a check longer."""


class WildcardChanges:
    """A ring of patterns with a running number."""

    __slots__ = ("_ring", "now")

    def __init__(self) -> None:
        self.now = 0
        """Number of the latest change; entries made or checked now carry it as stamp."""
        self._ring: deque[Sequence[bytes]] = deque(maxlen=REMEMBERED)

    def note(self, pattern: Sequence[bytes]) -> None:
        """A subscription with this wildcard pattern was added or removed."""
        self.now += 1
        self._ring.append(pattern)

    def bear_on(self, stamp: int, prefix: Sequence[bytes], further: int = 0) -> bool:
        """Whether some change since `stamp` concerns an entry, or such changes are forgotten.

        The entry is for one subject, or for all that begin so and have that number of further tokens.
        """
        missed = self.now - stamp
        if missed > len(self._ring):
            return True
        since = islice(self._ring, len(self._ring) - missed, None)
        return any(may_match(pattern, prefix, further) for pattern in since)
