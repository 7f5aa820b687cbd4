"""Named tuples that are made by one call."""

from typing import NamedTuple

from app.domain.named_tuple import made


class Pair(NamedTuple):
    """Two fields."""

    first: int
    second: bytes


def test_it_is_as_its_class_makes_it() -> None:
    """A named tuple of any iterable equals what its class makes of the same fields."""
    assert Pair(1, b"a") == made(Pair, [1, b"a"])
    assert type(made(Pair, (1, b"a"))) is Pair
    assert b"a" == made(Pair, iter((1, b"a"))).second
