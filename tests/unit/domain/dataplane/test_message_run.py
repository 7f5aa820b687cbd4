"""Messages of a stream in flat pieces."""

from array import array

import pytest

from app.domain.dataplane.message_run import LANES, ascending, joined, zeros


def test_bodies_are_joined() -> None:
    """Each is between its start and its end, as many as the size allows."""
    columns = array("q", (1, 2, 3)), array("q", (7, 8, 9)), [b"a", b"b", b"c"], array("q", (0, 1, 0))

    whole = joined(*columns, (b"x", b"", b"yz"), 3)
    part = joined(*columns, (b"x", b"", b"yz"), 2)

    assert whole is not None
    assert whole.data == b"xyz"
    assert [whole.data[a:b] for a, b in zip(whole.starts, whole.ends, strict=True)] == [b"x", b"", b"yz"]
    assert part is not None
    assert (list(part.sequences), list(part.times), part.subjects) == ([1, 2], [7, 8], [b"a", b"b"])
    assert (list(part.heads), part.data, len(part.ends)) == ([0, 1], b"x", 2)


def test_a_first_one_that_is_too_large() -> None:
    """There is no run."""
    assert joined(array("q", (1,)), array("q", (7,)), [b"a"], zeros(1), (b"xy",), 1) is None


@pytest.mark.parametrize("count", [0, 1, 7, LANES, LANES + 1, 3 * LANES])
@pytest.mark.parametrize("first", [0, 1, 2**32 - 3, 2**62])
def test_numbers_that_follow_each_other(first: int, count: int) -> None:
    """They are as those of a range."""
    assert ascending(first, count) == array("q", range(first, first + count))
