"""Explanations, which agree with the verdicts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.permissions.explanation import (
    NO_PERMISSIONS,
    NO_RULE_ALLOWS,
    NO_RULE_DENIES,
    OPEN_REPLY,
    RESPONSES_ONLY,
    Explanation,
    explain,
    explain_publish,
    explain_subscribe,
)
from app.domain.permissions.rule_set import RuleSet
from app.domain.permissions.rules import Entry, Permissions, Responses, Rule, entry
from app.domain.subjects.subject import is_pattern

PATTERNS = (
    st.lists(st.sampled_from((b"a", b"b", b"*", b">")), min_size=1, max_size=3)
    .filter(is_pattern)
    .map(b".".join)
)
QUEUES = st.sampled_from((None, b"q", b"r", b"q.x"))
ENTRIES = st.lists(st.builds(Entry, PATTERNS, st.sampled_from((None, b"q", b"*", b"q.*"))), max_size=4)
PLAIN = st.lists(st.builds(Entry, PATTERNS), max_size=4)
PERMISSIONS = st.builds(
    Permissions,
    st.builds(Rule, PLAIN.map(tuple), PLAIN.map(tuple)),
    st.builds(Rule, ENTRIES.map(tuple), ENTRIES.map(tuple)),
    st.sampled_from((None, Responses())),
)


def verdict(rule: str, left_out: tuple[str, ...] = (), *, allowed: bool) -> Explanation:
    """An explanation."""
    return Explanation(allowed, rule, left_out)


@given(PERMISSIONS, PATTERNS, QUEUES)
def test_verdicts(permissions: Permissions, subject: bytes, queue: bytes | None) -> None:
    """Each verdict is that of the rule set, for messages, subscriptions and what these do not get."""
    rules = RuleSet(permissions)
    rights = explain(permissions, subject, queue)
    assert rights.publish.allowed == rules.may_publish(subject)[0]
    assert rights.subscribe.allowed == rules.may_subscribe(subject, queue)
    if rights.subscribe.allowed:
        assert bool(rights.subscribe.left_out) == (rules.filter_of(subject, queue) is not None)


@pytest.mark.parametrize(
    ("rule", "responses", "expected"),
    [
        (
            Rule((entry("a.*"),), (entry("x"), entry("a.>"))),
            None,
            verdict('publish.deny "a.>"', allowed=False),
        ),
        (Rule((entry("b"), entry("a.*"))), None, verdict('publish.allow "a.*"', allowed=True)),
        (Rule((entry("b"),)), None, verdict(NO_RULE_ALLOWS, allowed=False)),
        (Rule((), (entry("b"),)), None, verdict(NO_RULE_DENIES, allowed=True)),
        (Rule((entry("b"),)), Responses(), verdict(RESPONSES_ONLY, allowed=False)),
        (Rule(), Responses(), verdict(RESPONSES_ONLY, allowed=False)),
        (Rule((entry("a.b"),)), Responses(), verdict('publish.allow "a.b"', allowed=True)),
    ],
)
def test_publishing(rule: Rule, responses: Responses | None, expected: Explanation) -> None:
    """The text names the entry that decides, or says that there is none."""
    assert expected == explain_publish(Permissions(rule, Rule(), responses), b"a.b")


@pytest.mark.parametrize(
    ("rule", "subject", "queue", "expected"),
    [
        (Rule((entry("a"),)), b"a", None, verdict('subscribe.allow "a"', allowed=True)),
        (Rule((entry("a"),)), b"b", None, verdict(NO_RULE_ALLOWS, allowed=False)),
        (Rule((entry("a.*"),)), b"a.>", None, verdict(NO_RULE_ALLOWS, allowed=False)),
        (Rule((entry("a"), entry("a", "q"))), b"a", b"q", verdict('subscribe.allow "a q"', allowed=True)),
        (Rule((entry("a"), entry("a", "q"))), b"a", b"z", verdict(NO_RULE_ALLOWS, allowed=False)),
        (Rule((), (entry("a", "q"),)), b"a", b"q", verdict('subscribe.deny "a q"', allowed=False)),
        (Rule((), (entry("a", "q"),)), b"a", None, verdict(NO_RULE_DENIES, allowed=True)),
        (Rule((), (entry("a.b"),)), b"a.*", None, verdict(NO_RULE_DENIES, ("a.b",), allowed=True)),
    ],
)
def test_subscribing(rule: Rule, subject: bytes, queue: bytes | None, expected: Explanation) -> None:
    """The same for a subscription, and what it does not get."""
    assert expected == explain_subscribe(Permissions(subscribe=rule), subject, queue)


@pytest.mark.parametrize("permissions", [None, Permissions()])
def test_no_permissions(permissions: Permissions | None) -> None:
    """A client without rules may do everything."""
    rights = explain(permissions, b"a")
    assert verdict(NO_PERMISSIONS, allowed=True) == rights.publish == rights.subscribe


def test_an_open_reply() -> None:
    """An open reply subject is allowed besides, although it is denied; an entry that allows comes first."""
    denied = Permissions(Rule((entry("b"),), (entry("a"),)), responses=Responses())
    assert verdict(OPEN_REPLY, allowed=True) == explain(denied, b"a", reply_is_open=True).publish
    assert 'publish.deny "a"' == explain(denied, b"a").publish.rule
    assert 'publish.allow "b"' == explain(denied, b"b", reply_is_open=True).publish.rule


def test_odd_subjects() -> None:
    """What cannot be printed is escaped, and a text is always one line."""
    permissions = Permissions(Rule((entry(b"\xff\x1b"),)))
    assert 'publish.allow "\\xff\\x1b"' == explain(permissions, b"\xff\x1b").publish.rule
