"""The end of an event loop comes, whatever is left to do."""

import asyncio
import inspect
import threading

import pytest

from app.adapters.process import event_loop
from app.adapters.process.event_loop import exit_after, exit_status, run_in_loop, to_its_end
from tests.support.patience import PATIENCE


@pytest.fixture(autouse=True)
def _impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not end is given up sooner."""
    monkeypatch.setattr(event_loop, "END_SECONDS", 0.05)


async def stubborn() -> None:
    """Swallow each cancellation."""
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            continue


def test_a_task_that_cannot_be_cancelled(capfd: pytest.CaptureFixture[str]) -> None:
    """It is given up, without a word about it."""
    left: list[asyncio.Task[None]] = []

    async def work() -> str:
        left.append(asyncio.create_task(stubborn()))
        await asyncio.sleep(0)
        return "done"

    assert "done" == run_in_loop(work(), asyncio.new_event_loop)
    assert not left[0].done()
    assert ("", "") == capfd.readouterr()


def test_no_loop() -> None:
    """Work that cannot begin is given up, so that Python does not complain of it."""
    work = stubborn()

    def interrupt() -> asyncio.AbstractEventLoop:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_in_loop(work, interrupt)
    assert inspect.CORO_CLOSED == inspect.getcoroutinestate(work)


def test_tasks_end_in_order() -> None:
    """A task that obeys has time for what it does at its end."""
    seen: list[str] = []

    async def careful() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            seen.append("ended")

    async def work() -> None:
        seen.append(asyncio.create_task(careful()).get_name())
        await asyncio.sleep(0)

    run_in_loop(work(), asyncio.new_event_loop)

    assert "ended" == seen[-1]


def test_errors_come_through() -> None:
    """What the work raises is raised, and the loop is closed."""
    loops: list[asyncio.AbstractEventLoop] = []

    async def work() -> None:
        loops.append(asyncio.get_running_loop())
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_in_loop(work(), asyncio.new_event_loop)
    assert loops[0].is_closed()


def test_a_thread_that_does_not_end() -> None:
    """The program ends at once where a thread would keep it from ending."""
    end = threading.Event()
    thread = threading.Thread(target=end.wait)
    thread.start()
    statuses: list[int] = []

    assert 3 == exit_status(3, statuses.append)
    end.set()
    thread.join()

    assert [3] == statuses
    assert 4 == exit_status(4, statuses.append)
    assert [3] == statuses


def test_the_last_end() -> None:
    """A program that has not ended in time ends then; one that has is left alone."""
    ended = threading.Event()
    calm = exit_after(60.0, ended.set)
    calm.cancel()
    calm.join(PATIENCE)
    assert not ended.is_set()

    exit_after(0.0, ended.set).join(PATIENCE)

    assert ended.is_set()


def test_work_to_its_end() -> None:
    """Who waits for it may be cancelled, even twice; the work is done, and then the caller is cancelled."""
    done: list[str] = []

    async def fail() -> None:
        raise LookupError

    async def cancel_twice() -> None:
        begun, may_end = asyncio.Event(), asyncio.Event()

        async def work() -> None:
            begun.set()
            await may_end.wait()
            done.append("work")

        caller = asyncio.create_task(to_its_end(work()))
        await begun.wait()
        for _ in range(2):
            caller.cancel()
            await asyncio.sleep(0)
        may_end.set()
        await caller

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancel_twice())
    with pytest.raises(LookupError):
        asyncio.run(to_its_end(fail()))
    assert (["work"], 4) == (done, asyncio.run(to_its_end(asyncio.sleep(0, 4))))
