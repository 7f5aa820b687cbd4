"""The readers of a stream that want a subject."""

from ...subjects.subject import tokens_of
from ...subjects.trie import SubscriptionTrie
from .readers import Reader

MOST = 4096
"""Subjects whose answers are remembered."""


class _Filter:
    """A filter of a reader; what the trie holds."""

    __slots__ = ("reader", "subject")

    def __init__(self, subject: bytes, reader: Reader) -> None:
        self.subject = subject
        self.reader = reader


class ReaderIndex:
    """Readers by their filters."""

    def __init__(self) -> None:
        self._trie: SubscriptionTrie[_Filter, None] = SubscriptionTrie()
        self.filters: dict[str, list[_Filter]] = {}
        """Those of each reader, by its name; asked for each message."""
        self._answers: dict[bytes, tuple[Reader, ...]] = {}

    def __len__(self) -> int:
        return len(self.filters)

    def add(self, reader: Reader) -> None:
        """A reader came, or has other filters now."""
        self.remove(reader.name)
        filters = [_Filter(subject, reader) for subject in reader.filters or (b">",)]
        for each in filters:
            self._trie.insert(each)
        self.filters[reader.name] = filters

    def remove(self, name: str) -> None:
        """It is gone; harmless if it never was here."""
        for each in self.filters.pop(name, ()):
            self._trie.remove(each)
        self._answers.clear()

    def all(self) -> list[Reader]:
        """All readers, in the order they came."""
        return [filters[0].reader for filters in self.filters.values()]

    def wanting(self, subject: bytes) -> tuple[Reader, ...]:
        """The readers with a filter that matches, each once."""
        if not self.filters:
            return ()
        found = self._answers.get(subject)
        if found is None:
            if len(self._answers) >= MOST:
                self._answers.clear()
            found = self._answers[subject] = self._find(subject)
        return found

    def _find(self, subject: bytes) -> tuple[Reader, ...]:
        if b"" in tokens_of(subject):
            return ()
        ends = self._trie.match(subject).ends
        readers = {each.reader.name: each.reader for node in ends for each in node.plain_subscriptions()}
        return tuple(readers.values())
