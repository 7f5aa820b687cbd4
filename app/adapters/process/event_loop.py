"""Event loop: runs a coroutine, and bounds the time of its end.

`asyncio.run` waits without a limit for all remaining tasks and threads. Code of the
operator that ignores its cancellation would keep the server from ending.
"""

import _thread
import asyncio
import os
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from typing import Any, TypeVar

END_SECONDS = 2.0
"""Time limit for cancelled tasks to end, and then for threads."""

_POLL_SECONDS = 0.01

T = TypeVar("T")


def run_in_loop(work: Coroutine[Any, Any, T], make_loop: Callable[[], asyncio.AbstractEventLoop]) -> T:
    """Run `work` to its end, then cancel all other tasks and wait `END_SECONDS` for them.

    Returns what `work` returns; raises what it raises.
    """
    try:
        loop = make_loop()
    except BaseException:
        work.close()  # Python warns of a coroutine that was never awaited
        raise
    asyncio.set_event_loop(loop)
    try:
        return loop.run_until_complete(work)
    finally:
        try:
            _end_tasks(loop)
            with suppress(TimeoutError):
                loop.run_until_complete(asyncio.wait_for(loop.shutdown_asyncgens(), END_SECONDS))
        finally:
            asyncio.set_event_loop(None)
            loop.close()  # does not wait for its threads


async def to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` to its end, even if the caller is cancelled: the cancellation is raised after that."""
    task, cancelled = asyncio.ensure_future(work), None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        if not task.cancelled():
            task.exception()  # asyncio logs one that is never retrieved
        raise cancelled
    return task.result()


def _end_tasks(loop: asyncio.AbstractEventLoop) -> None:
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if not tasks:
        return
    ended, left = loop.run_until_complete(asyncio.wait(tasks, timeout=END_SECONDS))
    for task in ended:
        if not task.cancelled() and (error := task.exception()):
            loop.call_exception_handler({"message": "a task failed at the end", "exception": error})
    for task in left:
        task._log_destroy_pending = False  # type: ignore[attr-defined] # noqa: SLF001 - asyncio's own switch; the task is abandoned on purpose


def exit_status(status: int, exit_now: Callable[[int], object] = os._exit) -> int:
    """Returns `status` for the program's exit; exits at once if a thread would prevent that."""
    deadline = time.monotonic() + END_SECONDS
    while any(_holding(threading.enumerate())) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    if any(_holding(threading.enumerate())):
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError, AttributeError):
                stream.flush()
        exit_now(status)
    return status


class ExitTimer:
    """Makes a call after some time, in a thread; who makes it does not wait until the thread has begun."""

    def __init__(self, seconds: float, call: Callable[[], object]) -> None:
        """Raises `RuntimeError` if no thread can start."""
        self._seconds, self._call = seconds, call
        self._cancelled, self._ended = threading.Event(), threading.Event()
        _thread.start_new_thread(self._run, ())

    def cancel(self) -> None:
        """Do not make the call, if it has not been made."""
        self._cancelled.set()

    def join(self, timeout: float) -> bool:
        """Wait until the thread has nothing more to do; whether it has come to that in time."""
        return self._ended.wait(timeout)

    def _run(self) -> None:
        try:
            if not self._cancelled.wait(self._seconds):
                self._call()
        finally:
            self._ended.set()


def exit_after(seconds: float, exit_now: Callable[[], object]) -> ExitTimer:
    """Exit after `seconds`, even if the event loop is stuck. Cancel the timer to prevent it.

    Raises `RuntimeError` if no thread can start.
    """
    return ExitTimer(seconds, exit_now)


def _holding(threads: Iterable[threading.Thread]) -> Iterable[threading.Thread]:
    """The threads for which the interpreter waits at its exit."""
    return (thread for thread in threads if not thread.daemon and thread is not threading.main_thread())
