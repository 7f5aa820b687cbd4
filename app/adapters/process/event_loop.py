"""Event loop: runs a coroutine, and bounds the time of its end.

`asyncio.run` waits without a limit for all remaining tasks and threads. Code of the
operator that ignores its cancellation would keep the server from ending.
"""

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
    loop = make_loop()
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


def exit_after(seconds: float, exit_now: Callable[[], object]) -> threading.Timer:
    """Exit after `seconds`, even if the event loop is stuck. Cancel the timer to prevent it."""
    timer = threading.Timer(seconds, exit_now)
    timer.name, timer.daemon = "exit-timer", True
    timer.start()
    return timer


def _holding(threads: Iterable[threading.Thread]) -> Iterable[threading.Thread]:
    """The threads for which the interpreter waits at its exit."""
    return (thread for thread in threads if not thread.daemon and thread is not threading.main_thread())
