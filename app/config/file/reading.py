"""From trees to blocks: values are read, variables looked up, files included.

One `DocumentReader` reads one configuration and keeps the bounds of the whole; a
`_TreeReader` goes through the tree of one file, or of one environment variable.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias, cast

from lark import Token, Tree

from ..document import Block, BrokenDocument, Item, Member, Remainder
from ..errors import ConfigError, Place, Problem
from ..scalars import READERS, single_quoted
from .parse_errors import TextPosition
from .parsing import DEEPEST, MOST_MISTAKES, MOST_VALUES, Branch, parse
from .sources import LARGEST_FILE, SourceFile, Unreadable, open_source

MOST_FILES = 256
"""Files in all, one that is included twice counted twice."""
LONGEST_CHAIN = 16
"""Files that include each other in a row; variables that refer to each other in a row."""

PARSE_ERROR = "Parse error"
"""Before what is wrong with the text itself, in the words of nats-server: launchers look for them."""

_UNKNOWN = (
    "unknown variable: no key above and no environment variable has this name; "
    "text that begins with '$' needs quotes"
)

_REFERENCE = re.compile(r"""\$([^ \t\r\n;,\]}'"\\]+)""")

_SURROGATE = re.compile("[\ud800-\udfff]")
"""A byte of the environment that is not UTF-8."""

_Node: TypeAlias = Branch | Token


class _TooMuch(Exception):
    """A bound is passed, and that has been reported."""


@dataclass(frozen=True, slots=True)
class _Context:
    """What is around a tree."""

    files: tuple[SourceFile, ...]
    """The files that include each other, down to the one that is read."""
    depth: int = 0
    """Blocks and arrays around it."""
    variables: tuple[str, ...] = ()
    """Variables of the environment that led to it."""
    place: Place | None = None
    """Where the first of these variables is referred to; nothing in them has a place of its own."""


