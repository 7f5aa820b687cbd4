"""Which streams listen to subjects that overlap with a pattern."""

from hypothesis import given
from hypothesis import strategies as st

from app.domain.jetstream.hosting.pattern_table import PatternTable
from app.domain.jetstream.streams.subject_rules import subjects_overlap

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
