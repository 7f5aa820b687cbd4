"""Parts of a container, each a method that makes it.

    class Container:
        @part
        def clock(self) -> Clock:
            return LoopClock()

``container.clock`` is a provider: it makes the part when it is called first, and returns the same one
from then on. It comes into being when it is asked for, so a container costs what is used of it.
``container.clock.override(mine)`` replaces the part, before it is made.
"""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from dependency_injector import providers

Provider = providers.Provider

T = TypeVar("T")


class part(Generic[T]):  # noqa: N801 - a decorator
    """Makes a provider of a method, one for each container."""

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make = make
        self.__doc__ = make.__doc__

    def __get__(self, container: object, _owner: type) -> Provider[T]:
        provider = providers.Singleton(self._make, container)
        vars(container)[self._make.__name__] = provider  # found there from now on
        return provider
