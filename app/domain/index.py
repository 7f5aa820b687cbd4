"""The subscription index: the trie, a bounded cache of its answers, and its statistics.

Counting follows subjects-and-routing.md, section 4. The cache holds answers by
published subject. An added subscription leaves the entries it touches in place,
to be answered anew; a removed one takes them out.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Generic

from app.domain.changes import Freshness, WildcardChanges
from app.domain.subject import has_wildcard, tokens_of
from app.domain.trie import Match, S, SubscriptionTrie

CACHE_LIMIT = 1024
"""Most subjects whose answer is remembered."""


@dataclass(frozen=True, slots=True)
class IndexStats:
    """A snapshot, named as in ``/subsz``."""

    num_subscriptions: int
    num_cache: int
    num_inserts: int
    num_removes: int
    num_matches: int
    cache_hit_rate: float
    max_fanout: int
    avg_fanout: float


class _Entry(Generic[S]):
    """A remembered answer; None when it must be found anew."""

    __slots__ = ("match", "stamp")

    def __init__(self, match: Match[S] | None, stamp: int) -> None:
        self.match = match
        self.stamp = stamp


class SubscriptionIndex(Generic[S]):
    """All subscriptions of a broker."""

    def __init__(self) -> None:
        self._trie: SubscriptionTrie[S] = SubscriptionTrie()
        self._cache: dict[bytes, _Entry[S]] = {}
        self._changes = WildcardChanges()
        self._inserts = 0
        self._removes = 0
        self._matches = 0
        self._hits = 0

    def __len__(self) -> int:
        return self._trie.count

    def insert(self, subscription: S) -> None:
        """Add; raises `InvalidSubject`."""
        self._trie.insert(subscription)
        self._inserts += 1
        tokens = tokens_of(subscription.subject)
        if has_wildcard(tokens):
            self._changes.note(tokens, added=True)
        elif (entry := self._cache.get(subscription.subject)) is not None:
            entry.match = None

    def remove(self, subscription: S) -> None:
        """Take out; raises `InvalidSubject` or `UnknownSubscription`."""
        self._trie.remove(subscription)
        self._removes += 1
        tokens = tokens_of(subscription.subject)
        if has_wildcard(tokens):
            self._changes.note(tokens, added=False)
        else:
            self._cache.pop(subscription.subject, None)

    def match(self, subject: bytes) -> Match[S]:
        """The subscriptions that cover a published subject."""
        self._matches += 1
        match = self._remembered(subject)
        if match is not None:
            self._hits += 1
            return match
        match = self._trie.match(subject)
        if len(self._cache) >= CACHE_LIMIT:
            del self._cache[next(iter(self._cache))]
        self._cache[subject] = _Entry(match, self._changes.now)
        return match

    def decisive(self, subject: bytes) -> int:
        """How many leading tokens decide the match now; see `Match`."""
        entry = self._cache.get(subject)
        match = entry.match if entry is not None else None
        if match is None or match.version != self._trie.version:
            match = self._trie.match(subject)
        return match.decisive

    def _remembered(self, subject: bytes) -> Match[S] | None:
        """The cached answer, brought up to date; None, and no entry, when there is none."""
        entry = self._cache.get(subject)
        if entry is None:
            return None
        if entry.stamp != self._changes.now:
            freshness = self._changes.since(entry.stamp, tokens_of(subject))
            if freshness is Freshness.STALE:
                del self._cache[subject]
                return None
            if freshness is Freshness.GROWN:
                entry.match = None
            entry.stamp = self._changes.now
        if entry.match is None:
            entry.match = self._trie.match(subject)
        return entry.match

    def stats(self, hits_elsewhere: int = 0) -> IndexStats:
        """The figures now; `hits_elsewhere` are look-ups a cache in front of us answered."""
        steps = self.stats_in_steps(hits_elsewhere)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                stats: IndexStats = end.value
                return stats

    def stats_in_steps(self, hits_elsewhere: int = 0) -> Generator[None, None, IndexStats]:
        """The same, with a pause after each answer that was looked at; each costs a search at most.

        Between two pauses the index may change.
        """
        fanouts = []
        for subject in list(self._cache):
            if (match := self._remembered(subject)) is not None:
                fanouts.append(match.fanout)
            yield
        total = sum(fanouts)
        matches = self._matches + hits_elsewhere
        return IndexStats(
            num_subscriptions=self._trie.count,
            num_cache=len(fanouts),
            num_inserts=self._inserts,
            num_removes=self._removes,
            num_matches=matches,
            cache_hit_rate=(self._hits + hits_elsewhere) / matches if matches else 0.0,
            max_fanout=max(fanouts, default=0),
            avg_fanout=total / len(fanouts) if total else 0.0,
        )
