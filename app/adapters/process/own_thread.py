"""Work that would hold the event loop, done by a thread that ends with it.

The loop's own threads stay until the loop ends, which in a program that embeds servers is
long after them.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

_MOMENT = 0.1
"""Seconds; much longer than a thread takes to end."""

T = TypeVar("T")


async def in_own_thread(work: Callable[[], T]) -> T:
    """What it returns or raises. Who is cancelled while it waits leaves the work to itself.

    The thread keeps no program from ending. Raises `RuntimeError` where no thread can be had.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def report(result: T | None, error: BaseException | None) -> None:
        if done.done():  # nobody waits any more
            return
        if error is None:
            done.set_result(result)  # type: ignore[arg-type] # it is a T where there is no error
        else:
            done.set_exception(error)

    def run() -> None:
        result, failure = None, None
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is awaited
            failure = error
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(report, result, failure)

    thread = threading.Thread(target=run, name="own-thread", daemon=True)
    thread.start()
    result = await done
    thread.join(_MOMENT)  # it is about to end
    return result
