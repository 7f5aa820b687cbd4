"""Unit tests of the filters of consumers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.jetstream.consumers.filters import Filters, TooManyFilters, have_overlap
from app.domain.jetstream.streams.subject_rules import covers


@pytest.mark.parametrize(
    ("filters", "subjects"),
    [
        ([], [b"a", b"b.c"]),
        ([">"], [b"a", b"b.c"]),
        (["a"], [b"a"]),
        (["a", "b.*"], [b"a", b"b.c"]),
        (["b.>"], [b"b.c", b"b.c.d"]),
        (["a", "*.c"], [b"a", b"b.c"]),
        (["a", "x"], [b"a"]),
    ],
)
def test_matching(filters: list[str], subjects: list[bytes]) -> None:
    """Without filters everything is wanted, else what one of them matches."""
    wanted = Filters(filters)
    found = [s for s in (b"a", b"b.c", b"b.c.d", b"c") if wanted.match(s)]
    assert set(subjects) <= set(found)
    assert not filters or ">" in filters or subjects == found


TOKENS = st.lists(st.sampled_from(["a", "b", "*"]), min_size=1, max_size=3)
PATTERNS = st.tuples(TOKENS, st.booleans()).map(lambda t: ".".join(t[0] + [">"] * t[1]))


@given(st.lists(PATTERNS, min_size=1, max_size=6))
def test_overlaps_are_found_as_by_comparing_all(patterns: list[str]) -> None:
    """One within another, or there twice."""
    expected = any(
        covers(one, other) for i, one in enumerate(patterns) for j, other in enumerate(patterns) if i != j
    )
    assert expected == have_overlap(patterns)


def test_comparing_ends() -> None:
    """Before it takes long."""
    with pytest.raises(TooManyFilters):
        have_overlap([f"*.*.*.*.*.*.*.*.*.*.*.{i}" for i in range(20000)])
