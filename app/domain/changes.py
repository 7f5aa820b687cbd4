"""The latest wildcard changes, so that caches by subject can be checked lazily.

A SUB or UNSUB on a literal subject touches one cache entry, which is dropped on
the spot. One on a wildcard may touch any number; scanning a cache for them
would make each such SUB as dear as the cache is large. Instead the change is
noted here, each entry remembers when it was last known to be good, and an entry
is compared with the changes since then when it is next looked up. Whoever is
older than the ring remembers is taken for stale.
"""

from collections import deque
from collections.abc import Sequence
from enum import Enum
from itertools import islice

from app.domain.subject import may_match

REMEMBERED = 128
"""Changes kept. More make old entries useful for longer, and a check longer."""


class Freshness(Enum):
    """What the changes since an entry's stamp did to it."""

    FRESH = "nothing"
    GROWN = "subscriptions were added"
    STALE = "subscriptions were removed, or the changes are forgotten"


class WildcardChanges:
    """A ring of (pattern, added) with a running number."""

    __slots__ = ("_ring", "now")

    def __init__(self) -> None:
        self.now = 0
        """Number of the latest change; entries made or checked now carry it as stamp."""
        self._ring: deque[tuple[Sequence[bytes], bool]] = deque(maxlen=REMEMBERED)

    def note(self, pattern: Sequence[bytes], *, added: bool) -> None:
        """A subscription with this wildcard pattern was added or removed."""
        self.now += 1
        self._ring.append((pattern, added))

    def since(self, stamp: int, subject: Sequence[bytes], further: int = 0) -> Freshness:
        """How an entry, last good at `stamp`, stands now.

        It is for one subject, or for all that begin so and have so many further tokens.
        """
        missed = self.now - stamp
        if missed > len(self._ring):
            return Freshness.STALE
        verdict = Freshness.FRESH
        for pattern, added in islice(self._ring, len(self._ring) - missed, None):
            if may_match(pattern, subject, further):
                if not added:
                    return Freshness.STALE
                verdict = Freshness.GROWN
        return verdict
