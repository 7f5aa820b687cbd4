"""Code of an operator, by its name; what can go wrong there is in the tests of those who load it."""

import pytest

from app.ports.factories import FactoryError, find, make


def test_found_and_made() -> None:
    """The name leads to an object, and a factory makes another one."""
    found = find("thing", "collections:OrderedDict")

    assert {} == make("thing", "collections:OrderedDict", found, "a class")


def test_errors_name_the_thing() -> None:
    """They say what was to be loaded, under which name, and what it may be."""
    with pytest.raises(FactoryError, match=r"thing 'collections' must be written package\.module:factory"):
        find("thing", "collections")
    with pytest.raises(FactoryError, match=r"thing 'string:digits' is of type str .* it must be a class"):
        make("thing", "string:digits", find("thing", "string:digits"), "a class")
