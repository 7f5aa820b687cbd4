"""The gate: whatever hooks do, the server gets a verdict that it can obey."""

from functools import partial

import pytest

from app.adapters.clock_manual import ManualClock
from app.domain.dataplane.seam import HookedMessage
from app.domain.hooks.breaker import FAILURES, OPEN_SECONDS
from app.domain.hooks.decisions import ALLOW, Allow, Refuse, Rewrite
from app.domain.hooks.events import (
    HookBreakerClosed,
    HookBreakerOpened,
    HookFailed,
    HookRefused,
    HookSkipped,
    HookWouldRefuse,
    HookWouldRewrite,
)
from app.domain.hooks.gate import HookGate, HookOutcome, Verdict
from app.domain.hooks.hook_event import HookClient, HookEvent, HookPoint
from app.domain.hooks.observations import AT_ONCE, MOST_WAITING
from app.domain.hooks.rewriting import rewritten
from app.domain.limits import Limits
from tests.fakes.event_log import RecordingEventLog
from tests.fakes.hook_caller import LATER, FakeHookCaller, terms

EVENT = HookEvent(HookClient(7, "n", "u", "127.0.0.1:5"), "a.b", b"hi")
MESSAGE = HookedMessage(b"a.b", b"", 0, b"hi")
FAILED = Refuse("the hook failed")


class Scene:
    """A gate, its hooks, its clock and its log."""

    def __init__(self) -> None:
        self.caller = FakeHookCaller()
        self.clock = ManualClock()
        self.events = RecordingEventLog()
        self.late: list[Verdict] = []
        self.start()

    def start(self, *, shadow: bool = False) -> None:
        """Begin with hooks for all points."""
        own = terms(*HookPoint, on_error=FAILED, shadow=shadow)
        self.gate = HookGate(own, self.caller, self.clock, self.events)

    def ask(self, answer: object, point: HookPoint = HookPoint.PUBLISH) -> Verdict | None:
        """Ask hooks that answer so."""
        self.caller.decide = lambda _point, _event: answer
        return self.gate.ask(point, EVENT, self.late.append, partial(rewritten, MESSAGE, Limits()))


@pytest.fixture(name="scene")
def _scene() -> Scene:
    return Scene()


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (None, ALLOW),
        (Allow(), ALLOW),
        (Refuse("no"), Refuse("no")),
        (Rewrite(data=b"x"), HookedMessage(b"a.b", b"", 0, b"x")),
    ],
)
def test_answers(scene: Scene, answer: object, verdict: Verdict) -> None:
    """Each that is allowed is the verdict, at once or late, and nothing has failed."""
    assert verdict == scene.ask(answer)
    assert scene.ask(LATER) is None
    scene.caller.settle(answer)

    assert [verdict] == scene.late
    assert not scene.events.of(HookFailed)
    assert 1.0 == scene.caller.seconds


def test_a_refusal_is_logged(scene: Scene) -> None:
    """With the client, the subject, and the reason if there is one."""
    scene.ask(Refuse("no"))
    scene.ask(Refuse())

    assert ['Hook publish refused "a.b": no', 'Hook publish refused "a.b": no reason given'] == (
        scene.events.texts()
    )
    assert {7} == {event.link.number for event in scene.events.of(HookRefused) if event.link is not None}


@pytest.mark.parametrize(
    "answer",
    [7, "no", Rewrite(subject="a..b"), Refuse(5), HookOutcome(failure="it raised X")],  # type: ignore[arg-type] # nonsense
    ids=["number", "text", "subject", "reason", "raised"],
)
def test_failures(scene: Scene, answer: object) -> None:
    """Nonsense, and whatever else goes wrong, gives `on_error` and a line in the log."""
    assert scene.ask(answer) is FAILED
    assert 1 == len(scene.events.of(HookFailed))
    assert not scene.events.of(HookRefused)


def test_rewriting_where_there_is_no_message(scene: Scene) -> None:
    """It cannot be used there."""
    scene.caller.decide = lambda _point, _event: Rewrite()

    assert scene.gate.ask(HookPoint.CONNECT, EVENT, scene.late.append) is FAILED


def test_a_plain_hook_that_blocks(scene: Scene) -> None:
    """One that takes longer than its limit has held the whole server: that is a failure."""

    def block(_point: HookPoint, _event: HookEvent) -> object:
        scene.clock.advance(1.5)
        return None

    scene.caller.decide = block

    assert scene.gate.ask(HookPoint.PUBLISH, EVENT, scene.late.append) is FAILED
    assert "Hook publish failed: it blocked the server for 1.5 s; make it async" in scene.events.texts()


def test_the_breaker(scene: Scene) -> None:
    """Hooks that fail repeatedly are left alone, point by point; a good trial ends that, as the log says."""
    for _ in range(FAILURES + 3):
        assert scene.ask(7) is FAILED
    assert FAILURES == len(scene.caller.events)
    assert 1 == len(scene.events.of(HookBreakerOpened))
    assert scene.ask(None, HookPoint.DELIVER) is ALLOW

    scene.clock.advance(OPEN_SECONDS)

    assert scene.ask(None) is ALLOW
    assert ["publish"] == [event.point for event in scene.events.of(HookBreakerClosed)]
    assert scene.ask(None) is ALLOW


