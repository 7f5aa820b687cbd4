"""Value objects: frozen dataclasses that are made in less time, with methods that all of them share.

A program in Python makes its classes again at each start. `dataclasses` compiles six methods for each
frozen class, and a server has more than two hundred; here it compiles half of them. What ``__init__``
takes, and that nobody changes a value, remains the business of `dataclasses` (ADR 0062).
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import cache
from inspect import get_annotations
from operator import attrgetter
from typing import TYPE_CHECKING, TypeVar, dataclass_transform

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_Made = TypeVar("_Made")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value_object(cls: type[_Made]) -> type[_Made]:
    """As `dataclass(frozen=True, slots=True)`."""
    has_fields = bool(get_annotations(cls))  # of its own; else it inherits what its base does with them
    made = dataclass(init=has_fields, frozen=True, slots=True, eq=False, repr=False)(cls)
    for name in ("__eq__", "__hash__", "__repr__"):
        if name not in vars(cls):
            setattr(made, name, vars(_Shared)[name])
    return made


class _Shared:
    """Methods of a value object; they compare and show what its class says of its fields."""

    def __eq__(self: "DataclassInstance", other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        read = _compared(self.__class__)
        return read(self) == read(other)

    def __hash__(self: "DataclassInstance") -> int:
        return hash(_compared(self.__class__)(self))

    def __repr__(self: "DataclassInstance") -> str:
        shown = (f"{each.name}={getattr(self, each.name)!r}" for each in fields(self) if each.repr)
        return f"{self.__class__.__qualname__}({', '.join(shown)})"


@cache
def _compared(kind: type["DataclassInstance"]) -> Callable[[object], object]:
    """Reads what objects of this class are compared by."""
    names = [each.name for each in fields(kind) if each.compare]
    return attrgetter(*names) if names else _nothing


def _nothing(value: object) -> None:
    """There is nothing to compare."""
