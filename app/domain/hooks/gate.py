"""The gate: calls hooks, and turns their answers and failures into verdicts for the server."""

from collections.abc import Callable, Mapping
from typing import Protocol

from ..dataplane.seam import HookedMessage
from ..events import Event, EventSink, Link
from ..peer_kind import PeerKind
from ..timers import Scheduler
from ..value_object import value_object
from .breaker import OPEN_SECONDS, Breaker
from .decisions import ALLOW, Allow, Refuse, Rewrite
from .events import (
    HookBreakerClosed,
    HookBreakerOpened,
    HookFailed,
    HookRefused,
    HookSkipped,
    HookWouldRefuse,
    HookWouldRewrite,
)
from .hook_event import HookEvent, HookPoint
from .observations import Observations
from .patterns import HookPatterns
from .rewriting import InvalidRewrite


@value_object
class HookOutcome:
    """How a call of a hook ended: with an answer of any kind, or with a failure."""

    answer: object = None
    failure: str = ""
    """Why there is no answer; empty if there is one."""


Verdict = Allow | Refuse | HookedMessage
"""The last one is the message that goes on in place of the one at hand."""

Then = Callable[[Verdict], None]
Apply = Callable[[Rewrite], HookedMessage]
"""Makes the new message. Raises `InvalidRewrite`."""


class HookCaller(Protocol):
    """Calls the operator's code; the contract is in ``app.ports.hooks``."""

    def call(
        self, point: HookPoint, event: HookEvent, seconds: float, done: Callable[[HookOutcome], None]
    ) -> HookOutcome | None:
        """Call a hook that may take `seconds`. The outcome; or None, and `done` gets it once, later."""
        ...


@value_object
class HookTerms:
    """How hooks are asked."""

    points: frozenset[HookPoint]
    """When they are asked at all."""
    patterns: tuple[bytes, ...]
    """Subjects whose messages they see."""
    time_limit: float
    """Seconds that they may take for an answer."""
    on_error: Allow | Refuse
    """The answer to use when they fail."""
    shadow: bool = False
    """Whether their answers are logged alone."""
    name: str = ""
    """What made them, for those who ask: a factory, or a class."""


NO_HOOKS = HookTerms(frozenset(), (), 1.0, ALLOW)
"""Those of hooks that are asked nothing."""


@value_object
class _Asked:
    """The hooks that are in use: what was asked of them is judged by their terms, also when others are."""

    terms: HookTerms
    caller: HookCaller
    breakers: Mapping[HookPoint, Breaker]


def _asked(terms: HookTerms, caller: HookCaller) -> _Asked:
    return _Asked(terms, caller, {point: Breaker() for point in HookPoint})


