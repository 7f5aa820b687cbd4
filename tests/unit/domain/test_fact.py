"""Facts: values that do not change."""

import pickle
from copy import copy, deepcopy
from dataclasses import FrozenInstanceError
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


class SeenOften(Seen):
    """A field of the base with another default, and a class variable of any type."""

    colour: ClassVar = "red"

    number: int = 9


class Titled(Fact):
    """It has a property."""

    @property
    def title(self) -> str:
        """The same for all."""
        return "untitled"


class Book(Titled):
    """A field in place of that property."""

    title: str


class Silence(Fact):
    """One without fields."""


def test_fields_by_position_and_by_name() -> None:
    """Those of the base come first, and a value of the class is the default; a `ClassVar` is no field."""
    assert ("place", "number", "times") == SeenAgain.field_names
    assert ("x", 1) == (Seen("x").place, Seen("x").number)
    assert ("x", 2, 4) == tuple(vars(SeenAgain("x", 2, times=4)).values())
    assert ("x", 1, 3) == tuple(vars(SeenAgain(number=1, place="x")).values())
    assert () == Silence.field_names


def test_a_field_of_the_base_with_another_default() -> None:
    """It stays one field at its place."""
    assert ("place", "number") == SeenOften.field_names
    assert ("x", 9) == tuple(vars(SeenOften("x")).values())
    assert ("x", 2) == tuple(vars(SeenOften("x", 2)).values())


def test_a_field_in_place_of_a_property_of_the_base() -> None:
    """The field counts, and has no default."""
    assert "Emma" == Book("Emma").title == Book(title="Emma").title
    with pytest.raises(TypeError, match="Book needs title"):
        Book()  # type: ignore[call-arg] # that is the point


def test_facts_are_copied_and_pickled() -> None:
    """A fact may go to another process."""
    fact = Seen("x", 2)

    assert fact == pickle.loads(pickle.dumps(fact)) == deepcopy(fact)  # noqa: S301 - it is our own


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
    with pytest.raises(FrozenInstanceError, match="place of a fact does not change"):
        fact.place = "y"  # type: ignore[misc] # that is the point
    with pytest.raises(FrozenInstanceError, match="place of a fact does not change"):
        del fact.place

    assert "x" == fact.place


def test_how_a_fact_is_shown() -> None:
    """As it is made."""
    assert "Seen(place='x', number=1)" == repr(Seen("x"))
    assert "Silence()" == repr(Silence())
