"""Which patterns overlap with a pattern, found without comparing it with all of them."""

from ..subjects.subject import ONE, REST, tokens_of

COMPARISONS = 200_000
"""Nodes that are visited for one request: a fifth of a second."""


class TooManyPatterns(Exception):
    """Comparing them with each other would hold the server."""


class Budget:
    """What one request may cost."""

    __slots__ = ("_left",)

    def __init__(self, comparisons: int = COMPARISONS) -> None:
        self._left = comparisons

    def spend(self, comparisons: int) -> None:
        """Count them; raises `TooManyPatterns`."""
        self._left -= comparisons
        if self._left < 0:
            raise TooManyPatterns


class _Node:
    """The patterns that begin alike."""

    __slots__ = ("children", "names")

    def __init__(self) -> None:
        self.children: dict[bytes, _Node] = {}
        self.names: dict[str, int] = {}
        """Whose pattern ends here, and how often."""


class PatternTable:
    """Names by pattern."""

    def __init__(self) -> None:
        self._root = _Node()

    def add(self, pattern: str | bytes, name: str) -> None:
        """This name has the pattern."""
        node = self._root
        for token in tokens_of(pattern.encode() if isinstance(pattern, str) else pattern):
            node = node.children.setdefault(token, _Node())
        node.names[name] = node.names.get(name, 0) + 1

    def remove(self, pattern: str, name: str) -> None:
        """It has it no more; it was added before."""
        tokens = tokens_of(pattern.encode())
        path = [self._root]
        for token in tokens:
            path.append(path[-1].children[token])
        names = path[-1].names
        names[name] -= 1
        if not names[name]:
            del names[name]
        for depth in range(len(tokens), 0, -1):
            if path[depth].names or path[depth].children:
                break
            del path[depth - 1].children[tokens[depth - 1]]

    def overlapping(self, pattern: str, budget: Budget | None = None) -> set[str]:
        """The names with a pattern that some subject matches which this one matches, too.

        Raises `TooManyPatterns` when the budget is spent; without one each node is visited once at most.
        """
        found: set[str] = set()
        level = [self._root]
        for token in tokens_of(pattern.encode()):
            if budget is not None:
                budget.spend(len(level))
            following: list[_Node] = []
            for node in level:
                rest = node.children.get(REST)
                if rest is not None:
                    found.update(rest.names)
                if token == REST:
                    _collect(node, found, budget)
                elif token == ONE:
                    following += [child for key, child in node.children.items() if key != REST]
                else:
                    following += [node.children[key] for key in (token, ONE) if key in node.children]
            level = following
        if budget is not None:
            budget.spend(len(level))
        for node in level:
            found.update(node.names)
        return found

    def matches(self, subject: bytes) -> bool:
        """Whether one of the patterns matches this subject."""
        level = [self._root]
        for token in tokens_of(subject):
            if any(REST in node.children for node in level):
                return True
            level = [node.children[key] for node in level for key in (token, ONE) if key in node.children]
        return any(node.names for node in level)


def _collect(node: _Node, found: set[str], budget: Budget | None) -> None:
    """All names below."""
    level = list(node.children.values())
    while level:
        if budget is not None:
            budget.spend(len(level))
        for each in level:
            found.update(each.names)
        level = [child for each in level for child in each.children.values()]
