"""Unit tests of what is said about mistakes, and where they are."""

import pytest

from app.config.document import Block, Item, Path
from app.config.errors import Place
from app.config.options import Options
from app.config.validation import option_name, validate

SECTION, ARRAY, ELEMENT = (Place("x.conf", line, 1) for line in (1, 2, 3))


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (("port",), "port"),
        (("authorization", "users", 1, "password"), "authorization.users[1].password"),
        ((), ""),
    ],
)
def test_names_of_options(path: Path, name: str) -> None:
    """An option inside others is named by all of them."""
    assert name == option_name(path)


def test_good_options_come_without_problems() -> None:
    """Values that can be used give options."""
    options, problems = validate(Options, Block.of({"port": 1}))

    assert options == Options(port=1)
    assert [] == problems


def test_a_problem_is_where_its_value_is() -> None:
    """The place is that of the smallest part known to be at fault."""
    entries = ({"user": "u"}, {"user": "u"}, {"user": Item(5, ELEMENT)})
    users = Item(tuple(map(Item.of, entries)), ARRAY)
    given = Block.of({"authorization": Item(Block.of({"users": users}), SECTION), "port": "x"})

    options, problems = validate(Options, given)

    assert options is None
    assert [
        "x.conf:3:1: authorization.users[2].user must be a string; put it in quotes",
        "port must be a whole number",
    ] == sorted(map(str, problems), reverse=True)


def test_an_error_may_point_further() -> None:
    """Two users of one name are reported at the second of them."""
    users = tuple(Item(Block.of({"user": "u"}), place) for place in (ARRAY, ELEMENT))

    _, problems = validate(Options, Block.of({"authorization": {"users": users}}))

    assert ['x.conf:3:1: user "u" is defined twice'] == [str(problem) for problem in problems]