class HookGate:
    """The hooks of a server. Others may take their place."""

    def __init__(self, terms: HookTerms, caller: HookCaller, scheduler: Scheduler, events: EventSink) -> None:
        """Raises `ValueError` for a pattern that nobody can subscribe to."""
        self._hooks = _asked(terms, caller)
        self._scheduler = scheduler
        self._events = events
        self._observations = Observations()
        self.patterns = HookPatterns(terms.patterns, terms.points)

    @property
    def terms(self) -> HookTerms:
        """How those in use are asked."""
        return self._hooks.terms

    def become(self, other: "HookGate | None") -> None:
        """Ask the hooks of another gate from now on; None asks none.

        Answers that are missing come from those that were asked. Calls in line that nobody waits for are
        left out.
        """
        self._hooks = _asked(NO_HOOKS, self._hooks.caller) if other is None else other._hooks  # noqa: SLF001 - its own kind
        self.patterns = HookPatterns(self.terms.patterns, self.terms.points)

    def asks(self, point: HookPoint) -> bool:
        """Whether hooks want to be asked there."""
        return point in self.terms.points

    def ask(
        self, point: HookPoint, event: HookEvent, then: Then, apply: Apply | None = None
    ) -> Verdict | None:
        """The verdict; or None, and `then` gets it once, later. Without `apply` nothing can be rewritten."""
        question = _Question(self._hooks, point, event, apply)
        if not self.asks(point):
            return ALLOW
        if self.terms.shadow:
            self._observe(question)
            return ALLOW
        if not question.breaker.permits(self._scheduler.monotonic()):
            return self.terms.on_error
        outcome = self._call(question, lambda late: then(self._judge(question, late)))
        return None if outcome is None else self._judge(question, outcome)

    def observe(self, point: HookPoint, event: HookEvent) -> None:
        """Inform hooks, without waiting for them."""
        if self.asks(point):
            self._observe(_Question(self._hooks, point, event, None))

    def _observe(self, question: "_Question") -> None:
        def job(end: Callable[[], None]) -> bool:
            if question.hooks is not self._hooks:
                self._skip(question)
                return True
            if not question.breaker.permits(self._scheduler.monotonic()):
                return True

            def done(late: HookOutcome) -> None:
                self._note(question, late)
                end()

            outcome = self._call(question, done)
            if outcome is not None:
                self._note(question, outcome)
            return outcome is not None

        if not self._observations.add(job, len(question.event.data)):
            self._skip(question)

    def _skip(self, question: "_Question") -> None:
        self._record(HookSkipped(_link(question.event), question.point.value))

    def _call(self, question: "_Question", done: Callable[[HookOutcome], None]) -> HookOutcome | None:
        """A plain function that takes too long has blocked the whole server: that is a failure."""
        began, limit = self._scheduler.monotonic(), question.terms.time_limit
        outcome = question.hooks.caller.call(question.point, question.event, limit, done)
        if outcome is not None and not outcome.failure:
            took = self._scheduler.monotonic() - began
            if took > limit:
                return HookOutcome(failure=f"it blocked the server for {took:.3g} s; make it async")
        return outcome

    def _judge(self, question: "_Question", outcome: HookOutcome) -> Verdict:
        """The verdict that an outcome means."""
        verdict = self._verdict(question, outcome)
        if isinstance(verdict, Refuse) and verdict is not question.terms.on_error:
            self._record(question.refused(HookRefused, verdict))
        return verdict

    def _note(self, question: "_Question", outcome: HookOutcome) -> None:
        """Log what an outcome would have meant."""
        verdict = self._verdict(question, outcome)
        if not question.terms.shadow:
            return
        if isinstance(verdict, Refuse) and verdict is not question.terms.on_error:
            self._record(question.refused(HookWouldRefuse, verdict))
        elif isinstance(verdict, HookedMessage):
            event = question.event
            self._record(HookWouldRewrite(_link(event), question.point.value, event.subject))

    def _verdict(self, question: "_Question", outcome: HookOutcome) -> Verdict:
        """The same, with the breaker; `on_error` for a failure."""
        answer: Verdict | None = None
        failure = outcome.failure
        if not failure:
            answer, failure = _read(outcome.answer, question.apply)
        breaker, name = question.breaker, question.point.value
        if answer is not None:
            if breaker.succeeded():
                self._record(HookBreakerClosed(None, name))
            return answer
        self._record(HookFailed(_link(question.event), name, failure))
        if breaker.failed(self._scheduler.monotonic()):
            self._record(HookBreakerOpened(None, name, OPEN_SECONDS))
        return question.terms.on_error

    def _record(self, event: Event) -> None:
        self._events.record(event)


@value_object
class _Question:
    """What which hooks are asked, and what may become of the message."""

    hooks: _Asked
    point: HookPoint
    event: HookEvent
    apply: Apply | None

    @property
    def terms(self) -> HookTerms:
        """Those of the hooks that are asked."""
        return self.hooks.terms

    @property
    def breaker(self) -> Breaker:
        """That of this point."""
        return self.hooks.breakers[self.point]

    def refused(self, kind: type[HookRefused], verdict: Refuse) -> HookRefused:
        """The fact that hooks have refused."""
        event = self.event
        reason = verdict.text.decode() or "no reason given"
        return kind(_link(event), self.point.value, event.subject, reason)


def _read(answer: object, apply: Apply | None) -> tuple[Verdict | None, str]:
    """The verdict, or None and what is wrong with the answer."""
    if answer is None or isinstance(answer, Allow):
        return ALLOW, ""
    if isinstance(answer, Refuse) and isinstance(answer.reason, str):
        return answer, ""
    if isinstance(answer, Rewrite) and apply is not None:
        try:
            return apply(answer), ""
        except InvalidRewrite as error:
            return None, str(error)
    return None, f"its answer is of type {type(answer).__name__}, which cannot be used there"


def _link(event: HookEvent) -> Link:
    client = event.client
    return Link(PeerKind.CLIENT.value, client.cid, client.address)
