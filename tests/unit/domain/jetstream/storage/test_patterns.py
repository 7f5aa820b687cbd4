"""Patterns over subjects match as subscriptions do."""

import pytest

from app.domain.jetstream.storage.patterns import (
    FilterCache,
    SubjectFilter,
    expression,
    is_literal_filter,
    matcher,
    used_patterns,
)
from app.domain.subjects.subject import matches, tokens_of

SUBJECTS = [b"a", b"a.b", b"a.b.c", b"b", b"a*", b"a\n.b", b"*.b", b"a.b*"]


@pytest.mark.parametrize(
    "pattern", [b"a", b"*", b">", b"a.*", b"a.>", b"*.b", b"*.*.c", b"a*", b"*.>", b"a.b*"]
)
def test_an_expression_matches_like_a_subscription(pattern: bytes) -> None:
    """A pattern's expression matches the subjects that the grammar says."""
    found = [subject for subject in SUBJECTS if expression(pattern).fullmatch(subject)]

    assert [each for each in SUBJECTS if matches(tokens_of(pattern), tokens_of(each))] == found


@pytest.mark.parametrize("patterns", [[b"a.*"], [b"a.*", b"b"], [b"*.b", b"a.b.>", b"\xff"], [b"x", b"y.>"]])
def test_any_of_several(patterns: list[bytes]) -> None:
    """Several patterns match what one of them matches."""
    matching = matcher(patterns)
    expected = [
        each for each in SUBJECTS if any(matches(tokens_of(one), tokens_of(each)) for one in patterns)
    ]

    assert [each for each in SUBJECTS if matching(each)] == expected


def test_literal_filters() -> None:
    """Only whole tokens are wildcards."""
    assert [True, True, False, False] == [is_literal_filter(each) for each in (b"a.b", b"a*.b", b"a.*", b">")]


def test_patterns_that_match_everything() -> None:
    """One pattern for everything makes the others needless, and repetitions count once."""
    assert used_patterns([b"a.*", b">"]) == ()
    assert used_patterns([b"b", b"a", b"b"]) == (b"b", b"a")


def test_the_cache_is_bounded() -> None:
    """The filter that was used longest ago goes first, when masks need more than the limit."""
    cache = FilterCache(limit=0)
    for number in range(16):
        cache.add(SubjectFilter((b"f.%d.*" % number,)), 1)
    cache.get((b"f.0.*",))
    cache.add(SubjectFilter((b"new.*",)), 1)

    assert cache.get((b"f.1.*",)) is None
    assert cache.get((b"f.0.*",)) is not None
    assert cache.of(5, b"f.1.x") == ()
