"""Unit tests of how reading goes on after a mistake."""

import pytest

from tests.unit.config.trees import mistakes


def lines(text: str) -> list[int]:
    """Where mistakes are found."""
    return [int(mistake.partition(":")[0]) for mistake in mistakes(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a 1 2\nb=1\nc 1 2", [1, 3]),
        ("m {\n a 1 2\n b 1 2\n}\nc 1 2", [2, 3, 5]),
        ("m { a 1 2 }\nb 1 2", [1, 2]),
        ("m { n { a 1 2 } }\nb 1 2", [1, 2]),
        ("r = [\n a b\n c\n d e\n]\nx 1 2", [2, 4, 6]),
        ("r = [a b]\nx 1 2", [1, 2]),
        ("r = [[a b], [c d]]\nx 1 2", [1, 1, 2]),
        ("a b {\n c=1\n d=[ 1\n ]\n}\ne 1 2", [1, 6]),
        ("a b { c='}' # }\n}\ne 1 2", [1, 3]),
        ("m{\n a=1\n}\nb 1 2", [1, 4]),
        ("a=\nb=1\nc=\n 'x'\nd=\n{ e=1\n}\nf=\n[1]\ng 1 2", [1, 3, 5, 8, 10]),
        ("a\nb : 1\nc 1 2", [1, 3]),
        ("m {\n a\n}\nb 1 2", [2, 4]),
        ("= 1\n; b=1\nc 1 2", [1, 2, 3]),
        ("'a = 1\nb 1 2", [1, 2]),
        ("include\ninclude 'x\nb 1 2", [1, 2, 3]),
        ("{ a=1 } b\nc 1 2", [1, 2]),
        ("{\n a 1 2\n b .5\n}\n", [2, 3]),
        ("a 'it is\nb 'c'\nd 1 2", [2, 3]),
        ("a 1 http://x/{y\nb 1 2", [1]),
    ],
)
def test_the_next_line(text: str, expected: list[int]) -> None:
    """Reading goes on after the line, or the brackets that open in it, and nothing is reported twice."""
    assert expected == lines(text)


@pytest.mark.parametrize(
    "text",
    [
        "m {\n a 1 2\n",
        "a = 'b\nc 1 2",
        'a = "b\nc 1 2',
        "a (b)\nc 1 2",
        "a = [1\n}\nc 1 2",
        "m { a = ]\n}\nc 1 2",
        "}\nc 1 2",
        "a b [\nc 1 2",
        "a b ]\nc 1 2",
    ],
)
def test_the_end(text: str) -> None:
    """Where it is in doubt what a bracket or a quote holds, reading ends."""
    assert 2 >= len(lines(text))


def test_values_are_read_all_the_same() -> None:
    """Values that mean nothing are reported together with lines that cannot be read."""
    assert [
        "1:3: a number needs a digit before the '.'",
        "2:5: Parse error: expected the end of the line, found text",
        "4:4: the date does not exist",
    ] == mistakes("a=.5\nb 1 2\nm {\n c 2016-13-01T00:00:00Z\n}")


def test_a_text_that_ends_late_is_named() -> None:
    """When text is after a text of several lines, the quote that began it may be to blame."""
    assert [
        "2:6: Parse error: expected the end of the line, found text, after a text that began at line 1"
    ] == mistakes('a = "x\nb = "y"\n')