def test_shadow(scene: Scene) -> None:
    """All is allowed at once; the log says what would have been."""
    scene.start(shadow=True)

    verdicts = [scene.ask(answer) for answer in (Refuse("no"), Rewrite(data=b"x"), LATER, None, 7)]
    scene.caller.settle(Refuse("later"))

    assert [ALLOW] * 5 == verdicts
    assert ["no", "later"] == [event.reason for event in scene.events.of(HookWouldRefuse)]
    assert 1 == len(scene.events.of(HookWouldRewrite))
    assert 1 == len(scene.events.of(HookFailed))


def test_shadow_and_the_breaker(scene: Scene) -> None:
    """In shadow, too, hooks that fail repeatedly are not called."""
    scene.start(shadow=True)

    for _ in range(FAILURES + 3):
        assert scene.ask(7) is ALLOW

    assert FAILURES == len(scene.caller.events)


def test_observing(scene: Scene) -> None:
    """Hooks hear of it, whatever they answer; a failure is logged."""
    scene.caller.decide = lambda _point, _event: Refuse("no")
    scene.gate.observe(HookPoint.DISCONNECT, EVENT)
    scene.caller.decide = lambda _point, _event: 7
    scene.gate.observe(HookPoint.DISCONNECT, EVENT)

    assert 2 == len(scene.caller.seen(HookPoint.DISCONNECT))
    assert [HookFailed] == [type(event) for event in scene.events.events]


def test_observing_with_nobody_to_hear(scene: Scene) -> None:
    """Hooks without that method are not called."""
    gate = HookGate(terms(HookPoint.PUBLISH), scene.caller, scene.clock, scene.events)

    gate.observe(HookPoint.DISCONNECT, EVENT)

    assert [] == scene.caller.events
    assert (True, False) == (gate.asks(HookPoint.PUBLISH), gate.asks(HookPoint.DISCONNECT))


def test_too_many_observations(scene: Scene) -> None:
    """What cannot be kept in line is skipped, and the log says so."""
    scene.caller.decide = lambda _point, _event: LATER

    for _ in range(AT_ONCE + MOST_WAITING + 1):
        scene.gate.observe(HookPoint.DISCONNECT, EVENT)

    assert AT_ONCE == len(scene.caller.events)
    assert 1 == len(scene.events.of(HookSkipped))
    scene.caller.settle()
    assert AT_ONCE + 1 == len(scene.caller.events)


def test_other_hooks_take_their_place(scene: Scene) -> None:
    """What was asked is answered by those that were asked, by their terms; then others are asked."""
    assert scene.ask(LATER) is None
    other = FakeHookCaller(lambda _point, _event: Refuse("other"))
    after = HookGate(terms(HookPoint.PUBLISH, patterns=(b"o.>",)), other, scene.clock, scene.events)
    scene.gate.become(after)
    scene.caller.settle(HookOutcome(failure="late"))

    assert [FAILED] == scene.late
    assert Refuse("other") == scene.gate.ask(HookPoint.PUBLISH, EVENT, scene.late.append)
    assert scene.gate.patterns.publishes
    assert not scene.gate.asks(HookPoint.CONNECT)
    assert ALLOW == scene.gate.ask(HookPoint.CONNECT, EVENT, scene.late.append)
    assert after.terms is scene.gate.terms


def test_failures_of_others_do_not_count(scene: Scene) -> None:
    """A breaker counts the failures of its own hooks alone."""
    for _ in range(FAILURES):
        assert scene.ask(LATER) is None
    scene.gate.become(HookGate(terms(*HookPoint), scene.caller, scene.clock, scene.events))
    for _ in range(FAILURES):
        scene.caller.settle(HookOutcome(failure="cancelled"))

    assert scene.ask(Refuse("asked")) == Refuse("asked")


def test_no_hooks_take_their_place(scene: Scene) -> None:
    """Nothing is asked any more, and hooks may come back."""
    scene.gate.become(None)
    assert ALLOW == scene.ask(Refuse("no"))
    scene.gate.observe(HookPoint.DISCONNECT, EVENT)
    assert [] == scene.caller.events
    assert not scene.gate.patterns.publishes
    scene.gate.become(HookGate(terms(*HookPoint), scene.caller, scene.clock, scene.events))

    assert Refuse("no") == scene.ask(Refuse("no"))


def test_calls_in_line_are_left_out_when_hooks_are_replaced(scene: Scene) -> None:
    """Nobody waits for them; the log says so."""
    scene.start(shadow=True)
    for _ in range(AT_ONCE + 2):
        scene.ask(LATER)
    scene.gate.become(None)
    for _ in range(AT_ONCE):
        scene.caller.settle()

    assert AT_ONCE == len(scene.caller.events)
    assert 2 == len(scene.events.of(HookSkipped))
