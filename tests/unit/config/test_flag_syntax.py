"""Unit tests of the flag syntax of Go programs."""

import contextlib
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.config.flag_syntax import Reader, UsageError, Value, boolean, integer, one_of, scan, string

READERS: dict[str, Reader] = {
    "D": boolean,
    "DV": boolean,
    "p": integer,
    "port": integer,
    "a": string,
    "form": one_of("text", "json"),
}


def scanned(*words: str) -> tuple[list[tuple[str, Value]], list[str]]:
    """The flags found, and the words left."""
    left = deque(words)
    found = list(scan(left, READERS))
    return found, list(left)


@pytest.mark.parametrize("words", [("-port", "5"), ("--port", "5"), ("-port=5",), ("--port=5",)])
def test_dashes_and_values(words: tuple[str, ...]) -> None:
    """One or two dashes are equal, and so are a blank and an equals sign."""
    assert ([("port", 5)], []) == scanned(*words)


@pytest.mark.parametrize("word", ["1", "t", "T", "true", "TRUE", "True"])
def test_true(word: str) -> None:
    """Go's six spellings of true."""
    assert ([("D", True)], []) == scanned(f"-D={word}")


@pytest.mark.parametrize("word", ["0", "f", "F", "false", "FALSE", "False"])
def test_false(word: str) -> None:
    """Go's six spellings of false."""
    assert ([("D", False)], []) == scanned(f"--D={word}")


def test_a_boolean_takes_no_word() -> None:
    """The word after a boolean is not its value; it ends the flags."""
    assert ([("D", True)], ["false", "-p", "1"]) == scanned("-D", "false", "-p", "1")


def test_a_value_may_look_like_a_flag() -> None:
    """A flag that needs a value takes the next word, whatever it is."""
    assert ([("a", "-D"), ("a", "--")], []) == scanned("-a", "-D", "-a", "--")


def test_only_the_first_equals_sign_divides() -> None:
    """A value may contain equals signs, and may be empty."""
    assert ([("a", "b=c"), ("a", ""), ("a", "=x")], []) == scanned("-a=b=c", "-a=", "-a", "=x")


@pytest.mark.parametrize(
    ("words", "left"),
    [
        (("-D", "word", "-D"), ["word", "-D"]),
        (("-D", "--", "-D"), ["-D"]),
        (("-D", "-", "-D"), ["-", "-D"]),
        (("-D", "", "-D"), ["", "-D"]),
    ],
)
def test_where_flags_end(words: tuple[str, ...], left: list[str]) -> None:
    """Flags end before the first word without a dash, before a lone dash, and after two."""
    assert ([("D", True)], left) == scanned(*words)


def test_a_caller_may_stop_early() -> None:
    """A flag is found before a mistake after it is."""
    flags = scan(deque(["-D", "-nope"]), READERS)

    assert ("D", True) == next(flags)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("4222", 4222),
        ("-1", -1),
        ("+7", 7),
        ("0x4e20", 20000),
        ("0X4E20", 20000),
        ("-0x5", -5),
        ("0o17", 15),
        ("0b11", 3),
        ("017", 15),
        ("-017", -15),
        ("00", 0),
        ("0_1", 1),
        ("1_000", 1000),
        ("0x_10", 16),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
    ],
)
def test_integers(text: str, number: int) -> None:
    """Integers have Go's bases, signs and underscores."""
    assert number == integer(text)


@pytest.mark.parametrize(
    "text",
    ["", "abc", "-", "0x", "08", "1__0", "1_", "__1", " 5", "5\n", "1.5", "1e3", "٣", "=5", "5" * 5000],
)
def test_no_integers(text: str) -> None:
    """What Go does not read as an integer is refused."""
    with pytest.raises(UsageError, match=r"^invalid value \".*\" for flag -p: parse error$"):
        scanned("-p", text)


@pytest.mark.parametrize("text", ["9223372036854775808", "-9223372036854775809", "99999999999999999999"])
def test_integers_have_64_bits(text: str) -> None:
    """A larger number is refused as such."""
    with pytest.raises(UsageError, match=f'^invalid value "{text}" for flag -p: value out of range$'):
        scanned("-p", text)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-nope"], "flag provided but not defined: -nope; see --help"),
        (["--nope=1"], "flag provided but not defined: -nope; see --help"),
        (["-x\n"], r"flag provided but not defined: -x\n; see --help"),
        (["-d"], "flag provided but not defined: -d; did you mean -D? See --help"),
        (["-por", "5"], "flag provided but not defined: -por; did you mean --port? See --help"),
        (["-p"], "flag needs an argument: -p"),
        (["-D", "--port"], "flag needs an argument: -port"),
        (["-p="], 'invalid value "" for flag -p: parse error'),
        (["-p==5"], 'invalid value "=5" for flag -p: parse error'),
        (["--port", "abc"], 'invalid value "abc" for flag -port: parse error'),
        (["-D=maybe"], 'invalid boolean value "maybe" for -D: parse error'),
        (["-D="], 'invalid boolean value "" for -D: parse error'),
        (["-D=tRUE"], 'invalid boolean value "tRUE" for -D: parse error'),
        (["-form", "xml"], 'invalid value "xml" for flag -form: must be text or json'),
        (["---D"], "bad flag syntax: ---D"),
        (["-=x"], "bad flag syntax: -=x"),
        (["--=x"], "bad flag syntax: --=x"),
        (["-p", 'a"b\\c'], r'invalid value "a\"b\\c" for flag -p: parse error'),
        (["-p", "a\tb\x1b"], r'invalid value "a\tb\x1b" for flag -p: parse error'),
        (["-p", "é"], 'invalid value "é" for flag -p: parse error'),
        (["-p", "\udcff"], r'invalid value "\xff" for flag -p: parse error'),
    ],
)
def test_mistakes(words: list[str], message: str) -> None:
    """Each mistake has the message of gnatsd, and what may have been meant."""
    with pytest.raises(UsageError) as raised:
        scanned(*words)

    assert message == str(raised.value)


def test_one_of_several_words() -> None:
    """A choice takes the words it names."""
    assert ([("form", "text"), ("form", "json")], []) == scanned("-form=text", "--form", "json")


@given(
    st.lists(st.text(max_size=8) | st.sampled_from(["-D", "--p", "-p=1", "-a", "--", "-", "=", "-form=json"]))
)
def test_any_command_line_is_read_or_refused(words: list[str]) -> None:
    """No words make the parser fail in another way than by its own error."""
    left = deque(words)
    found: list[str] = []
    with contextlib.suppress(UsageError):
        found += [name for name, _ in scan(left, READERS)]

    assert list(left) == words[len(words) - len(left) :]
    assert all(name in READERS for name in found)
