"""Explanations: whether a client may publish and subscribe to a subject, and the rule that decides."""

from collections.abc import Iterable
from dataclasses import dataclass

from ..protocol.quoting import quoted
from ..subjects.subject import has_wildcard, matches, tokens_of
from .rule_set import concerns, overlap, reaches
from .rules import Entry, Permissions

NO_PERMISSIONS = "no permissions: everything is allowed"
NOT_LOGGED_IN = "not logged in: nothing is allowed"
RESPONSES_ONLY = "allow_responses: only the reply subjects of received messages"
OPEN_REPLY = "allow_responses: the reply subject of a received message"
NO_RULE_DENIES = "no rule denies it"
NO_RULE_ALLOWS = "no rule allows it"


@dataclass(frozen=True, slots=True)
class Explanation:
    """A verdict, and the rule that decides, as text: ``publish.deny "a.>"`` is an entry of a list."""

    allowed: bool
    rule: str
    left_out: tuple[str, ...] = ()
    """Subjects that a subscription covers and whose messages it does not get."""


@dataclass(frozen=True, slots=True)
class SubjectRights:
    """What a client may do with one subject."""

    publish: Explanation
    subscribe: Explanation


_FREE = Explanation(allowed=True, rule=NO_PERMISSIONS)
_NOT_LOGGED_IN = Explanation(allowed=False, rule=NOT_LOGGED_IN)

NO_RIGHTS = SubjectRights(_NOT_LOGGED_IN, _NOT_LOGGED_IN)
"""Those of a client before its login."""


def explain(
    permissions: Permissions | None,
    subject: bytes,
    queue: bytes | None = None,
    *,
    reply_is_open: bool = False,
) -> SubjectRights:
    """The rights of a client with these permissions; None is a client that may do everything.

    `queue` is the queue group of the subscription. `reply_is_open`: the client has received a
    message with this reply subject, and `allow_responses` lets it answer. Verdicts are those of
    `RuleSet`, for a valid subject.
    """
    if permissions is None or permissions == Permissions():
        return SubjectRights(_FREE, _FREE)
    publish = explain_publish(permissions, subject)
    if not publish.allowed and reply_is_open:
        publish = Explanation(allowed=True, rule=OPEN_REPLY)
    return SubjectRights(publish, explain_subscribe(permissions, subject, queue))


def explain_publish(permissions: Permissions, subject: bytes) -> Explanation:
    """Whether a message on this subject may be published; an open reply subject may besides."""
    rule, tokens = permissions.publish, tokens_of(subject)
    for each in rule.deny:
        if matches(tokens_of(each.subject), tokens):
            return _by("publish.deny", each, allowed=False)
    for each in rule.allow:
        if matches(tokens_of(each.subject), tokens):
            return _by("publish.allow", each, allowed=True)
    if permissions.responses is not None:
        return Explanation(allowed=False, rule=RESPONSES_ONLY)
    return _by_default(rule.allow)


def explain_subscribe(permissions: Permissions, subject: bytes, queue: bytes | None = None) -> Explanation:
    """Whether a subscription to this subject is accepted, in this queue group if it is in one."""
    rule, tokens = permissions.subscribe, tokens_of(subject)
    denying = [each for each in rule.deny if each.queue is None or concerns(each, queue)]
    for each in denying:
        if matches(tokens_of(each.subject), tokens):
            return _by("subscribe.deny", each, allowed=False)
    allowing = _allowing(rule.allow, subject, queue)
    if allowing is not None:
        verdict = _by("subscribe.allow", allowing, allowed=True)
    else:
        verdict = _by_default(rule.allow)
    if not verdict.allowed or not has_wildcard(tokens):
        return verdict
    left_out = tuple(_text(each.subject) for each in denying if overlap(tokens_of(each.subject), tokens))
    return Explanation(allowed=True, rule=verdict.rule, left_out=left_out)


def _allowing(entries: Iterable[Entry], subject: bytes, queue: bytes | None) -> Entry | None:
    """The first entry that allows the subscription.

    Where entries for queue groups cover the subject, only they count for a queue group.
    """
    tokens = tokens_of(subject)
    covering = [
        each
        for each in entries
        if matches(tokens_of(each.subject), tokens) and reaches(each.subject, subject)
    ]
    bound = [each for each in covering if each.queue is not None]
    if queue is not None and bound:
        return next((each for each in bound if concerns(each, queue)), None)
    return next((each for each in covering if each.queue is None), None)


def _by(name: str, each: Entry, *, allowed: bool) -> Explanation:
    words = each.subject if each.queue is None else each.subject + b" " + each.queue
    return Explanation(allowed, f"{name} {_text(quoted(words))}")


def _by_default(allow: tuple[Entry, ...]) -> Explanation:
    """No entry decides: an empty `allow` list allows everything."""
    return Explanation(not allow, NO_RULE_ALLOWS if allow else NO_RULE_DENIES)


def _text(words: bytes) -> str:
    return words.decode("utf-8", "replace")
