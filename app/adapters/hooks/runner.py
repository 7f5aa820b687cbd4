"""Calling hooks: plain functions at once, async ones in tasks with a time limit, which begin at once too.

Such code may raise, hang, or answer nonsense. Each of these fails one call, and no other. The one
exception is code that blocks the event loop, which nothing can interrupt. Anything it raises is a
failure, `KeyboardInterrupt` and `SystemExit` included: inside a hook they come from that code.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable

from ...domain.failure import described
from ...domain.hooks.gate import HookOutcome
from ...domain.hooks.hook_event import HookEvent, HookPoint
from ...domain.timers import Scheduler, Timer
from ...ports.hooks import HookRunner, Hooks
from .eager_task import begin

CLOSE_SECONDS = 1.0
"""How long calls under way are waited for at the end."""

Done = Callable[[HookOutcome], None]


class AsyncioHookRunner(HookRunner):
    """Calls the methods of one object."""

    def __init__(self, hooks: Hooks, scheduler: Scheduler) -> None:
        """Time limits pass on the `scheduler`."""
        self._hooks = hooks
        self._scheduler = scheduler
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closed = False

    def call(self, point: HookPoint, event: HookEvent, seconds: float, done: Done) -> HookOutcome | None:
        """See `HookCaller`. After `close` nothing begins."""
        if self._is_closed:
            return HookOutcome(failure="the server stops")
        try:
            answer: object = getattr(self._hooks, point.value)(event)
        except BaseException as error:  # noqa: BLE001 - see the module
            return _raised(error)
        if not inspect.isawaitable(answer):
            return HookOutcome(answer)
        call = _Call(seconds)
        task = begin(call.run(answer))
        if task is None:
            return call.outcome
        call.done = done
        self._tasks.add(task)  # the loop itself keeps no task alive
        task.add_done_callback(self._tasks.discard)
        call.timer = self._scheduler.call_later(seconds, lambda: call.expire(task))
        return None

    async def close(self) -> None:
        """See `HookRunner`. Calls in line begin as others end, so all that there are may be waited for."""
        loop = asyncio.get_running_loop()
        end = loop.time() + CLOSE_SECONDS
        while self._tasks and (left := end - loop.time()) > 0:
            await asyncio.wait(self._tasks, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        self._is_closed = True
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSE_SECONDS)


class _Call:
    """One call of an async method. The first outcome counts."""

    __slots__ = ("_seconds", "done", "outcome", "timer")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.done: Done | None = None
        """Gets the outcome, if it comes later."""
        self.outcome: HookOutcome | None = None
        """That of a call that was through at once."""
        self.timer: Timer | None = None

    async def run(self, answer: Awaitable[object]) -> None:
        try:
            outcome = HookOutcome(await answer)
        except BaseException as error:
            if isinstance(error, GeneratorExit) and self.done is not None:
                raise  # its task is given up while it waits; in the first step the hook has raised it
            outcome = _raised(error)
        self._finish(outcome)

    def expire(self, task: asyncio.Task[None]) -> None:
        self._finish(HookOutcome(failure=f"it gave no answer within {self._seconds:g} s"))
        task.cancel()

    def _finish(self, outcome: HookOutcome) -> None:
        done, self.done = self.done, None
        self.outcome = outcome
        if self.timer is not None:
            self.timer.cancel()
        if done is not None:
            done(outcome)


def _raised(error: BaseException) -> HookOutcome:
    return HookOutcome(failure=f"it raised {described(error)}")
