"""A configuration as it was written: blocks of named items, each with its place.

What the names mean is nobody's concern here; see ``app.config.options``.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from app.config.errors import Place

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
    """Members in the order of the file; of several with one key the last counts."""

    members: tuple[Member, ...] = ()
    referred: frozenset[str] = field(default=frozenset(), compare=False)
    """Keys whose values stand elsewhere as well, by way of variables."""

    def __iter__(self) -> Iterator[Member]:
        return iter(self.members)
