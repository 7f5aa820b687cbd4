"""Which patterns overlap with a pattern."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.jetstream.pattern_table import Budget, PatternTable, TooManyPatterns
from app.domain.jetstream.streams.subject_rules import subjects_overlap
from app.domain.subjects.subject import matches, tokens_of

TOKENS = st.lists(st.sampled_from(["a", "b", "*"]), min_size=1, max_size=4)
PATTERNS = st.builds(lambda tokens, rest: ".".join([*tokens, ">"] if rest else tokens), TOKENS, st.booleans())


@given(st.lists(PATTERNS, max_size=12), st.lists(PATTERNS, max_size=5), PATTERNS)
def test_it_finds_what_overlaps(kept: list[str], removed: list[str], asked: str) -> None:
    """Exactly the names with a pattern that overlaps, whatever was removed before."""
    table = PatternTable()
    for number, pattern in enumerate(kept):
        table.add(pattern, str(number))
    for pattern in removed:
        table.add(pattern, "removed")
        table.add(pattern, "removed")
    for pattern in removed:
        table.remove(pattern, "removed")
        table.remove(pattern, "removed")

    expected = {str(number) for number, each in enumerate(kept) if subjects_overlap(each, asked)}

    assert table.overlapping(asked) == expected


@given(st.lists(PATTERNS, max_size=12), st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=4))
def test_matching(kept: list[str], tokens: list[str]) -> None:
    """A subject matches if one of the patterns matches it."""
    table, subject = PatternTable(), ".".join(tokens).encode()
    for pattern in kept:
        table.add(pattern.encode(), "x")

    expected = any(matches(tokens_of(pattern.encode()), tokens_of(subject)) for pattern in kept)

    assert table.matches(subject) == expected


@pytest.mark.parametrize("asked", ["*.x", "a1.>", ">"])
def test_what_a_request_may_cost(asked: str) -> None:
    """Nodes are counted while they are visited, and the search ends when the budget is spent."""
    table = PatternTable()
    for number in range(100):
        table.add(f"a{number}.b.c.d", "x")

    assert table.overlapping(asked, Budget()) == ({"x"} if ">" in asked else set())
    with pytest.raises(TooManyPatterns):
        table.overlapping(asked, Budget(3))
