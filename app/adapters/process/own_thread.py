"""Running blocking work in a thread of its own, which ends with the work.

The loop's executor keeps its threads until the loop ends, which is too late in a program
that embeds servers.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

_MOMENT = 0.1
"""Seconds; much longer than the end of a thread takes."""

T = TypeVar("T")


async def in_own_thread(work: Callable[[], T]) -> T:
    """Returns what `work` returns; raises what it raises. A cancelled call does not stop the work.

    The thread does not keep the program from ending. Raises `RuntimeError` if no thread can start.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(set_outcome: Callable[[], None]) -> None:
        if not done.done():  # else the call was cancelled
            set_outcome()

    def run() -> None:
        try:
            set_outcome = partial(done.set_result, work())
        except BaseException as error:  # noqa: BLE001 - raised to the caller
            set_outcome = partial(done.set_exception, error)
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(settle, set_outcome)

    thread = threading.Thread(target=run, name="own-thread", daemon=True)
    thread.start()
    result = await done
    thread.join(_MOMENT)  # it ends now
    return result
