"""The calls that make rules, for one server or for several: each describes a fault and begins it."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypedDict, TypeVar, Unpack

from .arguments import check_chosen, check_effect
from .rules import BOTH, OUT, Count, FaultKind, Rule, Run, Selector, Tally

R = TypeVar("R")


class Chosen(TypedDict, total=False):
    """Which links and messages a rule concerns; see `Selector` and `Count`."""

    client: str
    cid: int
    user: str
    queue: str
    route: str
    direction: str
    on: int
    every: int
    times: int
    probability: float
    seed: int


class Effect(TypedDict, total=False):
    """What a rule does, in figures and words; see `Rule`."""

    seconds: float
    copies: int
    text: str
    max_payload: int
    server_id: Callable[[], str]


_COUNTS = ("on", "every", "times", "probability", "seed")


@dataclass(frozen=True, slots=True)
class FaultSpec:
    """All that is known of a fault before it begins: rules are made from it."""

    kind: FaultKind
    selector: Selector
    count: Count = field(default_factory=Count)
    effect: Effect = field(default_factory=Effect)

    def rule(self, run: Run, tally: Tally | None = None) -> Rule:
        """A rule; rules with one `tally` count together."""
        return Rule(self.kind, self.selector, tally or Tally(self.count), run=run, **self.effect)


def specify(kind: FaultKind, subject: str, chosen: Chosen, **effect: Unpack[Effect]) -> FaultSpec:
    """Describe a fault. Raises `ValueError` and `TypeError` for what cannot be chosen."""
    given: dict[str, Any] = dict(chosen)
    check_chosen(kind, subject, given)
    check_effect(kind, effect)
    counts = {name: given.pop(name) for name in _COUNTS if name in given}
    if "queue" in given:
        given["direction"] = OUT
    return FaultSpec(kind, Selector(subject=subject, **given), Count(**counts), effect)


class FaultCommands(ABC, Generic[R]):
    """Each method makes a rule, which has `hits`, `clear` and `must_hit`.

    `client`, `cid`, `user`, `queue` and `route` choose links; a subject is a pattern. Of the messages
    that are chosen `on` hits the n-th, `every` each n-th, `times` a number of them at most, and
    `probability` a part, the same one for the same `seed`. All raise `ValueError` and `TypeError` for
    what cannot be chosen.
    """

    @abstractmethod
    def begin(self, spec: FaultSpec) -> R:
        """Make the rule, and have it in effect."""

    def cut(self, subject: str = "", **chosen: Unpack[Chosen]) -> R:
        """Close the link when a message is hit, which is not handled; what was sent before arrives."""
        return self.begin(specify(FaultKind.CUT, subject, chosen))

    def drop(self, subject: str = "", **chosen: Unpack[Chosen]) -> R:
        """Lose messages."""
        return self.begin(specify(FaultKind.DROP, subject, chosen))

    def delay(self, subject: str = "", *, seconds: float, **chosen: Unpack[Chosen]) -> R:
        """Hold messages for a time; what comes after them on their link waits too, so order is kept."""
        return self.begin(specify(FaultKind.DELAY, subject, chosen, seconds=seconds))

    def duplicate(self, subject: str = "", *, copies: int = 1, **chosen: Unpack[Chosen]) -> R:
        """Handle messages again, `copies` times."""
        return self.begin(specify(FaultKind.DUPLICATE, subject, chosen, copies=copies))

    def error(self, subject: str, text: str, **chosen: Unpack[Chosen]) -> R:
        """Answer messages that are published with ``-ERR`` and this text, and lose them."""
        return self.begin(specify(FaultKind.ERROR, subject, chosen, text=text))

    def stall(self, *, seconds: float | None = None, **chosen: Unpack[Chosen]) -> R:
        """Stop reading from links (``in``), writing to them (``out``), or both by default.

        For `seconds`, or until it is cleared.
        """
        chosen.setdefault("direction", BOTH)
        effect = Effect() if seconds is None else Effect(seconds=seconds)
        return self.begin(specify(FaultKind.STALL, "", chosen, **effect))

    def refuse(self, *, reason: str = "Authorization Violation", **chosen: Unpack[Chosen]) -> R:
        """Refuse clients that connect, with ``-ERR`` and this reason."""
        return self.begin(specify(FaultKind.REFUSE, "", chosen, text=reason))

    def limit(self, *, max_payload: int) -> R:
        """Lower the limit of the server for payloads. Of several limits the lowest counts."""
        return self.begin(specify(FaultKind.LIMIT, "", {}, max_payload=max_payload))

    def lame_duck(self) -> R:
        """Say with INFO that the server is about to stop, to clients that take it, and let no more in."""
        return self.begin(specify(FaultKind.LAME_DUCK, "", {}))
