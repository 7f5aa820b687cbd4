"""Unit tests of what a configuration may not exceed."""

import pytest

from app.config.file.parsing import DEEPEST, MOST_MISTAKES, MOST_VALUES
from app.config.file.reading import LONGEST_CHAIN
from app.config.file.sources import LARGEST_FILE
from tests.unit.config.trees import mistakes, tree

TOO_DEEP = f"nested deeper than {DEEPEST} levels"
TOO_MANY = f"more than {MOST_VALUES} values"


def test_as_deep_as_may_be() -> None:
    """Blocks and arrays may be nested to the bound."""
    assert tree("a {" * DEEPEST + "}" * DEEPEST)
    assert tree("a=" + "[" * DEEPEST + "]" * DEEPEST)


@pytest.mark.parametrize("levels", [DEEPEST + 1, 1000, 100_000])
def test_too_deep(levels: int) -> None:
    """One level more, or many more, are refused at the bracket that is too much."""
    assert [f"1:{3 + DEEPEST}: Parse error: {TOO_DEEP}"] == mistakes("a=" + "[" * levels)
    assert [f"1:{3 + 3 * DEEPEST}: Parse error: {TOO_DEEP}"] == mistakes("a {" * levels + "}" * levels)


def test_variables_do_not_nest_deeper() -> None:
    """Blocks that hold each other by variables are bounded as if they were written out."""
    text = "a0 {}\n" + "".join(f"a{n + 1} {{ b=$a{n} }}\n" for n in range(1000))

    assert [f"{DEEPEST + 1}:{len(f'a{DEEPEST} {{ b=') + 1}: {TOO_DEEP}"] == mistakes(text)


def test_too_many_values() -> None:
    """Values are counted, and the first one beyond the bound is refused."""
    assert [f"1:{4 + 2 * (MOST_VALUES - 1)}: Parse error: {TOO_MANY}"] == mistakes(
        "a=[" + "1," * (MOST_VALUES + 1) + "]"
    )


def test_variables_do_not_multiply() -> None:
    """Arrays that hold each other ten times are counted as if they were written out, and refused early."""
    text = "a0=[1]\n" + "".join(f"a{n + 1}=[{','.join([f'$a{n}'] * 10)}]\n" for n in range(100))

    (mistake,) = mistakes(text)

    assert mistake.endswith(": " + TOO_MANY)


def test_the_environment_does_not_multiply() -> None:
    """The same holds for variables of the environment."""
    environment = {f"V{n}": f"[{','.join([f'$V{n + 1}'] * 10)}]" for n in range(10)} | {"V10": "1"}

    assert [f"1:3: {TOO_MANY}"] == mistakes("a=$V0", environment)


def test_a_long_row_of_variables() -> None:
    """The row of environment variables that refer to each other is bounded."""
    environment = {f"V{n}": f"$V{n + 1}" for n in range(LONGEST_CHAIN)} | {f"V{LONGEST_CHAIN}": "1"}

    assert {"a": 1} == tree("a=$V1", environment)
    assert [f"1:3: more than {LONGEST_CHAIN} variables refer to each other in a row"] == mistakes(
        "a=$V0", environment
    )


def test_a_large_text() -> None:
    """A text is bounded like a file."""
    assert ["1:1: larger than 4 MiB, with all that is included"] == mistakes("#" * (LARGEST_FILE + 1))


def test_mistakes_are_bounded() -> None:
    """No more is reported than can be read."""
    assert MOST_MISTAKES == len(mistakes("a 1 2\n" * 1000))
    assert MOST_MISTAKES == len(mistakes("a .5\n" * 1000))


def test_long_digits() -> None:
    """A number of any length is refused like one that is a little too long."""
    assert ["1:3: the number does not fit into 64 bits"] == mistakes("a=" + "9" * 100_000)
    assert ["1:3: the number is too large"] == mistakes("a=" + "9" * 100_000 + ".0")
