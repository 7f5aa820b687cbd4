"""The subscription trie: which subscriptions cover a published subject.

One node per token; ``*`` and ``>`` are ordinary keys that only `match` reads
specially. After ``foo.bar`` (a), ``foo.*`` (b) and ``foo.*`` in queue group q::

    root ── foo ─┬─ bar   plain: a
                 └─ *     plain: b   groups: q

and after removing a and b::

    root ── foo ─── *     groups: q

A node that holds nothing is cut off at once. Insert and remove take O(tokens),
whatever the number of subscriptions; a match visits the nodes that cover the
subject so far and never recurses, so a subject of many tokens is no danger. With
wildcards in all combinations these nodes may be very many, so a search is made in
steps; for the great majority of subjects one is enough.
"""

from typing import Generic, Protocol, TypeVar

from ..protocol.errors import InvalidSubject
from .subject import ONE, REST, is_pattern, is_plain, tokens_of


class Indexed(Protocol):
    """What the trie reads of a plain subscription; identity distinguishes them."""

    @property
    def subject(self) -> bytes:
        """The pattern it was made for."""
        ...


S = TypeVar("S", bound=Indexed)
G = TypeVar("G")


class UnknownSubscription(LookupError):
    """A subscription was to be removed that is not in the trie."""


NODES_PER_STEP = 256
"""Nodes that one step of a search visits, and those of a wide level more."""


class Node(Generic[S, G]):
    """What ends at one pattern, and the nodes of the next token.

    A lone plain subscription, by far the commonest, is held without a container.
    Dicts serve as sets that keep the order of insertion.
    """

    __slots__ = ("children", "groups", "plain")

    def __init__(self) -> None:
        self.children: dict[bytes, Node[S, G]] | None = None
        self.plain: S | dict[S, None] | None = None
        self.groups: dict[bytes, G] | None = None
        """Queue groups by name."""

    def discard(self, subscription: S) -> bool:
        """Take out one of several plain subscriptions; return whether it was here."""
        if not isinstance(self.plain, dict) or subscription not in self.plain:
            return False
        del self.plain[subscription]
        if len(self.plain) == 1:
            (self.plain,) = self.plain
        return True

    def plain_subscriptions(self) -> list[S]:
        """Those that all get the message."""
        if self.plain is None:
            return []
        return list(self.plain) if isinstance(self.plain, dict) else [self.plain]


class Match(Generic[S, G]):
    """Where the subscriptions that cover one subject are.

    ``ends`` are nodes, each with a pattern of its own. ``decisive`` is how many leading
    tokens of the subject decided: all subjects of as many tokens that begin with these
    have the same match, unless a token of theirs is empty or a wildcard. Both hold as
    long as no node came or went since the search began.
    """

    __slots__ = ("decisive", "ends")

    def __init__(self, ends: tuple[Node[S, G], ...], decisive: int) -> None:
        self.ends = ends
        self.decisive = decisive


class Search(Generic[S, G]):
    """A search for the nodes that cover a subject, in steps; the trie may change between them.

    What comes or goes meanwhile is found or not.
    """

    __slots__ = ("_decisive", "_depth", "_ends", "_level", "_reached", "_start", "_tokens")

    def __init__(self, root: Node[S, G], subject: bytes) -> None:
        self._tokens = tokens_of(subject)
        self._ends: list[Node[S, G]] = []
        self._level = [root] if b"" not in self._tokens else []
        self._start = 0
        """In the level: what comes before was visited."""
        self._reached: list[Node[S, G]] = []
        """Of the next level."""
        self._depth = 0
        self._decisive = 0

    def go_on(self) -> Match[S, G] | None:
        """Visit about `NODES_PER_STEP` nodes more; None if there are others."""
        tokens, ends = self._tokens, self._ends
        level, start, reached, depth = self._level, self._start, self._reached, self._depth
        visited = 0
        if not depth and level:
            level, depth = _follow(level, tokens)
            self._decisive = visited = depth
        while level and depth < len(tokens):
            if visited >= NODES_PER_STEP:
                self._level, self._start, self._reached, self._depth = level, start, reached, depth
                return None
            nodes = level if len(level) <= NODES_PER_STEP else level[start : start + NODES_PER_STEP]
            if _descend(nodes, tokens[depth], ends, reached):
                self._decisive = depth + 1
            visited += len(nodes)
            start += NODES_PER_STEP
            if start >= len(level):
                level, start, reached = reached, 0, []
                depth += 1
        return Match((*ends, *level), self._decisive if is_plain(tokens) else len(tokens))


