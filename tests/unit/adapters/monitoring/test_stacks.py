"""Where everything stands."""

import asyncio
import threading

import pytest

from app.adapters.monitoring import stacks
from tests.support.steps import finished


def test_threads() -> None:
    """Each thread is named, with the places it goes through; values are not shown."""
    secret = "in-a-variable"  # noqa: S105 - it stands for one
    begun, end = threading.Event(), threading.Event()

    def wait_in_a_thread() -> None:
        begun.set()
        end.wait()

    thread = threading.Thread(target=wait_in_a_thread, name="some-thread")
    thread.start()
    begun.wait()

    text = asyncio.run(_stacks())
    end.set()
    thread.join()

    assert "thread some-thread:\n" in text
    assert "test_threads.<locals>.wait_in_a_thread\n" in text
    assert secret not in text


async def _stacks() -> str:
    return finished(stacks.stacks())


@pytest.mark.asyncio
async def test_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tasks are shown as well, but not thousands of them."""
    monkeypatch.setattr(stacks, "_MOST_TASKS", 2)
    never = asyncio.Event()

    async def wait_in_a_task() -> None:
        await never.wait()

    tasks = [asyncio.create_task(wait_in_a_task(), name=f"task-{number}") for number in range(3)]
    await asyncio.sleep(0)

    text = finished(stacks.stacks())
    for task in tasks:
        task.cancel()

    assert "wait_in_a_task\n" in text
    assert text.endswith("and 2 more tasks\n")