class DocumentReader:
    """Reads one configuration, with all that it includes."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self.known: dict[str, Item] = {}
        """Variables of the environment that have been read."""
        self._problems: list[tuple[Place, str]] = []
        self._unread: set[Place] = set()
        self._variables: set[str] = set()
        self._files = 0
        self._size = 0
        self._values = 0

    def read(self, source: SourceFile) -> Block:
        """The whole as one block. Raises `BrokenDocument` with all that is wrong."""
        try:
            block = self.document(_Context((source,)), Place(source.path, 1, 1))
        except _TooMuch:
            block = Block()
        if self._problems:
            found = sorted(set(self._problems))[:MOST_MISTAKES]
            remainder = Remainder(block, frozenset(self._unread), frozenset(self._variables))
            raise BrokenDocument([Problem(text, place) for place, text in found], remainder)
        return block

    def document(self, context: _Context, place: Place) -> Block:
        """One file; `place` is where it is named."""
        source = context.files[-1]
        self._files += 1
        self._size += len(source.text)
        if self._files > MOST_FILES:
            self.refuse(place, f"more than {MOST_FILES} files are included")
        if self._size > LARGEST_FILE:
            self.refuse(place, f"larger than {LARGEST_FILE // 1024**2} MiB, with all that is included")
        tree, mistakes = parse(source.text.removeprefix("\ufeff"), "document")
        for mistake in mistakes:
            place_of_mistake = Place(source.path, mistake.spot.line, mistake.spot.column)
            self.report(place_of_mistake, f"{PARSE_ERROR}: {mistake.text}")
            self._variables.update(_REFERENCE.findall(source.text))
        if tree is None:
            return Block()
        return _TreeReader(self, context, whole=not mistakes).document(tree)

    def variable(self, name: str, context: _Context, place: Place) -> Item:
        """What a variable of the environment holds, read as a value; `place` refers to it."""
        text = self.environment[name]
        if _SURROGATE.search(text):
            return self.unread(place, f"environment variable '{name}' is not UTF-8 text")
        tree, mistakes = parse(text, "variable")
        for mistake in mistakes:
            self.report(place, f"environment variable '{name}': {mistake.text}")
        if tree is None or not tree.children:
            if mistakes:
                self._unread.add(place)
            return Item("", place)
        return _TreeReader(self, context, whole=True).value(tree.children[0])

    def count(self, place: Place) -> None:
        """One more value."""
        self._values += 1
        if self._values > MOST_VALUES:
            self.refuse(place, f"more than {MOST_VALUES} values")

    def nest(self, place: Place, depth: int) -> None:
        """Blocks and arrays are `depth` levels deep."""
        if depth > DEEPEST:
            self.refuse(place, f"nested deeper than {DEEPEST} levels")

    def count_all(self, item: Item, place: Place, depth: int) -> None:
        """A value that was read before is used again, with all it holds, `depth` levels deep."""
        self.count(place)
        if isinstance(item.value, Block | tuple):
            self.nest(place, depth + 1)
            held = item.value if isinstance(item.value, tuple) else [member.item for member in item.value]
            for each in held:
                self.count_all(each, place, depth + 1)

    @property
    def mistakes(self) -> int:
        """Number of problems reported."""
        return len(self._problems)

    def adopt(self, error: ConfigError) -> None:
        """Report the problems of an error."""
        self._problems += [(problem.place, problem.text) for problem in error.problems if problem.place]

    def report(self, place: Place, text: str) -> None:
        """Note a problem."""
        self._problems.append((place, text))

    def unread(self, place: Place, text: str) -> Item:
        """Report it; an empty value takes the place of the one that cannot be read."""
        self.report(place, text)
        self._unread.add(place)
        return Item("", place)

    def may_be_unread(self, place: Place) -> None:
        """A value may be there that was not read."""
        self._unread.add(place)

    def refuse(self, place: Place, text: str) -> None:
        """Report it, and end the reader."""
        self.report(place, text)
        raise _TooMuch


class _TreeReader:
    """Goes through one tree."""

    def __init__(self, reader: DocumentReader, context: _Context, *, whole: bool) -> None:
        self._reader = reader
        self._context = context
        self._whole = whole
        """Nothing was left out, so what is missing is missing in the file."""
        self._scopes: list[dict[str, Item]] = []
        """What was read of the blocks around, the outermost first."""
        self._referred: list[set[str]] = []
        """Keys of the same blocks that variables refer to."""
        self._depth = context.depth

    def document(self, tree: Branch) -> Block:
        """The block of a file; brackets around the whole mean nothing."""
        match tree.children:
            case [Tree(data="block", children=[_, *entries])]:
                return self._block(entries)
        return self._block(tree.children)

    def value(self, node: _Node) -> Item:
        """The value of a node, its variables looked up."""
        if isinstance(node, Token):
            return self._variable(node) if node.type == "VARIABLE" else self._scalar(node)
        bracket, *inner = node.children
        place = self._place(cast("Token", bracket))
        self._reader.count(place)
        self._depth += 1
        self._reader.nest(place, self._depth)
        value = self._block(inner) if node.data == "block" else tuple(map(self.value, inner))
        self._depth -= 1
        return Item(value, place)

    def _block(self, entries: Iterable[_Node]) -> Block:
        scope: dict[str, Item] = {}
        self._scopes.append(scope)
        self._referred.append(set())
        members: list[Member] = []
        for entry in entries:
            read = self._entry(cast("Branch", entry))
            scope.update((member.key, member.item) for member in read)
            members += read
        self._scopes.pop()
        return Block(tuple(members), frozenset(self._referred.pop()))

    def _entry(self, entry: Branch) -> Iterable[Member]:
        first, *value = entry.children
        token = cast("Token", first)
        place = self._place(token)
        if entry.data == "include":
            return self._included(_name(token), place)
        item = self.value(value[0]) if value else Item("", place)
        return [Member(_name(token), place, item)]

    def _scalar(self, token: Token) -> Item:
        place = self._place(token)
        self._reader.count(place)
        try:
            return Item(READERS[token.type](str(token)), place)
        except ValueError as error:
            return self._reader.unread(place, str(error))

    def _variable(self, token: Token) -> Item:
        """What the innermost block says that has the key already, or else the environment."""
        place = self._place(token)
        name = token[1:]
        around = zip(reversed(self._scopes), reversed(self._referred), strict=True)
        for scope, referred in around:
            if name in scope:
                found = scope[name]
                referred.add(name)
                break
        else:
            found = self._of_environment(name, place)
        self._reader.count_all(found, place, self._depth)
        return Item(found.value, place)

    def _of_environment(self, name: str, place: Place) -> Item:
        reader, context = self._reader, self._context
        if name in context.variables:
            reader.unread(place, f"the environment variable '{name}' refers to itself")
        elif name in reader.known:
            return reader.known[name]
        elif name in reader.environment:
            if len(context.variables) == LONGEST_CHAIN:
                reader.refuse(place, f"more than {LONGEST_CHAIN} variables refer to each other in a row")
            variables = (*context.variables, name)
            inner = replace(context, depth=self._depth, variables=variables, place=place)
            reader.known[name] = reader.variable(name, inner, place)
            return reader.known[name]
        elif self._whole:
            reader.unread(place, _UNKNOWN)
        else:
            reader.may_be_unread(place)
        return Item("", place)

    def _included(self, name: str, place: Place) -> Iterable[Member]:
        """The members of another file, whose name counts from the directory of this one."""
        reader, files = self._reader, self._context.files
        before = reader.mistakes
        members: Iterable[Member] = ()
        try:
            source = open_source(str(Path(files[-1].path).parent / name))
        except Unreadable as error:
            reader.report(place, f"error opening included file: {error}")
        except ConfigError as error:
            reader.adopt(error)
        else:
            if any(source.identity == file.identity for file in files):
                reader.report(place, "include loop: the file is being read already")
            elif len(files) > LONGEST_CHAIN:
                reader.refuse(place, f"more than {LONGEST_CHAIN} files include each other in a row")
            else:
                block = reader.document(_Context((*files, source), self._depth), place)
                self._referred[-1] |= block.referred
                members = block
        self._whole &= before == reader.mistakes
        return members

    def _place(self, token: Token) -> Place:
        spot = TextPosition.of(token)
        return self._context.place or Place(self._context.files[-1].path, spot.line, spot.column)


def _name(token: Token) -> str:
    """A key or a file name."""
    return single_quoted(token) if token.type.startswith("QUOTED") else str(token)
