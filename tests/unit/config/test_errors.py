"""Unit tests of problems at places."""

from app.config.errors import ConfigError, Place, Problem


def test_a_problem_is_one_line() -> None:
    """The place comes first, if there is one, and what cannot be printed is spelt out."""
    assert "x.conf:3:7: wrong" == str(Problem("wrong", Place("x.conf", 3, 7)))
    assert r"a\nb" == str(Problem("a\nb"))


def test_an_error_is_all_its_problems() -> None:
    """Its text has a line for each of them."""
    error = ConfigError([Problem("one"), Problem("two")])

    assert "one\ntwo" == str(error)
    assert (Problem("one"), Problem("two")) == error.problems


def test_places_are_in_the_order_of_the_file() -> None:
    """Lines and columns are compared as numbers."""
    assert Place("x.conf", 2, 10) < Place("x.conf", 10, 2)
