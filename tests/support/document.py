"""Documents as a file would give them, written down without a grammar."""

from typing import TypeAlias

from app.config.document import Block, Item, Member, Scalar
from app.config.errors import Place

FILE = "x.conf"

Pairs: TypeAlias = "list[tuple[str, Value]]"
"""A map."""

Value: TypeAlias = "Scalar | tuple[Value, ...] | Pairs"
"""A tuple is an array."""


def document(*pairs: "tuple[str, Value]") -> Block:
    """What a file says that has each key, and each element of an array, on a line of its own.

    Keys and elements begin in column 1; a value follows its key and a blank.
    """
    return _Writer().block(list(pairs))


class _Writer:
    """Counts lines."""

    def __init__(self) -> None:
        self._line = 0

    def block(self, pairs: Pairs) -> Block:
        return Block(tuple(self._member(key, value) for key, value in pairs))

    def _member(self, key: str, value: Value) -> Member:
        self._line += 1
        return Member(key, Place(FILE, self._line, 1), self._item(value, len(key) + 2))

    def _item(self, value: Value, column: int) -> Item:
        place = Place(FILE, self._line, column)
        if isinstance(value, list):
            return Item(self.block(value), place)
        if isinstance(value, tuple):
            return Item(tuple(map(self._element, value)), place)
        return Item(value, place)

    def _element(self, value: Value) -> Item:
        self._line += 1
        return self._item(value, 1)
