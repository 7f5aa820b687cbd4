"""Calls of an event loop that must not raise into it."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar


class Failing(Protocol):
    """An object that can be ended because of a defect."""

    def fail(self, error: Exception) -> None:
        """End it, for this defect."""
        ...


_S = TypeVar("_S", bound=Failing)
_P = ParamSpec("_P")
_R = TypeVar("_R")


def guarded(method: Callable[Concatenate[_S, _P], _R]) -> Callable[Concatenate[_S, _P], _R | None]:
    """What goes wrong in the method, a lack of memory included, ends its object; the answer is None then."""

    @wraps(method)
    def call(self: _S, /, *args: _P.args, **kwargs: _P.kwargs) -> _R | None:
        try:
            return method(self, *args, **kwargs)
        except Exception as error:  # noqa: BLE001 - a defect ends one link, not the loop
            self.fail(error)
            return None

    return call
