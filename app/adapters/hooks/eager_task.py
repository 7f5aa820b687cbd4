"""Eager tasks: a coroutine that never waits is done without a turn of the event loop.

An ordinary task begins in the next round. Tasks of Python 3.12 can do this by themselves; here it works
with each version that is supported (asyncio's page "Extending" describes the calls that are used).
"""

import asyncio
from asyncio import current_task
from collections.abc import Callable, Coroutine, Generator
from contextvars import copy_context
from functools import partial
from types import coroutine
from typing import Any, Final

_Work = Coroutine[Any, Any, None]


class _Begun:
    """A coroutine that has taken its first step."""

    __slots__ = ("is_over", "waits_for", "work")

    def __init__(self, work: _Work) -> None:
        self.work: Final = work
        self.is_over = False
        self.waits_for: Any = None
        """What it gave to its task, so as to wait for it."""

    def begin(self) -> None:
        """Take the first step."""
        try:
            self.waits_for = self.work.send(None)
        except StopIteration:
            self.is_over = True


def begin(work: _Work) -> asyncio.Task[None] | None:
    """Let a coroutine go up to its first wait; return the task that does the rest, None if nothing is left.

    Within another task it is an ordinary task. What the coroutine raises must not come out of it.
    """
    loop = asyncio.get_running_loop()
    if current_task(loop) is not None:
        return loop.create_task(work)
    begun, context = _Begun(work), copy_context()
    rest = _rest(begun)
    rest.send(None)  # so that a cancellation comes to the work, also before the task's first step
    task = loop.create_task(rest, context=context)
    asyncio._enter_task(loop, task)  # noqa: SLF001 - documented, see above
    try:
        context.run(begun.begin)
    finally:
        asyncio._leave_task(loop, task)  # noqa: SLF001 - the same
    return None if begun.is_over else task


async def _rest(begun: _Begun) -> None:
    await _steps(begun)


@coroutine
def _steps(begun: _Begun) -> Generator[Any, Any, None]:
    """All steps but the first."""
    work = begun.work
    step: Callable[[], Any] = lambda: begun.waits_for  # noqa: E731 - it is replaced below
    try:
        yield None
    except BaseException as error:  # noqa: BLE001 - it is for the work
        step = partial(work.throw, error)
    while not begun.is_over:
        try:
            waits_for = step()
        except StopIteration:
            return
        try:
            sent = yield waits_for
        except BaseException as error:  # noqa: BLE001 - as above
            step = partial(work.throw, error)
        else:
            step = partial(work.send, sent)
