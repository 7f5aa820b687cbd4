"""Named tuples made by one call of C; calling their class is a call of Python for each (ADR 0061)."""

from collections.abc import Iterable
from typing import Any, Protocol, TypeVar

_Tuple = TypeVar("_Tuple", bound=tuple[Any, ...])


class _Make(Protocol):
    def __call__(self, kind: type[_Tuple], fields: Iterable[object], /) -> _Tuple:
        """A named tuple of this class; nothing checks how many fields there are."""
        ...


made: _Make = tuple.__new__
"""See `_Make`. For places that each message or each request passes; elsewhere the class is called."""
