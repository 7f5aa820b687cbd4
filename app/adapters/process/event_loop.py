"""An event loop from its beginning to its end, which comes soon whatever is left to do.

`asyncio.run` waits for each task that is left, and for each thread, without a bound. One
piece of the operator's own code that swallows its cancellation would keep a server alive.
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
"""How long tasks that are cancelled are waited for, and afterwards threads."""

_LOOK_SECONDS = 0.01

T = TypeVar("T")


def run_in_loop(work: Coroutine[Any, Any, T], make_loop: Callable[[], asyncio.AbstractEventLoop]) -> T:
    """What it returns or raises; then all other tasks are cancelled, and waited for with a bound."""
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
            loop.close()  # which lets its threads go, and does not wait for them


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
        task._log_destroy_pending = False  # type: ignore[attr-defined] # noqa: SLF001 - asyncio's own switch: it is known to be given up


def leave(status: int, leave_now: Callable[[int], object] = os._exit) -> int:
    """`status`, for the end of the program; where a thread would keep it from ending, the end is now."""
    deadline = time.monotonic() + END_SECONDS
    while any(_holding(threading.enumerate())) and time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)
    if any(_holding(threading.enumerate())):
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError, AttributeError):
                stream.flush()
        leave_now(status)
    return status


def end_at_last(seconds: float, leave_now: Callable[[], object]) -> threading.Timer:
    """End the program after so long if it has not ended by then, even while its loop is stuck.

    To be cancelled where it has.
    """
    timer = threading.Timer(seconds, leave_now)
    timer.name, timer.daemon = "last-end", True
    timer.start()
    return timer


def _holding(threads: Iterable[threading.Thread]) -> Iterable[threading.Thread]:
    """Those for which Python would wait."""
    return (thread for thread in threads if not thread.daemon and thread is not threading.main_thread())
