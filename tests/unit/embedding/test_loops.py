"""Work for the loop of another thread."""

import asyncio
import subprocess
import sys
import threading

import pytest

from app.embedding.loops import LoopThread, run_without_loop
from tests.support.patience import PATIENCE


async def twice(number: int) -> int:
    """Some work."""
    await asyncio.sleep(0)
    return 2 * number


async def fail() -> None:
    """Work that fails."""
    raise LookupError("failed")


def test_without_a_loop_it_is_waited_for() -> None:
    """The result comes back, and so does an exception; the thread ends with the last work."""
    before = threading.active_count()
    thread = LoopThread()

    assert 4 == thread.do(twice(2))
    with pytest.raises(LookupError):
        thread.do(fail())
    assert "pynatsd" == thread.call(lambda: threading.current_thread().name)
    with pytest.raises(ZeroDivisionError):
        thread.call(lambda: 1 / 0)
    assert 6 == thread.end(twice(3))
    assert before == threading.active_count()
    assert 1 == thread.call(lambda: 1)


def test_within_a_loop_it_can_be_awaited() -> None:
    """It is done whether it is awaited or not, and the loop is not blocked."""
    thread = LoopThread()

    async def use() -> tuple[int, int]:
        thread.do(fail())
        return await thread.do(twice(2)), await thread.end(twice(3))

    assert (4, 6) == asyncio.run(use())


def test_a_call_within_the_thread_itself() -> None:
    """It is made at once."""
    thread = LoopThread()

    assert 1 == thread.call(lambda: thread.call(lambda: 1))
    thread.end(twice(1))


def test_waiting_in_spite_of_a_loop() -> None:
    """A context manager that is not asynchronous has to wait."""

    async def use() -> bool:
        return run_without_loop(lambda: asyncio.run(twice(1)) == 2)

    assert asyncio.run(use())
    assert run_without_loop(lambda: 1) == 1

    async def fails() -> None:
        run_without_loop(lambda: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        asyncio.run(fails())


def test_a_fork_leaves_the_thread_behind() -> None:
    """A child process learns that it has no such thread, and does not wait for it."""
    program = """
import os
from app.embedding.loops import LoopThread
async def work(): return 4
thread, refused = LoopThread(), 0
if child := os.fork():
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os._exit(status if thread.end(work()) == 4 else 100)
for attempt in (lambda: thread.do(work()), lambda: thread.call(int), lambda: thread.end(work())):
    try: attempt()
    except RuntimeError: refused += 1
os._exit(refused)
"""
    words = [sys.executable, "-W", "ignore", "-c", program]  # Python warns of any fork with threads

    assert 3 == subprocess.run(words, timeout=PATIENCE, check=False).returncode