NodePath = tuple[Node[S, G], Node[S, G], bytes]
"""A node, and where to cut the trie if it holds nothing any more: below this node, at this token."""


class SubscriptionTrie(Generic[S, G]):
    """A set of plain subscriptions and queue groups, searchable by published subject."""

    __slots__ = ("_root",)

    def __init__(self) -> None:
        self._root: Node[S, G] = Node()

    def insert(self, subscription: S) -> None:
        """Add a plain subscription that is not in the trie yet.

        Raises `InvalidSubject`, and changes nothing, when its subject is malformed.
        """
        node = self.reach(subscription.subject)
        if node.plain is None:
            node.plain = subscription
        elif isinstance(node.plain, dict):
            node.plain[subscription] = None
        else:
            node.plain = {node.plain: None, subscription: None}

    def reach(self, pattern: bytes) -> Node[S, G]:
        """The node of a pattern, made if there is none; the caller puts something into it.

        Raises `InvalidSubject`, and changes nothing, when the pattern is malformed.
        """
        tokens = pattern.split(b".")
        if b"" in tokens or REST in tokens[:-1]:  # no `is_pattern`, since one client may send a million
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
        return node

    def remove(self, subscription: S) -> None:
        """Take out exactly this subscription.

        Raises `InvalidSubject` when its subject is malformed and
        `UnknownSubscription` when it is not here; both change nothing.
        """
        path = self.path_to(subscription.subject)
        if path is None:
            raise UnknownSubscription(subscription.subject)
        if path[0].plain is subscription:
            path[0].plain = None
            self.cut(path)
        elif not path[0].discard(subscription):
            raise UnknownSubscription(subscription.subject)

    def path_to(self, pattern: bytes) -> NodePath[S, G] | None:
        """The node of a pattern, and where to cut it off; None if there is none.

        Raises `InvalidSubject` when the pattern is malformed.
        """
        tokens = pattern.split(b".")
        node = stem = self._root
        branch = tokens[0]
        for token in tokens:
            children = node.children
            child = children.get(token) if children is not None else None
            if children is None or child is None:
                if not is_pattern(tokens):
                    raise InvalidSubject
                return None
            if len(children) > 1 or node.plain is not None or node.groups is not None:
                stem, branch = node, token
            node = child
        return node, stem, branch

    @staticmethod
    def cut(path: NodePath[S, G]) -> None:
        """Cut a node off if it holds nothing, and those that only lead to it; the path is a fresh one."""
        node, stem, branch = path
        children = stem.children
        if node.children or node.plain is not None or node.groups is not None or children is None:
            return
        del children[branch]
        if not children:
            stem.children = None

    def lone(self, subject: bytes) -> S | None:
        """The one plain subscription to a published subject; None if others or patterns may cover it too."""
        node = self._root
        for token in subject.split(b"."):
            children = node.children
            if not children or REST in children or ONE in children:
                return None
            child = children.get(token)
            if child is None:
                return None
            node = child
        plain = node.plain
        return None if node.groups is not None or isinstance(plain, dict) else plain

    def is_bare(self, subject: bytes) -> bool:
        """Whether it is seen at once that nothing here covers a published subject."""
        node = self._root
        for token in subject.split(b"."):
            children = node.children
            if not children:
                return True
            if REST in children or ONE in children:
                return False
            child = children.get(token)
            if child is None:
                return True
            node = child
        return node.plain is None and node.groups is None

    def search(self, subject: bytes) -> Search[S, G]:
        """Look for all that covers a published subject, taken literally; it begins with `Search.go_on`."""
        return Search(self._root, subject)

    def match(self, subject: bytes) -> Match[S, G]:
        """The same at once, however long it takes."""
        search = self.search(subject)
        while (match := search.go_on()) is None:
            pass
        return match


def _follow(level: list[Node[S, G]], tokens: list[bytes]) -> tuple[list[Node[S, G]], int]:
    """Go down from the root where only one way leads on; return what is reached, and how many tokens down.

    Each of these tokens decides. It ends before a node that has wildcards.
    """
    (node,) = level
    for depth, token in enumerate(tokens[:NODES_PER_STEP]):
        children = node.children
        if not children or REST in children or ONE in children:
            return [node], depth
        child = children.get(token)
        if child is None:
            return [], depth + 1
        node = child
    return [node], min(len(tokens), NODES_PER_STEP)


def _descend(
    nodes: list[Node[S, G]], token: bytes, ends: list[Node[S, G]], reached: list[Node[S, G]]
) -> bool:
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
