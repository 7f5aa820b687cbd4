"""A configuration as values with places: blocks of named items.

A file is read into a block whose keys are as written. `app.config.keys` turns it into a
block by the names of options, and flags are put into that one; a value that comes from
no file has no place. What the names mean is the concern of `app.config.options`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from datetime import datetime
from typing import TypeAlias, cast

from ..domain.value_object import value_object
from .errors import ConfigError, Place, Problem

Scalar: TypeAlias = bool | int | float | str | datetime

Path: TypeAlias = tuple[str | int, ...]
"""Leads from the whole to a part: names, and positions in arrays."""


@value_object
class Item:
    """A value, and where it begins."""

    value: "Scalar | tuple[Item, ...] | Block" = field(repr=False)  # may be a secret
    place: Place | None = None

    @classmethod
    def of(cls, value: object) -> "Item":
        """A plain value as an item, and what it holds as items; an item stays as it is."""
        if isinstance(value, Item):
            return value
        if isinstance(value, Mapping):
            return cls(Block.of(value))
        if isinstance(value, list | tuple):
            return cls(tuple(map(cls.of, value)))
        return cls(cast("Scalar", value))  # the model reports what is none

    def plain(self) -> object:
        """The value without places: arrays as tuples, blocks as dictionaries."""
        if isinstance(self.value, tuple):
            return tuple(item.plain() for item in self.value)
        return self.value.plain() if isinstance(self.value, Block) else self.value


@value_object
class Member:
    """A key with its value."""

    key: str
    place: Place | None
    """The place of the key."""
    item: Item


@value_object
class Block:
    """Members in the order of the file; of several with one key the last counts."""

    members: tuple[Member, ...] = ()
    referred: frozenset[str] = field(default=frozenset(), compare=False)
    """Keys whose values are used elsewhere as well, by way of variables."""

    @classmethod
    def of(cls, values: Mapping[str, object]) -> "Block":
        """A block of plain values, or of items."""
        return cls(tuple(Member(key, None, Item.of(value)) for key, value in values.items()))

    def __iter__(self) -> Iterator[Member]:
        return iter(self.members)

    def plain(self) -> dict[str, object]:
        """The values without places, nested as the blocks are."""
        return {member.key: member.item.plain() for member in self.members}

    def get(self, *path: str) -> object:
        """The plain value at a path; None if there is none."""
        found = self._walk(path)
        return found[-1].plain() if len(found) == len(path) else None

    def place(self, path: Path) -> Place | None:
        """Where the value at a path is, or else what it is a part of; None if that is in no file."""
        places = [item.place for item in self._walk(path) if item.place is not None]
        return places[-1] if places else None

    def put(self, value: object, *path: str) -> "Block":
        """The same block with `value` at a path; blocks on the way are made as needed."""
        name, *rest = path
        old = _part_of(self, name)
        if rest:
            inner = old.value if old is not None and isinstance(old.value, Block) else Block()
            value = Item(inner.put(value, *rest), None if old is None else old.place)
        return self._with(name, Item.of(value))

    def drop(self, *path: str) -> "Block":
        """The same block without what is at a path."""
        name, *rest = path
        if not rest:
            return self._with(name)
        old = _part_of(self, name)
        if old is None or not isinstance(old.value, Block):
            return self
        return self._with(name, Item(old.value.drop(*rest), old.place))

    def _with(self, name: str, *items: Item) -> "Block":
        others = (member for member in self.members if member.key != name)
        return Block((*others, *(Member(name, None, item) for item in items)))

    def _walk(self, path: Path) -> list[Item]:
        """The items along a path, as far as they exist."""
        found = [Item(self)]
        for name in path:
            item = _part_of(found[-1].value, name)
            if item is None:
                break
            found.append(item)
        return found[1:]


def _part_of(value: "Scalar | tuple[Item, ...] | Block", name: str | int) -> Item | None:
    if isinstance(value, tuple) and isinstance(name, int):
        return value[name]
    members = reversed(value.members) if isinstance(value, Block) else ()
    return next((member.item for member in members if member.key == name), None)


@value_object
class Remainder:
    """The readable part of a broken document."""

    block: Block = field(default_factory=Block)
    unread: frozenset[Place] = frozenset()
    """Places of values that could not be read, and are empty."""
    variables: frozenset[str] = frozenset()
    """Names that variables may refer to, also in the part that could not be read."""


class BrokenDocument(ConfigError):
    """Text that does not follow the grammar."""

    def __init__(self, problems: Iterable[Problem], remainder: Remainder) -> None:
        super().__init__(problems)
        self.remainder = remainder
