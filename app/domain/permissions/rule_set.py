"""Rule set: permissions indexed so that hundreds of rules cost little more than one."""

from collections.abc import Iterable, Iterator, Sequence

from ..subjects.subject import ONE, REST, has_wildcard, matches, tokens_of
from ..subjects.trie import Match, SubscriptionTrie
from .rules import Entry, Permissions, Rule

MOST_FILTERS = 64
"""Filters that are kept for one set of rules. Where entries name queue groups there may be more: then
all are forgotten, and made again when they are needed."""

_Found = Match[Entry, None]


class _Entries:
    """Some entries of a list, searched by a subject, or by a subscription as if it were one."""

    __slots__ = ("_trie",)

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._trie: SubscriptionTrie[Entry, None] = SubscriptionTrie()
        for each in entries:
            self._trie.insert(each)

    def find(self, subject: bytes) -> tuple[bool, int]:
        """Whether an entry matches, and how many leading tokens decided; see `trie.Match`."""
        match = self._trie.match(subject)
        return any(node.plain is not None for node in match.ends), match.decisive

    def all(self, subject: bytes) -> Iterator[Entry]:
        """Those that match."""
        for node in self._trie.match(subject).ends:
            yield from node.plain_subscriptions()


class Filter:
    """Subjects that a subscription does not get although its own subject covers them.

    Those of one `RuleSet` that deny the same are one object.
    """

    __slots__ = ("_denied", "_patterns")

    def __init__(self, denied: Sequence[Entry]) -> None:
        """`denied` are the entries, which count for all queue groups here."""
        self._denied = _Entries(denied)
        self._patterns = [tokens_of(each.subject) for each in denied]

    def verdict(self, subject: bytes) -> tuple[bool, int]:
        """Whether a message is not for the subscription, and how many leading tokens decided."""
        return self._denied.find(subject)

    def drops(self, subject: bytes) -> bool:
        """Whether a message on this subject is not for the subscription."""
        return self._denied.find(subject)[0]

    def bears_on(self, pattern: Sequence[bytes]) -> bool:
        """Whether anything that the pattern matches is denied."""
        return any(overlap(each, pattern) for each in self._patterns)


class RuleSet:
    """Answers for clients with these permissions."""

    __slots__ = (
        "_bound",
        "_denied",
        "_filters",
        "_or_else",
        "_publish_allow",
        "_publish_deny",
        "_subscribe",
        "limits_publishing",
    )

    def __init__(self, permissions: Permissions) -> None:
        publish, subscribe = permissions.publish, permissions.subscribe
        self._publish_deny = _Entries(publish.deny)
        self._publish_allow = _Entries(publish.allow) if publish.allow else None
        self.limits_publishing = permissions.responses is not None or publish != Rule()
        """Whether there are subjects that may not be published to."""
        self._or_else = permissions.responses is None
        """Whether what is not denied is allowed where nothing is."""
        self._subscribe = _Entries(subscribe.allow) if subscribe.allow else None
        self._denied = tuple(each for each in subscribe.deny if each.queue is None)
        self._bound = tuple(each for each in subscribe.deny if each.queue is not None)
        """Entries for queue groups."""
        self._filters: dict[tuple[Entry, ...], Filter] = {}
        """By the entries for queue groups that count."""

    def may_publish(self, subject: bytes) -> tuple[bool, int]:
        """Whether the rules allow it, and how many leading tokens decided; see `seam.Decision`.

        An open reply subject is allowed besides.
        """
        denied, decisive = self._publish_deny.find(subject)
        if denied:
            return False, decisive
        if self._publish_allow is None:
            return self._or_else, decisive
        allowed, further = self._publish_allow.find(subject)
        return allowed, max(decisive, further)

    def may_subscribe(self, subject: bytes, queue: bytes | None) -> bool:
        """Whether the rules allow the subscription; it may still need a filter."""
        if self._denials(queue).drops(subject):
            return False
        if self._subscribe is None:
            return True
        covering = [each for each in self._subscribe.all(subject) if reaches(each.subject, subject)]
        bound = [each for each in covering if each.queue is not None]
        if queue is not None and bound:
            return any(concerns(each, queue) for each in bound)
        return len(covering) > len(bound)

    def filter_of(self, subject: bytes, queue: bytes | None) -> Filter | None:
        """What a subscription that is allowed must not get; None if that is nothing."""
        pattern = tokens_of(subject)
        if not has_wildcard(pattern):
            return None
        denials = self._denials(queue)
        return denials if denials.bears_on(pattern) else None

    def _denials(self, queue: bytes | None) -> Filter:
        """All that is denied to subscriptions with this queue group, or without one."""
        bound = tuple(each for each in self._bound if concerns(each, queue))
        found = self._filters.get(bound)
        if found is None:
            if len(self._filters) >= MOST_FILTERS:
                self._filters.clear()
            found = self._filters[bound] = Filter(self._denied + bound)
        return found


def concerns(each: Entry, queue: bytes | None) -> bool:
    """Whether an entry for queue groups is for this one."""
    return queue is not None and each.queue is not None and matches(tokens_of(each.queue), tokens_of(queue))


def reaches(pattern: bytes, subject: bytes) -> bool:
    """Whether an entry that matches a subscription, as a text, covers it: ``*`` does not cover ``>``."""
    return _is_open(pattern) or not _is_open(subject)


def _is_open(pattern: bytes) -> bool:
    return tokens_of(pattern)[-1] == REST


def overlap(one: Sequence[bytes], other: Sequence[bytes]) -> bool:
    """Whether a subject exists that both valid patterns match."""
    for mine, theirs in zip(one, other, strict=False):
        if REST in (mine, theirs):
            return True
        if mine != theirs and ONE not in (mine, theirs):
            return False
    return len(one) == len(other)
