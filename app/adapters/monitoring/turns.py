"""Long answers, made beside the traffic."""

import asyncio
from typing import TypeVar

from app.ports.broker_view import Steps

T = TypeVar("T")


class Turns:
    """Takes the steps of all answers one by one: one step for each turn of the loop.

    So a page never holds messages up for longer than one step takes, however many
    pages are asked for at once.
    """

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def answer(self, steps: Steps[T]) -> T:
        """Take all steps; return what they come to."""
        while True:
            async with self._lock:
                try:
                    next(steps)
                except StopIteration as end:
                    answer: T = end.value
                    return answer
                await asyncio.sleep(0)
