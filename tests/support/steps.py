"""Runs stepwise answers to their end."""

from typing import TypeVar

from app.ports.broker_view import Steps

T = TypeVar("T")


def finished(steps: Steps[T]) -> T:
    """The answer."""
    return counted(steps)[1]


def counted(steps: Steps[T]) -> tuple[int, T]:
    """The number of pauses, and the answer."""
    pauses = 0
    while True:
        try:
            next(steps)
        except StopIteration as end:
            answer: T = end.value
            return pauses, answer
        pauses += 1
