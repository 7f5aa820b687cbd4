"""Unit tests of variables: keys that were read above, and the environment."""

import pytest

from app.config.document import Item
from app.config.errors import Place
from tests.unit.config.trees import Tree, mistakes, read_text, tree

UNKNOWN = (
    "unknown variable: no key above and no environment variable has this name; "
    "text that begins with '$' needs quotes"
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a=1\nb=$a", {"a": 1, "b": 1}),
        ("a=1\nb {c=$a}", {"a": 1, "b": {"c": 1}}),
        ("a=1\nb {a=2\nc=$a}", {"a": 1, "b": {"a": 2, "c": 2}}),
        ("a=1\nb {c=$a\na=2}", {"a": 1, "b": {"c": 1, "a": 2}}),
        ("a=1\nb {a=2}\nc=$a", {"a": 1, "b": {"a": 2}, "c": 1}),
        ("a=1\nb=[$a, {a=2\nc=[$a]}]", {"a": 1, "b": [1, {"a": 2, "c": [2]}]}),
        ("a=1\na=2\nb=$a", {"a": 2, "b": 2}),
        ("a {b=[1]}\nc=$a", {"a": {"b": [1]}, "c": {"b": [1]}}),
        ("'x y'=1\nz = '$x'", {"x y": 1, "z": "$x"}),
        ('a=1\nb="$a"', {"a": 1, "b": "$a"}),
        ("a=1\nb=x$a", {"a": 1, "b": "x$a"}),
        ("a=1\nb=$a # c", {"a": 1, "b": 1}),
    ],
)
def test_keys_above(text: str, expected: dict[str, Tree]) -> None:
    """A variable is a key of the blocks around it, of the innermost first, as far as they were read."""
    assert expected == tree(text)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("77", 77),
        ("text", "text"),
        ("", ""),
        ("  x  ", "x"),
        ("x\n", "x"),
        ("'77'", "77"),
        ("yes", True),
        ("2m", 2_000_000),
        ("[1, $N]", [1, 77]),
        ("{a = $N}", {"a": 77}),
        ("$N", 77),
    ],
)
def test_the_environment(value: str, expected: Tree) -> None:
    """A variable of the environment is read as a value, and may refer to others of the environment."""
    assert {"a": expected} == tree("a = $V", {"V": value, "N": "77"})


def test_a_key_hides_the_environment() -> None:
    """Keys come before the environment; a key that is read later does not count."""
    assert {"a": 2, "V": 1, "b": 1} == tree("a=$V\nV=1\nb=$V", {"V": "2"})


def test_the_environment_does_not_see_the_file() -> None:
    """What an environment variable refers to is the environment, and never a key."""
    assert ["2:3: " + UNKNOWN] == mistakes("a=1\nb=$V", {"V": "$a"})


def test_the_place_of_a_variable() -> None:
    """What came from elsewhere has its place where the file asks for it."""
    block = read_text("a=[$V]", "f", {"V": "[1]"})

    place = Place("f", 1, 4)
    assert (Item((Item(1, place),), place),) == block.members[0].item.value


@pytest.mark.parametrize("text", ["a=$b", "a=$a", "a {b=$a}", "a=$b\nb=$a", "a=$", "a {b=1}\nc=$b"])
def test_unknown(text: str) -> None:
    """A variable that is nowhere to be found is refused; its name may be a secret, and is not repeated."""
    assert all(mistake.endswith(": " + UNKNOWN) for mistake in mistakes(text))


@pytest.mark.parametrize("name", ["A", "B", "SELF", "DEEP"])
def test_circles(name: str) -> None:
    """Variables that lead back to themselves are refused."""
    environment = {"A": "$B", "B": "[1, $A]", "SELF": "$SELF", "DEEP": "{a = [$DEEP]}"}

    (mistake,) = mistakes(f"a=${name}", environment)

    assert mistake.startswith("1:3: the environment variable '")
    assert mistake.endswith("' refers to itself")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("two words", "expected the end of the line, found text"),
        ("}", "'}' closes nothing"),
        ("1\nb=2", "expected the end of the file, found text"),
        ("[1", "unclosed '[' opened at line 1"),
    ],
)
def test_broken_environment(value: str, reason: str) -> None:
    """An environment variable that is no value is refused by its name, where the file asks for it."""
    assert [f"1:3: environment variable 'V': {reason}"] == mistakes("a=$V\nb=$V", {"V": value})


def test_environment_with_a_bad_number() -> None:
    """A value in the environment that is well written but means nothing is refused in the same way."""
    assert ["1:3: the number does not fit into 64 bits"] == mistakes("a=$V", {"V": "9" * 30})


def test_environment_of_bytes() -> None:
    """An environment variable that is not text is refused."""
    assert ["1:3: environment variable 'V' is not UTF-8 text"] == mistakes("a=$V", {"V": "caf\udce9"})


def test_no_follow_up() -> None:
    """A variable is not called unknown while the file has mistakes that may have hidden it."""
    assert ["1:5: Parse error: expected the end of the line, found text"] == mistakes("a=1 2\nb=$a")
