"""Work in a thread that ends with it."""

import asyncio
import threading

import pytest

from app.adapters.process.own_thread import in_own_thread


@pytest.mark.asyncio
async def test_what_the_work_comes_to() -> None:
    """It is returned, and the thread is gone."""
    assert "own-thread" == await in_own_thread(lambda: threading.current_thread().name)
    assert "own-thread" not in [thread.name for thread in threading.enumerate()]


@pytest.mark.asyncio
async def test_what_the_work_raises() -> None:
    """It is raised where the result is awaited."""
    with pytest.raises(ZeroDivisionError):
        await in_own_thread(lambda: 1 // 0)


@pytest.mark.asyncio
async def test_who_does_not_wait() -> None:
    """One who is cancelled leaves the work to itself, and its result to nobody."""
    begun, end = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        end.wait()

    task = asyncio.create_task(in_own_thread(work))
    await in_own_thread(begun.wait)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    end.set()

    assert 1 == await in_own_thread(lambda: 1)
