"""Patterns over the subjects of a stream.

A filter is a list of patterns. For those with wildcards, and for several at once, the
index keeps which subjects match, how many messages these have, and how many of them are in
each chunk; so counting and searching skip whole chunks.
"""

import re
from collections.abc import Callable, Sequence

from ...subjects.subject import ONE, REST, has_wildcard, tokens_of
from ...subjects.trie import SubscriptionTrie
from ..pattern_table import PatternTable


def is_literal_filter(pattern: bytes) -> bool:
    """Whether it matches no subject but itself."""
    return (b"*" not in pattern and b">" not in pattern) or not has_wildcard(tokens_of(pattern))


def expression(pattern: bytes) -> re.Pattern[bytes]:
    """A regular expression that matches the whole of what the pattern matches."""
    *tokens, last = tokens_of(pattern)
    parts = [rb"[^.]+" if token == ONE else re.escape(token) for token in tokens]
    parts.append(rb".+" if last == REST else rb"[^.]+" if last == ONE else re.escape(last))
    return re.compile(rb"\.".join(parts), re.DOTALL)


def matcher(patterns: Sequence[bytes]) -> Callable[[bytes], object]:
    """Says whether one of the patterns matches a subject; how many there are hardly matters."""
    if len(patterns) == 1:
        return expression(patterns[0]).fullmatch
    table = PatternTable()
    for pattern in patterns:
        table.add(pattern, "wanted")
    return table.matches


class SubjectFilter:
    """What is known of one list of patterns."""

    __slots__ = ("counts", "mask", "patterns", "total")

    def __init__(self, patterns: tuple[bytes, ...]) -> None:
        self.patterns = patterns
        self.mask = bytearray(1)
        """By number of a subject: 1 if it matches."""
        self.total = 0
        """Messages that match."""
        self.counts: dict[int, int] = {}
        """The same by chunk, for chunks that were counted."""

    def include(self, id_: int) -> None:
        """This subject matches."""
        if id_ >= len(self.mask):
            self.mask.extend(bytes(id_ - len(self.mask) + 1))
        self.mask[id_] = 1

    def mask_for(self, ids: int) -> bytearray:
        """The mask, long enough for this number of subjects."""
        if len(self.mask) < ids:
            self.mask.extend(bytes(ids - len(self.mask)))
        return self.mask

    def changed(self, chunk: int, difference: int) -> None:
        """Messages that match came or went."""
        self.total += difference
        if chunk in self.counts:
            self.counts[chunk] += difference


class _Entry:
    """One pattern of a filter, as the trie wants it."""

    __slots__ = ("filter", "subject")

    def __init__(self, subject: bytes, filter_: SubjectFilter) -> None:
        self.subject = subject
        self.filter = filter_


FILTERS_KEPT = 16
"""This number is kept whatever they need."""
MASKS_KEPT = 64 << 20
"""Bytes of masks. Beyond it the filters that were not used for the longest time go."""


class FilterCache:
    """The filters that were used, and which of them concern a subject."""

    __slots__ = ("_entries", "_filters", "_of_subject", "_trie", "is_used", "limit")

    def __init__(self, limit: int = MASKS_KEPT) -> None:
        self.limit = limit
        self._filters: dict[tuple[bytes, ...], SubjectFilter] = {}
        self.is_used = False
        """Whether there are any; asked for each message."""
        self._entries: dict[tuple[bytes, ...], list[_Entry]] = {}
        self._trie: SubscriptionTrie[_Entry, None] = SubscriptionTrie()
        self._of_subject: dict[int, tuple[SubjectFilter, ...]] = {}

    def get(self, patterns: tuple[bytes, ...]) -> SubjectFilter | None:
        """One that is known; it counts as used."""
        found = self._filters.pop(patterns, None)
        if found is not None:
            self._filters[patterns] = found
        return found

    def add(self, new: SubjectFilter, ids: int) -> None:
        """Keep a filter whose mask is filled, in a stream with this number of subjects."""
        while len(self._filters) >= FILTERS_KEPT and (len(self._filters) + 1) * ids > self.limit:
            self._drop(next(iter(self._filters)))
        self._filters[new.patterns] = new
        self.is_used = True
        entries = self._entries[new.patterns] = [_Entry(pattern, new) for pattern in new.patterns]
        for entry in entries:
            self._trie.insert(entry)
        self._of_subject.clear()

    def _drop(self, patterns: tuple[bytes, ...]) -> None:
        del self._filters[patterns]
        for entry in self._entries.pop(patterns):
            self._trie.remove(entry)
        self._of_subject.clear()

    def subject_added(self, id_: int, subject: bytes) -> None:
        """A subject is new."""
        if self._filters:
            for each in self.of(id_, subject):
                each.include(id_)

    def subject_gone(self, id_: int) -> None:
        """The last message of a subject is gone; its number will be used for another."""
        for each in self._of_subject.pop(id_, ()):
            each.mask[id_] = 0

    def of(self, id_: int, subject: bytes) -> tuple[SubjectFilter, ...]:
        """The filters that match a subject."""
        if not self._filters:
            return ()
        found = self._of_subject.get(id_)
        if found is None:
            ends = self._trie.match(subject).ends
            matching = (entry.filter for node in ends for entry in node.plain_subscriptions())
            found = self._of_subject[id_] = tuple(dict.fromkeys(matching))
        return found

    def chunk_gone(self, chunk: int) -> None:
        """A chunk has no messages any more."""
        for each in self._filters.values():
            each.counts.pop(chunk, None)

    def clear(self) -> None:
        """All messages are gone at once."""
        self._filters.clear()
        self.is_used = False
        self._entries.clear()
        self._of_subject.clear()
        self._trie = SubscriptionTrie()


def used_patterns(filters: Sequence[bytes]) -> tuple[bytes, ...]:
    """The patterns of a filter without repetitions; empty if it matches everything."""
    return () if REST in filters else tuple(dict.fromkeys(filters))
