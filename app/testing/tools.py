"""Small tools for tests."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable

WAIT_SECONDS = 30.0
_CHECK_SECONDS = 0.002


async def wait_for(
    condition: Callable[[], object | Awaitable[object]],
    timeout: float = WAIT_SECONDS,  # noqa: ASYNC109 - the time limit of a test
) -> None:
    """Wait until `condition`, a function or a coroutine function, is true.

    Raises `TimeoutError` after `timeout` seconds, with the last value, and `RuntimeError` under a loop that
    is not asyncio's.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        message = "wait_for needs an event loop of asyncio: under trio use the server's wait_for"
        raise RuntimeError(message) from None
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if inspect.isawaitable(value):
            value = await value
        if value:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"not true within {timeout:g} s; the last value is {value!r}")
        await asyncio.sleep(_CHECK_SECONDS)
