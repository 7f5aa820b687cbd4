"""Rules, as they are asked."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.permissions import rule_set
from app.domain.permissions.rule_set import RuleSet, overlap
from app.domain.permissions.rules import Permissions, Responses, Rule, entry
from app.domain.subjects.subject import is_pattern, matches

TOKENS = (b"a", b"b")
SUBJECTS = [subject for length in range(1, 5) for subject in itertools.product(TOKENS, repeat=length)]
PATTERNS = st.lists(st.sampled_from((b"a", b"b", b"*", b">")), min_size=1, max_size=3).filter(is_pattern)
LISTS = st.lists(PATTERNS, max_size=4)


def rules(allow: list[list[bytes]], deny: list[list[bytes]], responses: Responses | None = None) -> RuleSet:
    """The same rule for publishing and subscribing."""
    rule = Rule(*(tuple(entry(b".".join(each)) for each in entries) for entries in (allow, deny)))
    return RuleSet(Permissions(rule, rule, responses))


@given(PATTERNS, PATTERNS)
def test_overlap(one: list[bytes], other: list[bytes]) -> None:
    """Two patterns overlap where a subject exists that both match."""
    assert overlap(one, other) == any(matches(one, each) and matches(other, each) for each in SUBJECTS)


@given(LISTS, LISTS)
def test_publish(allow: list[list[bytes]], deny: list[list[bytes]]) -> None:
    """What a deny entry matches is refused, and what no allow entry does, if there is one.

    Subjects that begin with the tokens that decided, and have as many, have the same verdict.
    """
    asked = rules(allow, deny)
    for subject in SUBJECTS:
        denied = any(matches(each, subject) for each in deny)
        allowed = not allow or any(matches(each, subject) for each in allow)
        verdict, decisive = asked.may_publish(b".".join(subject))
        assert verdict == (allowed and not denied)
        for other in SUBJECTS:
            if len(other) == len(subject) and other[:decisive] == subject[:decisive]:
                assert verdict == asked.may_publish(b".".join(other))[0]


@given(PATTERNS, LISTS, LISTS)
def test_subscribe(pattern: list[bytes], allow: list[list[bytes]], deny: list[list[bytes]]) -> None:
    """A subscription that is accepted gets nothing that is denied, or that no allow entry matches."""
    asked, text = rules(allow, deny), b".".join(pattern)
    accepted, rule = asked.may_subscribe(text, None), asked.filter_of(text, None)
    for subject in SUBJECTS:
        if (
            accepted
            and matches(pattern, subject)
            and not (rule is not None and rule.drops(b".".join(subject)))
        ):
            assert not allow or any(matches(each, subject) for each in allow)
            assert not any(matches(each, subject) for each in deny)


@given(PATTERNS, LISTS)
def test_no_filter_drops_too_much(pattern: list[bytes], deny: list[list[bytes]]) -> None:
    """A filter drops what a deny entry matches, and there is none where that cannot be."""
    asked, text = rules([], deny), b".".join(pattern)
    rule = asked.filter_of(text, None) if asked.may_subscribe(text, None) else None
    if rule is not None:
        assert any(overlap(pattern, each) for each in deny)
        for subject in SUBJECTS:
            assert rule.drops(b".".join(subject)) == any(matches(each, subject) for each in deny)


def test_literals_and_wildcards() -> None:
    """`*` covers no `>`, and only a subscription with wildcards, which overlaps, needs a filter."""
    one, rest = rules([[b"a", b"*"]], []), rules([[b"a", b">"]], [])
    assert [one.may_subscribe(each, None) for each in (b"a.*", b"a.b", b"a.>", b">")] == [
        True,
        True,
        False,
        False,
    ]
    assert [rest.may_subscribe(each, None) for each in (b"a.*", b"a.>", b"a.*.>", b"*.>")] == [
        True,
        True,
        True,
        False,
    ]
    denied = rules([], [[b"a", b"b"]])
    assert [denied.filter_of(each, None) is None for each in (b"a.c", b"x.*", b"a.*", b">")] == [
        True,
        True,
        False,
        False,
    ]


def test_responses_alone() -> None:
    """Where only responses are given, nothing else is allowed."""
    assert not rules([], [], Responses()).may_publish(b"x")[0]
    assert rules([[b"x"]], [], Responses()).may_publish(b"x")[0]


def test_limits() -> None:
    """It is known whether anything may not be published."""
    only_subscribing = RuleSet(Permissions(subscribe=Rule((entry("a"),))))
    assert not only_subscribing.limits_publishing
    assert only_subscribing.may_publish(b"x") == (True, 0)
    assert RuleSet(Permissions(responses=Responses())).limits_publishing
    assert RuleSet(Permissions(Rule(deny=(entry("a"),)))).limits_publishing


def test_queue_entries() -> None:
    """Entries for queue groups concern these groups alone, beside plain ones that deny."""
    allowed = RuleSet(Permissions(subscribe=Rule((entry("a", "q"), entry("c")))))
    assert [allowed.may_subscribe(b"a", each) for each in (None, b"q", b"z")] == [False, True, False]
    assert [allowed.may_subscribe(b"c", each) for each in (None, b"z")] == [True, True]
    denied = RuleSet(Permissions(subscribe=Rule((), (entry("a", "q"), entry("b")))))
    assert [denied.may_subscribe(b"a", each) for each in (None, b"q", b"z")] == [True, False, True]
    assert not denied.may_subscribe(b"b", b"q")


def test_filters_are_shared() -> None:
    """Subscriptions that are denied the same have one filter, however many queue groups there are."""
    asked = RuleSet(Permissions(subscribe=Rule((), (entry("x.y"), entry("x.z", "q.*")))))
    plain = asked.filter_of(b">", None)
    assert plain is not None
    assert plain is asked.filter_of(b"x.*", b"other") is asked.filter_of(b"*.y", None)
    bound = asked.filter_of(b"x.*", b"q.1")
    assert bound is not None
    assert bound is asked.filter_of(b">", b"q.2")
    assert [rule.drops(b"x.z") for rule in (plain, bound)] == [False, True]


def test_filters_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of queue groups that are chosen to that end do not fill the memory; filters stay right."""
    monkeypatch.setattr(rule_set, "MOST_FILTERS", 4)
    denied = tuple(entry(b"x.%d" % number, b"*." * number + b"q") for number in range(9))
    asked = RuleSet(Permissions(subscribe=Rule((), denied)))
    filters = [asked.filter_of(b"x.*", b"p." * number + b"q") for number in range(9)]
    assert all(rule is not None and rule.drops(b"x.%d" % number) for number, rule in enumerate(filters))
    assert filters[0] is not asked.filter_of(b"x.*", b"q")


def test_many_nested_rules() -> None:
    """Hundreds of rules that nest cost as many steps as match, not as many as there are."""
    nested = [[*(b"%d" % each for each in range(depth)), b">"] for depth in range(500)]
    wide = [[b"x%d" % number, b"*", b"y"] for number in range(500)]
    asked = rules(nested[1:] + wide, [[b"x7", b"no", b"y"]])
    deep = b".".join(b"%d" % each for each in range(600))
    assert asked.may_publish(deep) == (True, 499)
    assert asked.may_publish(b"x7.a.y") == (True, 3)
    assert asked.may_publish(b"x7.no.y")[0] is False
    assert asked.may_publish(b"x501.a.y") == (False, 1)
    assert not asked.may_subscribe(b">", None)
    assert asked.may_subscribe(b"x9.*.y", None)
