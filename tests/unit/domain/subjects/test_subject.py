"""Unit tests of the subject grammar; the tables are those of subjects-and-routing.md, sections 1, 2 and 8."""

import pytest
from hypothesis import given

from app.domain.subjects.subject import has_wildcard, is_literal, is_pattern, matches, tokens_of
from tests.support.index_model import covers, patterns, subjects

PLAIN = [b"foo", b"foo.bar", b"_INBOX.x", b"$SYS.x", b"a" * 100_000, b".".join([b"t"] * 60)]
WILD = [b"*", b">", b"foo.*", b"*.foo", b"foo.>", b"*.>", b"foo.*.bar", b"*.*"]
MISPLACED = [b"foo.>.bar", b">.*", b">.>", b"foo.bar.>.*"]
EMPTY = [b"", b".", b"..", b"foo.", b".foo", b"foo..bar", b"foo.bar..baz", b"*.", b">.", b"foo.>."]
LITERAL_SIGNS = [
    b"f*o", b"foo*", b"foo>", b"foo.*bar", b"*x", b"foo.>bar", b">x", b"**", b">>", b"*>", b"foo.>bar.baz",
]  # fmt: skip


@pytest.mark.parametrize("subject", PLAIN + LITERAL_SIGNS)
def test_what_pedantic_clients_may_publish(subject: bytes) -> None:
    """Every token is text, be a wildcard sign within it or not."""
    assert is_literal(subject)


@pytest.mark.parametrize("subject", WILD + MISPLACED + EMPTY)
def test_what_pedantic_clients_may_not_publish(subject: bytes) -> None:
    """An empty token, and a token that is a wildcard, are refused."""
    assert not is_literal(subject)


@pytest.mark.parametrize("subject", PLAIN + LITERAL_SIGNS + WILD)
def test_what_may_be_subscribed_to(subject: bytes) -> None:
    """Wildcards may stand anywhere, but ``>`` only at the end."""
    assert is_pattern(tokens_of(subject))


@pytest.mark.parametrize("subject", MISPLACED + EMPTY)
def test_what_may_not_be_subscribed_to(subject: bytes) -> None:
    """An empty token, and anything after a whole-token ``>``, are refused."""
    assert not is_pattern(tokens_of(subject))


@pytest.mark.parametrize("subject", WILD)
def test_whole_tokens_are_wildcards(subject: bytes) -> None:
    """A token that is ``*``, or a last one that is ``>``, stands for others."""
    assert has_wildcard(tokens_of(subject))


@pytest.mark.parametrize("subject", PLAIN + LITERAL_SIGNS)
def test_signs_within_a_token_are_text(subject: bytes) -> None:
    """A token that merely contains a sign stands for itself alone."""
    assert not has_wildcard(tokens_of(subject))


@pytest.mark.parametrize(
    ("pattern", "subject"),
    [
        (b"foo", b"foo"),
        (b"*", b"foo"),
        (b">", b"foo"),
        (b">", b"foo.bar"),
        (b"foo.>", b"foo.bar"),
        (b"stats.>", b"stats.test.22"),
        (b"stats.*.*", b"stats.test.22"),
        (b"stats.test.foos", b"stats.test.foos"),
        (b"*", b"*"),
        (b"*", b">"),
        (b"a.*", b"a.b"),
        (b"a.*", b"a.*"),
        (b"a.>", b"a.b.c"),
        (b"a.>", b"a.>"),
        (b"foo.*", b"foo.*"),
        (b">", b"foo.*"),
        (b"*.b", b"a.b"),
        (b"foo.*bar", b"foo.*bar"),
        (b">x", b">x"),
    ],
)
def test_what_is_covered(pattern: bytes, subject: bytes) -> None:
    """A ``*`` stands for one token, a ``>`` for one or more, signs that are published for themselves."""
    assert matches(tokens_of(pattern), tokens_of(subject))


@pytest.mark.parametrize(
    ("pattern", "subject"),
    [
        (b"foo", b"bar"),
        (b"bar.>", b"foo.bar"),
        (b"foo", b"foo.bar"),
        (b"stats.test.foo", b"stats.test.foos"),
        (b"*", b"a.b"),
        (b"*", b"."),
        (b"a.*", b"a"),
        (b"a.*", b"a.b.c"),
        (b"a.>", b"a"),
        (b"g", b"*"),
        (b"g", b">"),
        (b"A", b"a"),
        (b"d.*", b"d."),
        (b"e.*.f", b"e..f"),
        (b"d.>", b"d."),
        (b"*.*", b"."),
        (b">", b"h."),
        (b">", b"."),
        (b">", b""),
        (b"*.b", b".b"),
        (b"foo.*bar", b"foo.xbar"),
        (b"aa.*bar", b"aa.q"),
        (b"foo*", b"foo1"),
        (b"foo>", b"foo1"),
        (b">x", b"y"),
        (b"*x", b"y"),
    ],
)
def test_what_is_not_covered(pattern: bytes, subject: bytes) -> None:
    """Neither fewer nor more tokens, nor another case, nor an empty token, nor a sign within a token."""
    assert not matches(tokens_of(pattern), tokens_of(subject))


@given(patterns(), subjects())
def test_matching_agrees_with_a_regular_expression(pattern: bytes, subject: bytes) -> None:
    """Matching token by token says what the grammar says."""
    assert covers(pattern, subject) == matches(tokens_of(pattern), tokens_of(subject))


@given(patterns())
def test_a_valid_pattern_covers_its_own_text(pattern: bytes) -> None:
    """What can be subscribed to and published literally reaches its subscriber."""
    tokens = tokens_of(pattern)

    assert is_pattern(tokens)
    assert matches(tokens, tokens)


@given(subjects())
def test_literals_are_the_patterns_without_wildcards(subject: bytes) -> None:
    """The validity of a SUB and that of a pedantic PUB differ by the wildcards alone."""
    tokens = tokens_of(subject)

    assert is_literal(subject) == (is_pattern(tokens) and not has_wildcard(tokens))
