"""Which streams listen to subjects that overlap with a pattern, found without asking them all."""

from ...subjects.subject import ONE, REST, tokens_of


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

    def add(self, pattern: str, name: str) -> None:
        """This name has the pattern."""
        node = self._root
        for token in tokens_of(pattern.encode()):
            node = node.children.setdefault(token, _Node())
        node.names[name] = node.names.get(name, 0) + 1

    def remove(self, pattern: str, name: str) -> None:
        """It has it no more; it was added before."""
        tokens = tokens_of(pattern.encode())
        way = [self._root]
        for token in tokens:
            way.append(way[-1].children[token])
        names = way[-1].names
        names[name] -= 1
        if not names[name]:
            del names[name]
        for depth in range(len(tokens), 0, -1):
            if way[depth].names or way[depth].children:
                break
            del way[depth - 1].children[tokens[depth - 1]]

    def overlapping(self, pattern: str) -> set[str]:
        """The names with a pattern that some subject matches which this one matches, too."""
        found: set[str] = set()
        level = [self._root]
        for token in tokens_of(pattern.encode()):
            following: list[_Node] = []
            for node in level:
                rest = node.children.get(REST)
                if rest is not None:
                    found.update(rest.names)
                if token == REST:
                    _collect(node, found)
                elif token == ONE:
                    following += [child for key, child in node.children.items() if key != REST]
                else:
                    following += [node.children[key] for key in (token, ONE) if key in node.children]
            level = following
        for node in level:
            found.update(node.names)
        return found


def _collect(node: _Node, found: set[str]) -> None:
    """All names below."""
    level = list(node.children.values())
    while level:
        for each in level:
            found.update(each.names)
        level = [child for each in level for child in each.children.values()]
