"""Facts: values that do not change."""

from copy import copy
from typing import ClassVar

import pytest

from app.domain.fact import Fact


class Seen(Fact):
    """A fact with fields."""

    kind: ClassVar[str] = "seen"

    place: str
    number: int = 1


class SeenAgain(Seen):
    """The same with one more."""

    times: int = 3


class Silence(Fact):
    """One without fields."""


def test_fields_by_position_and_by_name() -> None:
    """Those of the base come first, and a value of the class is the default; a `ClassVar` is no field."""
    assert ("place", "number", "times") == SeenAgain.field_names
    assert ("x", 1) == (Seen("x").place, Seen("x").number)
    assert ("x", 2, 4) == tuple(vars(SeenAgain("x", 2, times=4)).values())
    assert ("x", 1, 3) == tuple(vars(SeenAgain(number=1, place="x")).values())
    assert () == Silence.field_names


@pytest.mark.parametrize(
    ("values", "named", "text"),
    [
        ((), {}, "Seen needs place"),
        ((1, 2, 3), {}, "Seen has the fields place, number, each once"),
        ((1,), {"place": 1}, "Seen has the fields place, number, each once"),
        ((1,), {"other": 1}, "Seen has the fields place, number, each once"),
    ],
)
def test_wrong_fields(values: tuple[object, ...], named: dict[str, object], text: str) -> None:
    """A fact is whole, and has nothing else."""
    with pytest.raises(TypeError, match=text):
        Seen(*values, **named)  # type: ignore[arg-type] # that is the point


def test_a_field_has_no_name_of_a_property() -> None:
    """The property would be read in place of the field."""

    class Titled(Fact):
        """A fact with a property."""

        @property
        def title(self) -> str:
            """Not a field."""
            return "title"

    with pytest.raises(TypeError, match="Retitled needs other names for title: there are properties"):

        class Retitled(Titled):
            """A fact with a field of the same name."""

            title: str


def test_equal_facts() -> None:
    """Facts of one class with equal fields are equal, and have one hash."""
    assert Seen("x") == Seen("x", 1) == copy(Seen("x"))
    assert {Seen("x"), Seen("x", 1)} == {Seen("x")}
    assert Seen("x") != Seen("y")
    assert SeenAgain("x", 1, 1) != Seen("x", 1)
    assert Silence() != Seen("x")


def test_facts_do_not_change() -> None:
    """No field is set, and none is removed."""
    fact = Seen("x")
    with pytest.raises(AttributeError, match="place of a fact does not change"):
        fact.place = "y"  # type: ignore[misc] # that is the point
    with pytest.raises(AttributeError, match="place of a fact does not change"):
        del fact.place

    assert "x" == fact.place


def test_how_a_fact_is_shown() -> None:
    """As it is made."""
    assert "Seen(place='x', number=1)" == repr(Seen("x"))
    assert "Silence()" == repr(Silence())
