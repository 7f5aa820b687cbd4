"""The subscription trie: which subscriptions cover a published subject.

One node per token; ``*`` and ``>`` are ordinary keys that only `match` reads
specially. After ``foo.bar`` (a), ``foo.*`` (b) and ``foo.*`` in queue q (c, d)::

    root ── foo ─┬─ bar   plain: a
                 └─ *     plain: b   groups: q → c, d

and after removing a and b::

    root ── foo ─── *     groups: q → c, d

A node that holds nothing is cut off at once. Insert and remove take O(tokens),
whatever the number of subscriptions; a match visits the nodes that cover the
subject so far and never recurses, so a subject of many tokens is no danger. With
wildcards in all combinations these nodes may be very many, so a search is a
generator that stops now and then.
"""

from collections.abc import Generator, Iterable, Iterator
from typing import Generic, Protocol, TypeVar

from app.domain.protocol.errors import InvalidSubject
from app.domain.subjects.subject import ONE, REST, is_pattern, is_plain, tokens_of


class Indexed(Protocol):
    """What the trie reads of a subscription; identity tells them apart."""

    @property
    def subject(self) -> bytes: ...

    @property
    def queue(self) -> bytes | None: ...


S = TypeVar("S", bound=Indexed)


class UnknownSubscription(LookupError):
    """A subscription was to be removed that is not in the trie."""


LOOK = 256
"""Nodes visited, or subscriptions gathered, between two stops of a search."""


class Match(Generic[S]):
    """Where the subscriptions that cover one subject are.

    ``ends`` are nodes, each with a pattern of its own. ``decisive`` is how many leading
    tokens of the subject decided: all subjects of as many tokens that begin with these
    have the same match, unless a token of theirs is empty or a wildcard. Both hold as
    long as no node came or went since the search began.
    """

    __slots__ = ("decisive", "ends")

    def __init__(self, ends: tuple["Node[S]", ...], decisive: int) -> None:
        self.ends = ends
        self.decisive = decisive

    @property
    def plain(self) -> tuple[S, ...]:
        """Those without a queue group: all get the message."""
        return tuple(one for node in self.ends for one in node.plain_subscriptions())

    @property
    def groups(self) -> tuple[tuple[S, ...], ...]:
        """Members of queue groups: one of each tuple gets it. Groups of one name are one."""
        groups: dict[bytes, list[S]] = {}
        for node in self.ends:
            for queue, members in node.members():
                groups.setdefault(queue, []).extend(members)
        return tuple(map(tuple, groups.values()))

    @property
    def fanout(self) -> int:
        """Plain subscriptions plus queue groups, not their members."""
        return len(self.plain) + len(self.groups)


class Node(Generic[S]):
    """Subscriptions that end here, and the nodes of the next token.

    A lone plain subscription, by far the commonest, stands without a container.
    Dicts serve as sets that keep the order of insertion.
    """

    __slots__ = ("children", "groups", "plain")

    def __init__(self) -> None:
        self.children: dict[bytes, Node[S]] | None = None
        self.plain: S | dict[S, None] | None = None
        self.groups: dict[bytes, dict[S, None]] | None = None

    def is_empty(self) -> bool:
        return self.plain is None and self.groups is None and not self.children

    def add(self, subscription: S) -> None:
        if subscription.queue is not None:
            if self.groups is None:
                self.groups = {}
            self.groups.setdefault(subscription.queue, {})[subscription] = None
        elif self.plain is None:
            self.plain = subscription
        elif isinstance(self.plain, dict):
            self.plain[subscription] = None
        else:
            self.plain = {self.plain: None, subscription: None}

    def discard(self, subscription: S) -> bool:
        """Take it out; answer whether it was here."""
        if subscription.queue is not None:
            return self._discard_member(subscription, subscription.queue)
        if isinstance(self.plain, dict):
            if subscription not in self.plain:
                return False
            del self.plain[subscription]
            if len(self.plain) == 1:
                (self.plain,) = self.plain
            return True
        if self.plain is not subscription:
            return False
        self.plain = None
        return True

    def _discard_member(self, subscription: S, queue: bytes) -> bool:
        group = (self.groups or {}).get(queue)
        if self.groups is None or group is None or subscription not in group:
            return False
        del group[subscription]
        if not group:
            del self.groups[queue]
            if not self.groups:
                self.groups = None
        return True

    def members(self) -> Iterator[tuple[bytes, Iterable[S]]]:
        """Queue groups by name."""
        return iter((self.groups or {}).items())

    def plain_subscriptions(self) -> Iterator[S]:
        if isinstance(self.plain, dict):
            yield from self.plain
        elif self.plain is not None:
            yield self.plain


