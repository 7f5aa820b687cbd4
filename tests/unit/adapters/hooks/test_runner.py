"""Calling hooks: plain and async ones, and what goes wrong there."""

import asyncio
from collections.abc import Callable

import pytest

from app.adapters.clock_manual import ManualClock
from app.adapters.hooks.runner import AsyncioHookRunner
from app.domain.hooks.decisions import Allow, Refuse
from app.domain.hooks.gate import HookOutcome
from app.domain.hooks.hook_event import HookClient, HookEvent, HookPoint
from app.ports.hooks import HookAnswer, Hooks

EVENT = HookEvent(HookClient(1, "", "", ""))
Act = Callable[[], HookAnswer]


class Acting(Hooks):
    """Does what a test says."""

    def __init__(self, act: Act) -> None:
        self._act = act

    def publish(self, event: HookEvent) -> HookAnswer:
        """See `Hooks`."""
        assert event is EVENT
        return self._act()


class Scene:
    """A runner, its clock and the outcomes that came late."""

    def __init__(self, act: Act) -> None:
        self.clock = ManualClock()
        self.runner = AsyncioHookRunner(Acting(act), self.clock)
        self.late: list[HookOutcome] = []

    def call(self) -> HookOutcome | None:
        """Call it, with a limit of two seconds."""
        return self.runner.call(HookPoint.PUBLISH, EVENT, 2.0, self.late.append)


async def settle() -> None:
    """Let tasks go on that need nothing else."""
    for _ in range(5):
        await asyncio.sleep(0)


async def once(scene: Scene) -> HookOutcome | None:
    """Call it as the server does, outside of any task."""
    outcomes: list[HookOutcome | None] = []
    asyncio.get_running_loop().call_soon(lambda: outcomes.append(scene.call()))
    await settle()
    (outcome,) = outcomes
    return outcome


def broken() -> Allow:
    """Raise, as code with a defect."""
    raise ValueError("a secret")


def test_a_plain_hook() -> None:
    """It has answered at once, without an event loop."""
    assert HookOutcome(Refuse("no")) == Scene(lambda: Refuse("no")).call()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_plain_hook_that_raises(error: type[BaseException]) -> None:
    """That is a failure of this call, and its text stays out of the log."""

    def act() -> Allow:
        raise error("a secret")

    outcome = Scene(act).call()

    assert outcome is not None
    assert outcome.failure.startswith(f"it raised {error.__name__} at test_runner.py")
    assert "secret" not in outcome.failure


@pytest.mark.asyncio
async def test_an_async_hook() -> None:
    """Its answer comes later; then nothing is due any more."""

    async def act() -> Refuse:
        await asyncio.sleep(0)
        return Refuse("no")

    scene = Scene(act)

    assert scene.call() is None
    await settle()

    assert [HookOutcome(Refuse("no"))] == scene.late
    assert 0 == scene.clock.timers_outstanding


@pytest.mark.asyncio
async def test_an_async_hook_that_raises() -> None:
    """An async hook that raises is reported as failed, later."""

    async def act() -> Allow:
        await asyncio.sleep(0)
        return broken()

    scene = Scene(act)
    scene.call()
    await settle()

    (outcome,) = scene.late
    assert outcome.failure.startswith("it raised ValueError at test_runner.py")


@pytest.mark.asyncio
async def test_an_async_hook_that_waits_for_nothing() -> None:
    """It has answered, or failed, at once, and nothing is due any more."""

    async def act() -> Refuse:
        return Refuse("no")

    async def fail() -> Allow:
        return broken()

    answered, failed = Scene(act), Scene(fail)
    outcome = await once(failed)

    assert HookOutcome(Refuse("no")) == await once(answered)
    assert outcome is not None
    assert outcome.failure.startswith("it raised ValueError at test_runner.py")
    assert ([], 0) == (answered.late, answered.clock.timers_outstanding)


@pytest.mark.asyncio
@pytest.mark.parametrize("error", [GeneratorExit, KeyboardInterrupt, SystemExit])
async def test_an_async_hook_that_raises_what_is_no_error(error: type[BaseException]) -> None:
    """That is a failure of this call too, and nothing of it comes out."""

    async def act() -> Allow:
        raise error("a secret")

    outcome = await once(Scene(act))

    assert outcome is not None
    assert outcome.failure.startswith(f"it raised {error.__name__} at test_runner.py")


@pytest.mark.asyncio
async def test_any_awaitable_will_do() -> None:
    """A future is awaited as well."""
    future: asyncio.Future[Allow] = asyncio.get_running_loop().create_future()
    scene = Scene(lambda: future)
    scene.call()

    future.set_result(Allow())
    await settle()

    assert [HookOutcome(Allow())] == scene.late


@pytest.mark.asyncio
@pytest.mark.parametrize("obeys", [True, False])
async def test_an_async_hook_that_takes_too_long(*, obeys: bool) -> None:
    """It has failed, and is cancelled; what it does then is of no interest."""
    ended: list[str] = []

    async def act() -> Refuse | None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append("cancelled")
            if obeys:
                raise
        return Refuse("too late")

    scene = Scene(act)
    scene.call()
    await settle()
    scene.clock.advance(2.0)
    await settle()

    assert [HookOutcome(failure="it gave no answer within 2 s")] == scene.late
    assert ["cancelled"] == ended
    await scene.runner.close()


@pytest.mark.asyncio
async def test_the_end_waits_for_calls_under_way() -> None:
    """Those that end soon have their outcome."""
    gate = asyncio.Event()

    async def act() -> None:
        await gate.wait()

    scene = Scene(act)
    scene.call()
    asyncio.get_running_loop().call_soon(gate.set)

    await scene.runner.close()

    assert [HookOutcome(None)] == scene.late


@pytest.mark.asyncio
async def test_the_end_cancels_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """No task of a hook is left after the end."""
    monkeypatch.setattr("app.adapters.hooks.runner.CLOSE_SECONDS", 0.01)

    async def act() -> None:
        await asyncio.Event().wait()

    scene = Scene(act)
    scene.call()

    await scene.runner.close()

    (outcome,) = scene.late
    assert outcome.failure.startswith("it raised CancelledError")
    assert {asyncio.current_task()} == asyncio.all_tasks()
    assert HookOutcome(failure="the server stops") == scene.call()
