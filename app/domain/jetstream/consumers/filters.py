"""Filters: the subjects of its stream that a consumer delivers."""

from collections.abc import Sequence

from ...subjects.subject import ONE, REST, has_wildcard, tokens_of
from ..pattern_table import PatternTable


class Filters:
    """Patterns, one of which has to match; none stand for everything."""

    __slots__ = ("_has_patterns", "_literals", "_patterns", "subjects")

    def __init__(self, subjects: Sequence[str]) -> None:
        self.subjects: tuple[bytes, ...] = () if ">" in subjects else tuple(s.encode() for s in subjects)
        """What a log is asked with."""
        tokens = [tokens_of(subject) for subject in self.subjects]
        self._literals = frozenset(b".".join(t) for t in tokens if not has_wildcard(t))
        self._patterns = PatternTable()
        self._has_patterns = len(self._literals) < len(set(self.subjects))
        for pattern in self.subjects if self._has_patterns else ():
            self._patterns.add(pattern, "wanted")

    def match(self, subject: bytes) -> bool:
        """Whether a message with this subject is wanted."""
        if subject in self._literals or not self.subjects:
            return True
        return self._has_patterns and self._patterns.matches(subject)


class TooManyFilters(Exception):
    """Comparing them with each other would hold the server."""


COMPARISONS = 200_000
"""Nodes that are visited to compare the patterns of one consumer: a fifth of a second."""


class _Node:
    """One token of patterns that begin alike."""

    __slots__ = ("children", "ends")

    def __init__(self) -> None:
        self.children: dict[bytes, _Node] = {}
        self.ends = 0


def have_overlap(patterns: Sequence[str]) -> bool:
    """Whether one of the patterns is within another, or there twice; raises `TooManyFilters`."""
    root, tokens = _Node(), [tokens_of(pattern.encode()) for pattern in patterns]
    for pattern in tokens:
        node = root
        for token in pattern:
            node = node.children.setdefault(token, _Node())
        node.ends += 1
        if node.ends > 1:
            return True
    budget = COMPARISONS
    for pattern in tokens:
        found, visited = _is_within_another(root, pattern)
        budget -= visited
        if found:
            return True
        if budget < 0:
            raise TooManyFilters
    return False


def _is_within_another(root: _Node, pattern: Sequence[bytes]) -> tuple[bool, int]:
    """Walk down all patterns at once; the pattern itself is found, too, and does not count."""
    level, visited, found = [root], 0, 0
    for token in pattern:
        below: list[_Node] = []
        for node in level:
            children = node.children
            if REST in children:
                found += 1
            if token != REST:
                below += [children[t] for t in {token, ONE} if t in children]
        visited += len(level)
        level = below
    if pattern[-1] != REST:
        found += sum(node.ends for node in level)
    return found > 1, visited