_Step = tuple[Node[S], dict[bytes, Node[S]], bytes]
"""One step of a way down: from this node, by this dict of its children, along this token."""


class SubscriptionTrie(Generic[S]):
    """A set of subscriptions, searchable by published subject."""

    __slots__ = ("_root", "count")

    def __init__(self) -> None:
        self._root: Node[S] = Node()
        self.count = 0
        """Subscriptions held now."""

    def insert(self, subscription: S) -> None:
        """Add a subscription that is not in the trie yet.

        Raises `InvalidSubject`, and changes nothing, when its subject is malformed.
        """
        tokens = tokens_of(subscription.subject)
        if not is_pattern(tokens):
            raise InvalidSubject
        node = self._root
        for token in tokens:
            children = node.children
            if children is None:
                children = node.children = {}
            child = children.get(token)
            if child is None:
                child = children[token] = Node()
            node = child
        node.add(subscription)
        self.count += 1

    def remove(self, subscription: S) -> None:
        """Take out exactly this subscription.

        Raises `InvalidSubject` when its subject is malformed and
        `UnknownSubscription` when it is not here; both change nothing.
        """
        tokens = tokens_of(subscription.subject)
        if not is_pattern(tokens):
            raise InvalidSubject
        node = self._root
        path: list[_Step[S]] = []
        for token in tokens:
            children = node.children
            if children is None or token not in children:
                raise UnknownSubscription(subscription.subject)
            path.append((node, children, token))
            node = children[token]
        if not node.discard(subscription):
            raise UnknownSubscription(subscription.subject)
        self.count -= 1
        self._prune(path)

    @staticmethod
    def _prune(path: list[_Step[S]]) -> None:
        """Cut off, from the leaf upward, nodes that hold nothing any more."""
        for parent, children, token in reversed(path):
            if not children[token].is_empty():
                return
            del children[token]
            if not children:
                parent.children = None

    def match(self, subject: bytes) -> Match[S]:
        """All subscriptions that cover a published subject, taken literally."""
        search = self.search(subject)
        while True:
            try:
                next(search)
            except StopIteration as end:
                match: Match[S] = end.value
                return match

    def search(self, subject: bytes) -> Generator[None, None, Match[S]]:
        """The same in steps of at most about `LOOK` nodes; the trie may change between them.

        A subscription that comes or goes meanwhile is found or not.
        """
        tokens = tokens_of(subject)
        if b"" in tokens:
            return Match((), len(tokens))
        ends: list[Node[S]] = []
        frontier = [self._root]
        decisive = visited = 0
        for depth, token in enumerate(tokens, 1):
            reached: list[Node[S]] = []
            for start in range(0, len(frontier), LOOK):
                part = frontier[start : start + LOOK]
                if _descend(part, token, ends, reached):
                    decisive = depth
                visited += len(part)
                if visited >= LOOK:
                    visited = 0
                    yield
            frontier = reached
            if not reached:
                break
        ends += frontier
        if not is_plain(tokens):
            decisive = len(tokens)
        return Match(tuple(ends), decisive)

    def depth(self) -> int:
        """Levels of nodes below the root; 0 when the trie is empty."""
        levels = 0
        level = [self._root]
        while level := [child for node in level for child in (node.children or {}).values()]:
            levels += 1
        return levels


def _descend(nodes: list[Node[S]], token: bytes, ends: list[Node[S]], reached: list[Node[S]]) -> bool:
    """Go one token down; return whether some subscription asks for a particular token here."""
    decides = False
    literal = token not in (ONE, REST)
    for node in nodes:
        children = node.children
        if children is None:
            continue
        wild = 0
        if (rest := children.get(REST)) is not None:
            ends.append(rest)
            wild = 1
        if (one := children.get(ONE)) is not None:
            reached.append(one)
            wild += 1
        if literal and (exact := children.get(token)) is not None:
            reached.append(exact)
        if len(children) > wild:
            decides = True
    return decides
