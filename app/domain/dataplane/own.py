"""The objects of one data plane, in the plain twin: another's are refused, as in the compiled twin."""

from typing import TypeVar

T = TypeVar("T")


def own(kind: type[T], thing: object) -> T:
    """The thing, which is of this class; raises `TypeError` for one of another twin."""
    if isinstance(thing, kind):
        return thing
    raise TypeError(f"expected a {kind.__name__} of this data plane, not {type(thing).__name__}")
