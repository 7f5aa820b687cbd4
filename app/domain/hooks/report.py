"""The hooks that see a subject, as an explanation of what happens to its messages."""

from dataclasses import dataclass

from ..permissions.rule_set import overlap
from ..subjects.subject import tokens_of
from .gate import HookTerms
from .hook_event import HookPoint

_OF_MESSAGES = (HookPoint.PUBLISH, HookPoint.DELIVER)


@dataclass(frozen=True, slots=True)
class HookReport:
    """The hooks that see something of a subject."""

    name: str
    """What made them."""
    points: tuple[str, ...]
    """What they see: publish and deliver of messages, subscribe."""
    patterns: tuple[str, ...]
    """Those that cover the subject, or some of what it covers."""
    shadow: bool
    """Whether what they answer is logged alone."""


def report_on(terms: HookTerms, subject: bytes) -> HookReport | None:
    """What these hooks see of messages on a subject, and of a subscription to it; None for nothing."""
    tokens = tokens_of(subject)
    patterns = tuple(
        pattern.decode("utf-8", "replace")
        for pattern in terms.patterns
        if overlap(tokens_of(pattern), tokens)
    )
    seen = [point for point in _OF_MESSAGES if point in terms.points and patterns]
    if HookPoint.SUBSCRIBE in terms.points:
        seen.append(HookPoint.SUBSCRIBE)
    if not seen:
        return None
    return HookReport(terms.name, tuple(point.value for point in seen), patterns, terms.shadow)
