"""Tasks that begin at once."""

import asyncio
from collections.abc import Callable
from contextvars import ContextVar

import pytest

from app.adapters.hooks.eager_task import begin
from tests.support.patience import PATIENCE

Made = asyncio.Task[None] | None
NAME = ContextVar("NAME", default="nobody")


async def outside(call: Callable[[], Made]) -> Made:
    """Make the call outside of any task."""
    made: list[Made] = []
    asyncio.get_running_loop().call_soon(lambda: made.append(call()))
    await asyncio.sleep(0)
    (task,) = made
    return task


@pytest.mark.asyncio
async def test_nothing_to_wait_for() -> None:
    """It is through within the call, in a task of its own, and leaves none."""
    seen: list[object] = []

    async def work() -> None:
        seen.append(asyncio.current_task())

    made = await outside(lambda: begin(work()))
    await asyncio.sleep(0)

    assert made is None
    assert isinstance(seen[0], asyncio.Task)
    assert asyncio.current_task() not in seen
    assert {asyncio.current_task()} == asyncio.all_tasks()


@pytest.mark.asyncio
async def test_all_steps_are_of_one_task() -> None:
    """What waits goes on later, in the same task and context, with what it waited for."""
    seen: list[object] = []
    future: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def work() -> None:
        NAME.set("it")
        async with asyncio.timeout(PATIENCE):
            seen.append(asyncio.current_task())
            await asyncio.sleep(0)
            seen.append(await future)
        seen.extend((asyncio.current_task(), NAME.get()))

    task = await outside(lambda: begin(work()))
    future.set_result("done")
    assert task is not None
    await task

    assert [task, "done", task, "it"] == seen
    assert "nobody" == NAME.get()


@pytest.mark.asyncio
@pytest.mark.parametrize("steps", [0, 1, 2])
async def test_a_cancellation_comes_to_the_work(steps: int) -> None:
    """Also before the task has taken a step of its own; the work may ignore it, and go on."""
    seen: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append("cancelled")
        await asyncio.sleep(0)
        seen.append("over")

    made: list[Made] = []
    if steps:
        made.append(await outside(lambda: begin(work())))
    else:

        def cancelled() -> Made:
            task = begin(work())
            assert task is not None
            task.cancel()
            return task

        made.append(await outside(cancelled))
    for _ in range(steps - 1):
        await asyncio.sleep(0)
    (task,) = made
    assert task is not None
    task.cancel()
    await asyncio.wait([task])

    assert "cancelled" == seen[0]


@pytest.mark.asyncio
async def test_an_error_of_what_it_waits_for() -> None:
    """It is raised where the work waits."""
    seen: list[str] = []
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def work() -> None:
        try:
            await future
        except ValueError as error:
            seen.append(str(error))

    task = await outside(lambda: begin(work()))
    future.set_exception(ValueError("no"))
    assert task is not None
    await task

    assert ["no"] == seen


@pytest.mark.asyncio
async def test_within_a_task() -> None:
    """There it is an ordinary task."""
    seen: list[str] = []

    async def work() -> None:
        seen.append("begun")

    task = begin(work())

    assert ([], True) == (seen, task is not None)
    await asyncio.wait_for(asyncio.shield(task or asyncio.sleep(0)), PATIENCE)
    assert ["begun"] == seen
