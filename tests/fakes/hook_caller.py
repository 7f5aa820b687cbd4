"""Hooks as a test plays them: answers at once, or when the test says."""

from collections.abc import Callable

from app.domain.hooks.decisions import ALLOW, Allow, Refuse
from app.domain.hooks.gate import HookCaller, HookOutcome, HookTerms
from app.domain.hooks.hook_event import HookEvent, HookPoint

LATER = object()
"""In place of an answer: `FakeHookCaller.settle` gives it."""

Decide = Callable[[HookPoint, HookEvent], object]
Done = Callable[[HookOutcome], None]


class FakeHookCaller(HookCaller):
    """Answers with what `decide` says; remembers all `events`, by point."""

    def __init__(
        self, decide: Callable[[HookPoint, HookEvent], object] = lambda _point, _event: None
    ) -> None:
        self.decide = decide
        self.events: list[tuple[HookPoint, HookEvent]] = []
        self.pending: list[tuple[HookPoint, HookEvent, Done]] = []
        self.seconds = 0.0

    def call(self, point: HookPoint, event: HookEvent, seconds: float, done: Done) -> HookOutcome | None:
        """See `HookCaller`."""
        self.events.append((point, event))
        self.seconds = seconds
        answer = self.decide(point, event)
        if answer is LATER:
            self.pending.append((point, event, done))
            return None
        return answer if isinstance(answer, HookOutcome) else HookOutcome(answer)

    def settle(self, answer: object = None) -> None:
        """Give the oldest answer that is missing."""
        _, _, done = self.pending.pop(0)
        done(answer if isinstance(answer, HookOutcome) else HookOutcome(answer))

    def seen(self, point: HookPoint) -> list[HookEvent]:
        """The events of this point."""
        return [event for at, event in self.events if at is point]


def terms(
    *points: HookPoint,
    patterns: tuple[bytes, ...] = (b"h.>",),
    on_error: Allow | Refuse = ALLOW,
    shadow: bool = False,
) -> HookTerms:
    """Terms of hooks with a time limit of a second."""
    return HookTerms(frozenset(points), patterns, 1.0, on_error, shadow)
