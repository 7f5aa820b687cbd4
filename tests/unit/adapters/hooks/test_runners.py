"""What calls hooks, when they are replaced."""

import asyncio

import pytest

from app.adapters.clock_manual import ManualClock
from app.adapters.hooks.runners import HookRunners
from app.adapters.hooks.setup import HookSettings, OpenHooks, check_hooks, open_hooks
from app.domain.hooks.gate import HookOutcome
from app.domain.hooks.hook_event import HookClient, HookEvent, HookPoint
from app.ports.hooks import HookAnswer, Hooks
from tests.fakes.event_log import RecordingEventLog

pytestmark = pytest.mark.asyncio

EVENT = HookEvent(HookClient(7, "n", "u", "127.0.0.1:5"), "a")


class Patient(Hooks):
    """Answers when the test says."""

    def __init__(self) -> None:
        self.may = asyncio.Event()

    async def publish(self, event: HookEvent) -> None:
        """Wait."""
        del event
        await self.may.wait()


class Quick(Hooks):
    """Answers at once."""

    def publish(self, event: HookEvent) -> HookAnswer:
        """Allow."""


def opened(hooks: Hooks) -> OpenHooks:
    """These, to be asked."""
    made = open_hooks(check_hooks(hooks, HookSettings()), ManualClock(), RecordingEventLog())
    assert made is not None
    return made


async def test_calls_under_way_end_as_they_began() -> None:
    """Hooks that are replaced still answer what they were asked."""
    hooks, outcomes = Patient(), list[HookOutcome]()
    runners = HookRunners(opened(hooks))
    before = runners.opened
    assert before is not None
    assert before.runner.call(HookPoint.PUBLISH, EVENT, 1.0, outcomes.append) is None
    later = opened(Quick())
    runners.switch(later)
    await asyncio.sleep(0)
    hooks.may.set()
    await runners.close()

    assert ([HookOutcome()], None) == (outcomes, runners.opened)
    assert later.runner.call(HookPoint.PUBLISH, EVENT, 1.0, outcomes.append) == HookOutcome(
        failure="the server stops"
    )


async def test_a_server_without_hooks() -> None:
    """Nothing is to be ended."""
    runners = HookRunners(None)
    runners.switch(None)
    await runners.close()

    assert runners.opened is None
