"""A configuration as it was written: blocks of named items, each with its place.

What the names mean is nobody's concern here; see ``app.config.options``.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from app.config.errors import ConfigError, Place, Problem

Scalar: TypeAlias = bool | int | float | str | datetime


@dataclass(frozen=True, slots=True)
class Item:
    """A value, and where it begins."""

    value: "Scalar | tuple[Item, ...] | Block" = field(repr=False)  # may be a secret
    place: Place


@dataclass(frozen=True, slots=True)
class Member:
    """A key with its value."""

    key: str
    place: Place
    """Where the key stands."""
    item: Item


@dataclass(frozen=True, slots=True)
class Block:
    """Members in the order of the file; of several that set the same the last counts."""

    members: tuple[Member, ...] = ()
    referred: frozenset[str] = field(default=frozenset(), compare=False)
    """Keys whose values stand elsewhere as well, by way of variables."""

    def __iter__(self) -> Iterator[Member]:
        return iter(self.members)


@dataclass(frozen=True, slots=True)
class Remainder:
    """What could be read of a document that is broken."""

    block: Block = field(default_factory=Block)
    unread: frozenset[Place] = frozenset()
    """Where values are that could not be read, and are empty now."""
    variables: frozenset[str] = frozenset()
    """Names that variables may refer to, in what could not be read as well."""


class BrokenDocument(ConfigError):
    """Text that does not follow the grammar."""

    def __init__(self, problems: Iterable[Problem], remainder: Remainder) -> None:
        super().__init__(problems)
        self.remainder = remainder
