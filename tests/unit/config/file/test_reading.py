"""Unit tests of how a configuration is written, row by row of configuration-file.md, section 1."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.config.document import Block, Item, Member
from app.config.errors import ConfigError, Place
from app.config.load import read_file
from tests.unit.config.trees import Tree, mistakes, read_text, tree, tree_of

HASH = "11$W2zko751KUvVy59mUTWmpOdWjpEm5qhcCZRd05GjI/sSOT.xtiHyG"

END_OF_LINE = "Parse error: expected the end of the line, found text"
NO_VALUE = "Parse error: expected a value, found the end of the line"


@pytest.mark.parametrize(
    "text", ["a=1", "a:1", "a = 1", "a : 1", "a 1", "a\t1", "a\n1", "a\n=1", "a\n\n \n: 1", "\ufeffa=1"]
)
def test_a_key_and_its_value(text: str) -> None:
    """A separator is ``=``, ``:`` or nothing; lines may end before it; a byte order mark is nothing."""
    assert {"a": 1} == tree(text)


@pytest.mark.parametrize(
    "text", ["a=1\nb=2", "a=1\rb=2", "a=1\r\nb=2\r\n", "a=1;b=2;", "a=1,b=2,", "\n\na=1 ;\n\nb=2\n\n"]
)
def test_pairs_end(text: str) -> None:
    """A pair ends with its line, a semicolon or a comma, and the last one may."""
    assert {"a": 1, "b": 2} == tree(text)


@pytest.mark.parametrize("text", ["", "\n", "  ", "# only", "// only\n", "\n # a\r\n\t// b\n\n"])
def test_nothing(text: str) -> None:
    """An empty text is an empty configuration."""
    assert {} == tree(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.b=1", {"a.b": 1}),
        ("é=1", {"é": 1}),
        ("(a)=1", {"(a)": 1}),
        ("$x=1", {"$x": 1}),
        ("a;b=1", {"a;b": 1}),
        ("'x y'=1", {"x y": 1}),
        ('"x y" 1', {"x y": 1}),
        ("'x'1", {"x": 1}),
        ('"a=b": 1', {"a=b": 1}),
        (r'"a\tb": 1', {r"a\tb": 1}),
        ("a=1\nA=2", {"a": 1, "A": 2}),
    ],
)
def test_keys(text: str, expected: dict[str, Tree]) -> None:
    """A key runs to a blank or a separator, or is in quotes, where nothing is escaped."""
    assert expected == tree(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a=x#c", "x#c"),
        ("a=http://x/y", "http://x/y"),
        ("a=#c", "#c"),
        ("a: #IclkRPHUpsTmACWzmIGXr", "#IclkRPHUpsTmACWzmIGXr"),
        ("a=//c", "//c"),
        ("a=x # c", "x"),
        ("a=x // c", "x"),
        ("a=1 # c", 1),
        ("a=1# c", 1),
        ("a=1// c", 1),
        ("a=10.0.0.1# c", "10.0.0.1"),
        ("a='x'# c", "x"),
        ("# c\na=1", 1),
        ("  // c\r\n  # c\n\n a=1", 1),
        ("a=[ # c\n // c\n ]", []),
        ("a=[1 # c\n]", [1]),
        ("a=[x#c, y //c\n]", ["x#c", "y"]),
        ("a { # c\n // c\n }", {}),
    ],
)
def test_comments(text: str, expected: Tree) -> None:
    """A comment is where a key or an element may begin, or after a value; elsewhere its sign is text."""
    assert {"a": expected} == tree(text)


@pytest.mark.parametrize(
    "text",
    [
        "m {a=1,b=2}",
        "m { a=1;b=2 }",
        "m = {a=1\nb=2}",
        "m: {\n a: 1\n b: 2\n}",
        "m\n{a=1\n\nb=2,\n}",
        "m {a=\n1\nb\n:\n\n2 }",
        "m { a 1, b 2, }",
        "{m {a=1,b=2}}",
        '\n{ # all of it\n "m": {\n "a": 1,\n "b": 2\n }\n}\n',
    ],
)
def test_blocks(text: str) -> None:
    """A block needs no separator; pairs end with lines, commas or semicolons; all of a file may be one."""
    assert {"m": {"a": 1, "b": 2}} == tree(text)


def test_nested_blocks() -> None:
    """Blocks nest, may be empty, and end with as many brackets."""
    assert {"a": {"b": {"c": {}}}, "d": {}} == tree("a {b {c {}}}\nd {\n\n}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[]", []),
        ("[1,2,3]", [1, 2, 3]),
        ("[ 1, 2, 3, ]", [1, 2, 3]),
        ("[1\n2\n\n3\n]", [1, 2, 3]),
        ("[\n1,\n2,\n]", [1, 2]),
        ("[1, 'a', b, true, 1.5, [2], {c=3}]", [1, "a", "b", True, 1.5, [2], {"c": 3}]),
        ("[nats-route://a:1,nats-route://b:2]", ["nats-route://a:1", "nats-route://b:2"]),
        (
            "[{user: a, password: b}, {user: c, password: d}]",
            [{"user": "a", "password": "b"}, {"user": "c", "password": "d"}],
        ),
    ],
)
def test_arrays(text: str, expected: Tree) -> None:
    """Elements end with commas or lines, and are of any kind."""
    assert {"a": expected} == tree(f"a = {text}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("'x y'", "x y"),
        ("'x\ny'", "x\ny"),
        (r"'x\ty'", r"x\ty"),
        ("'say \"x\"'", 'say "x"'),
        ("''", ""),
        ('"x y"', "x y"),
        ('"x\ny"', "x\ny"),
        ('"it\'s"', "it's"),
        (r'"x\ty\nz\r\\ \"q\""', 'x\ty\nz\r\\ "q"'),
        (r'"\x41\xc3\xa9"', "Aé"),
        ('"$x # {}[];,"', "$x # {}[];,"),
        ("'true'", "true"),
        ("'12'", "12"),
    ],
)
def test_quoted_text(text: str, expected: str) -> None:
    """Single quotes hold anything as it is; double quotes have escapes; both may have several lines."""
    assert {"a": expected} == tree(f"a = {text}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(\nx\ny\n)", "\nx\ny\n"),
        ("(\nx\ny\n)\n", "\nx\ny\n"),
        ("( x\n y)z\n)\n", " x\n y)z\n"),
        ("(\r\nx\r\n)\r\n", "\r\nx\r\n"),
        ("(\n)\n", "\n"),
        ("(\n  )\n)\n", "\n  )\n"),
    ],
)
def test_text_in_parentheses(text: str, expected: str) -> None:
    """It ends at a line that is only a parenthesis, and keeps the ends of its lines."""
    assert {"a": expected} == tree(f"a = {text}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x", "x"),
        ("localhost:4222", "localhost:4222"),
        ("::1", "::1"),
        ("=b", "=b"),
        ("b=c", "b=c"),
        ('b"c', 'b"c'),
        ("b(c", "b(c"),
        ("b{c", "b{c"),
        ("/var/x", "/var/x"),
        ("./x", "./x"),
        ("+5", "+5"),
        ("0x10", "0x10"),
        ("truex", "truex"),
        ("true#", "true#"),
        ("abc'", "abc"),
        ("true'", "true"),
        (r"a\tb\x41", r"a\tb\x41"),
        ("pa$$word", "pa$$word"),
        ("é", "é"),
    ],
)
def test_unquoted_text(text: str, expected: str) -> None:
    """Text without quotes is taken as it is; a single quote ends it."""
    assert {"a": expected} == tree(f"a {text}") | tree(f"a={text}\n") | tree(f"a : {text};")


@pytest.mark.parametrize("end", ["\n", " ", ";", "}", "\r\n", "\t", ","])
def test_unquoted_text_ends(end: str) -> None:
    """A blank, the end of the line, a separator or a bracket ends text without quotes."""
    assert {"m": {"a": "x"}} == tree(f"m {{ a=x{end}{'' if end == '}' else '}'}")


@pytest.mark.parametrize("ident", ["2a", "2b", "2x", "2y"])
def test_bcrypt_hashes(ident: str) -> None:
    """A hash needs no quotes, though it begins like a variable."""
    assert {"a": f"${ident}${HASH}", "b": [f"${ident}${HASH}"]} == tree(
        f"a: ${ident}${HASH}\nb [${ident}${HASH}]"
    )


@pytest.mark.parametrize("text", ["a=", "a=  ", "a:", "a\n="])
def test_an_empty_value_at_the_end(text: str) -> None:
    """A separator at the very end has an empty text after it."""
    assert {"a": ""} == tree(text)


def test_an_empty_value_before_a_semicolon() -> None:
    """A semicolon ends a value, even one that has not begun."""
    assert {"a": "", "m": {"b": "", "c": 1}} == tree("a=;\nm {b=; c=1}")


@pytest.mark.parametrize("word", ["true", "True", "TRUE", "yes", "Yes", "on", "ON"])
def test_true(word: str) -> None:
    """Three words for true, in any case."""
    assert {"a": True, "m": {"b": True}, "c": [True]} == tree(f"a {word}\nm {{b={word}}}\nc=[{word}]")


@pytest.mark.parametrize("word", ["false", "False", "FALSE", "no", "No", "off", "OFF"])
def test_false(word: str) -> None:
    """Three words for false, in any case."""
    assert {"a": False, "m": {"b": False}, "c": [False]} == tree(f"a {word}\nm {{b={word}}}\nc=[{word}]")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("-1", -1),
        ("007", 7),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
        ("1k", 1000),
        ("1KB", 1024),
        ("2m", 2_000_000),
        ("2Mb", 2 * 1024**2),
        ("3g", 3 * 1000**3),
        ("3GB", 3 * 1024**3),
        ("1t", 1000**4),
        ("1MiB", 1024**2),
        ("1ki", 1024),
        ("-1k", -1000),
        ("1.5", 1.5),
        ("-0.25", -0.25),
    ],
)
def test_numbers(text: str, expected: float) -> None:
    """Integers of 64 bits, with or without a unit, and floats."""
    found = tree(f"a={text}\nm {{ b={text} }}")

    assert {"a": expected, "m": {"b": expected}} == found
    assert type(expected) is type(found["a"])


@pytest.mark.parametrize(
    "text", ["10s", "500ms", "1h30m", "1.5s", "1m30s", "127.0.0.1", "127.0.0.1:4222", "1.2.3", "1x"]
)
def test_what_only_begins_like_a_number(text: str) -> None:
    """Durations and addresses are text, and so is a number with something after it."""
    assert {"a": text, "b": [text]} == tree(f"a {text}\nb=[{text}]")


def test_dates() -> None:
    """A date in full Zulu form is a date."""
    assert {"a": datetime(2016, 4, 26, 13, 21, 20, tzinfo=UTC)} == tree("a = 2016-04-26T13:21:20Z")


def test_the_last_of_a_key_counts() -> None:
    """Every pair is kept in the order of the file, so that the reader may let the last one win."""
    block = read_text("a=1\nb=2\na=3", "f", {})

    assert {"a": 3, "b": 2} == tree_of(block)
    assert ["a", "b", "a"] == [member.key for member in block]


def test_places() -> None:
    """Keys and values know their file, line and column, whatever is before them."""
    block = read_text("# c\r\n a :\t'é\n' ; m {\n b [é, x]}", "f", {})

    array = Item((Item("é", Place("f", 4, 5)), Item("x", Place("f", 4, 8))), Place("f", 4, 4))
    inner = Block((Member("b", Place("f", 4, 2), array),))
    assert (
        Block(
            (
                Member("a", Place("f", 2, 2), Item("é\n", Place("f", 2, 6))),
                Member("m", Place("f", 3, 5), Item(inner, Place("f", 3, 7))),
            )
        )
        == block
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("=1", ["1:1: Parse error: expected a key, found '='"]),
        ("foo", ["1:4: Parse error: expected a value, found the end of the file"]),
        ("foo\n", [f"1:4: {NO_VALUE}"]),
        ("a=\n1", [f"1:3: {NO_VALUE}"]),
        ("a\n=\n1", [f"2:2: {NO_VALUE}"]),
        ("a=1 b=2", [f"1:5: {END_OF_LINE}"]),
        ("a=x// c", [f"1:7: {END_OF_LINE}"]),
        ("a='b'c", [f"1:6: {END_OF_LINE}"]),
        ("a=it's", [f"1:6: {END_OF_LINE}"]),
        ("a= # c", [f"1:6: {END_OF_LINE}"]),
        ("a=-x", ["1:3: expected a number after '-'; other text needs quotes"]),
        ("a=1-2", ["1:3: expected a date like 2016-04-26T13:21:20Z; other text needs quotes"]),
        ("m {a=1} b=2", [f"1:9: {END_OF_LINE}"]),
        ("m { a = }", ["1:9: Parse error: expected a value, found '}'"]),
        ("m {,a=1}", ["1:4: Parse error: expected a key or '}', found ','"]),
        ("a=1;;b=2", ["1:5: Parse error: expected a key, found ';'"]),
        ("/x=1", ["1:1: Parse error: expected a key, found text"]),
        ("m{a=1}", ["1:2: Parse error: expected a space before '{'"]),
        ("a=[1\n,2]", ["2:1: Parse error: expected a value or ']', found ','"]),
        ("a=[::1]:4222", ["1:8: Parse error: expected the end of the line, found ':'"]),
        ("m {", ["1:4: Parse error: unclosed '{' opened at line 1"]),
        ("m {\n'k", ['2:1: Parse error: unclosed "\'"', "2:3: Parse error: unclosed '{' opened at line 1"]),
        ("a=(x)", ["1:3: Parse error: unclosed '(': a line that is only ')' ends the text"]),
        ("}", ["1:1: Parse error: '}' closes nothing"]),
    ],
)
def test_mistakes(text: str, expected: list[str]) -> None:
    """A mistake has its place, and one sentence for what was expected and what was found."""
    assert expected == mistakes(text)


def test_a_missing_file() -> None:
    """The message is gnatsd's, and has no place."""
    with pytest.raises(ConfigError) as raised:
        read_file("/nowhere/nats.conf", {})

    assert "error opening config file: open /nowhere/nats.conf: no such file or directory" == str(
        raised.value
    )


def test_a_file(tmp_path: Path) -> None:
    """A file is read as its text is, and gives its name to places."""
    path = tmp_path / "nats.conf"
    path.write_text("port: 4222")

    assert read_text("port: 4222", str(path), {}) == read_file(str(path), {})


def test_the_grammar_is_loaded_late() -> None:
    """A server without a file starts without lark."""
    program = "import sys, app.config.load; sys.exit('lark' in sys.modules)"

    assert 0 == subprocess.run([sys.executable, "-c", program], check=False).returncode
