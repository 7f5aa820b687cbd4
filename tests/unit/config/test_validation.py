"""Unit tests of what is said about mistakes, and where they are."""

import pytest

from app.config.draft import Draft, Path
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
    """A draft that can be used gives options."""
    options, problems = validate(Options, Draft({"port": 1}))

    assert options == Options(port=1)
    assert [] == problems


def test_a_problem_is_where_its_value_is() -> None:
    """The place is that of the smallest part known to be at fault."""
    draft = Draft({"authorization": {"users": ({"user": "u"}, {"user": "u"}, {"user": 5})}, "port": "x"})
    draft.mark(("authorization",), SECTION)
    draft.mark(("authorization", "users"), ARRAY)
    draft.mark(("authorization", "users", 2, "user"), ELEMENT)

    options, problems = validate(Options, draft)

    assert options is None
    assert [
        "x.conf:3:1: authorization.users[2].user must be a text; put it in quotes",
        "port must be a whole number",
    ] == sorted(map(str, problems), reverse=True)


def test_a_verdict_points_further() -> None:
    """Two users of one name are reported at the second of them."""
    draft = Draft({"authorization": {"users": ({"user": "u"}, {"user": "u"})}})
    draft.mark(("authorization", "users", 0), ARRAY)
    draft.mark(("authorization", "users", 1), ELEMENT)

    _, problems = validate(Options, draft)

    assert ['x.conf:3:1: there are two users named "u"'] == [str(problem) for problem in problems]
