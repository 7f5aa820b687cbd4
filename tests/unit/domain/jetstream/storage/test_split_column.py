"""Narrow columns have the numbers of wide ones."""

from array import array
from random import Random

import pytest

from app.domain.jetstream.storage.split_column import SplitColumn, halved, split


def narrowed(column: "array[int]") -> SplitColumn:
    """A column that can be split."""
    found = split(column)
    assert isinstance(found, SplitColumn)
    return found


def test_numbers_are_the_same() -> None:
    """One by one, in slices, and all; for times and for places."""
    random = Random(1)
    for typecode in "qQ":
        for _ in range(50):
            runs = [random.getrandbits(30) << 32] * 5 + [random.getrandbits(30) << 32] * random.randrange(5)
            column = array(typecode, [high | random.getrandbits(32) for high in runs])
            found = narrowed(column)

            assert list(column) == [found[at] for at in range(len(found))]
            assert column == found.whole()
            assert len(column) == len(found)
            assert column[-1] == found[-1]
            start, end = random.randrange(12), random.randrange(12)
            assert column[start:end] == found[start:end]
            assert column[start:] == found[start:]


def test_a_number_is_replaced_by_one_of_the_same_half() -> None:
    """Another one is for a wide column."""
    found = narrowed(array("Q", [1 << 32 | 5, 2 << 32 | 6]))
    found[1] = 2 << 32 | 7
    with pytest.raises(ValueError, match="8589934599"):
        found[0] = 2 << 32 | 7

    assert [1 << 32 | 5, 2 << 32 | 7] == [found[0], found[1]]


def test_upper_halves_are_compared() -> None:
    """It says whether a flag in them can be set."""
    found = narrowed(array("Q", [1 << 32, 1 << 63]))

    assert found.has_above(1 << 63)
    assert not narrowed(array("Q", [1 << 32])).has_above(1 << 63)


def test_what_cannot_be_narrow_stays() -> None:
    """Upper halves that change too often, nothing, and numbers that are too large."""
    column = array("q", [each << 32 for each in range(300)])
    assert split(column) == column
    assert split(array("q")) == array("q")
    assert halved(array("I", [1, 0x10000])) == array("I", [1, 0x10000])
    assert halved(array("I", [1, 0x10000])).typecode == "I"
    assert halved(array("I", [1, 0xFFFF])).typecode == "H"
    assert list(halved(array("I", [1, 0xFFFF]))) == [1, 0xFFFF]
