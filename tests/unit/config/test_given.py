"""Unit tests of what is known of a configuration: how an option was given, and where."""

from app.config.document import Block, Item
from app.config.errors import Place
from app.config.given import Given, without

PLACE = Place("x.conf", 3, 1)


def given() -> Given:
    """A file with a port and a cluster, and flags above it."""
    values = Block.of({"port": Item(1, PLACE), "debug": True, "cluster": {"port": 2}})
    return Given(values, values.put(-5, "port"), values, {"debug": True, "cluster.listen": "nats://h:2"})


def test_an_option_is_named_as_it_was_given() -> None:
    """By its flag, or by its name in the file with the place; a default is named as such."""
    assert "port at x.conf:3:1" == given().origin("port")
    assert "--debug" == given().origin("debug")
    assert "--cluster" == given().name("cluster", "port")
    assert "the default of host" == given().origin("host")


def test_a_value_that_was_wrong_is_not_certain() -> None:
    """Nothing is said about an option of which only a part is known."""
    assert not given().is_certain("port")
    assert given().is_certain("debug")
    assert given().is_certain("host")
    assert not Given(Block(), Block(), whole=False).is_certain("host")
    assert not Given(Block(), Block(), unclear=frozenset({()})).is_certain("host")


def test_an_option_that_asks_for_something_has_a_line() -> None:
    """One that is off, or is not given, has none."""
    assert ["port has no effect today"] == [each.text for each in without(given(), "today", "port")]
    assert [] == list(without(given(), "today", "host"))
