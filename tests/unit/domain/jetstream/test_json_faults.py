"""The words for texts that are no JSON."""

import json

import pytest

from app.domain.jetstream.json_faults import LONGEST, fault_of, no_choice

KEY = "looking for beginning of object key string"
VALUE = "looking for beginning of value"


def _fault(text: str) -> str:
    with pytest.raises(json.JSONDecodeError) as raised:
        json.loads(text)
    return fault_of(text, raised.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"name":"N" "a"}', "'\"' after object key:value pair at offset 13"),
        ('{"name":tru}', "'}' in literal true (expecting 'e') at offset 12"),
        ('{"name":"a\nb"}', "'\\n' in string at offset 11"),
        ("{name:1}", f"'n' {KEY} at offset 2"),
        ('{"a" 1}', "'1' after object key at offset 6"),
        ('{"name":01}', "'1' after object key:value pair at offset 10"),
        ('{"name":-}', "'}' in numeric literal at offset 10"),
        ('{"name":1.}', "'}' in numeric literal at offset 11"),
        ('{"name":1e+}', "'}' in numeric literal at offset 12"),
        ("{,}", f"',' {KEY} at offset 2"),
        ('{"a":1,}', f"'}}' {KEY} at offset 8"),
        ('{"a":[{"b":1}, 1 2]}', "'2' after array element at offset 18"),
        ("[1, ]", f"']' {VALUE} at offset 5"),
        ('{"a":}', f"'}}' {VALUE} at offset 6"),
        ("{'a':1}", f"'\\'' {KEY} at offset 2"),
        ("ÿ", f"'ÿ' {VALUE} at offset 2"),
        ('{"name":"N"}}', f"'}}' {VALUE} at offset 13"),
        ('{"name":"T"} x', f"'x' {VALUE} at offset 14"),
        ("1 2", f"'2' {VALUE} at offset 3"),
    ],
)
def test_words(text: str, words: str) -> None:
    """The character that cannot be there, what it is in the place of, and where, in bytes from 1 on."""
    assert _fault(text) == f"invalid character {words}"


@pytest.mark.parametrize("text", ['{"name":nul', '{"name":"N"', '"', '{"a"', "{", "[1", "-"])
def test_the_end(text: str) -> None:
    """A text that stops too early has no wrong character."""
    assert _fault(text) == "unexpected EOF"


def test_places_alone() -> None:
    """Of long texts, and of escapes in strings, the place is said."""
    assert _fault(r'"\q"') == "invalid string at offset 2"
    assert _fault("[" + "1," * LONGEST + "x") == f"invalid character at offset {2 * LONGEST + 2}"


def test_newer_decoders_name_the_comma() -> None:
    """Python 3.13 finds the comma where others find what follows it."""
    for text, kind, words in (("[1, ]", "array", f"']' {VALUE}"), ('{"":1, }', "object", f"'}}' {KEY}")):
        error = json.JSONDecodeError(f"Illegal trailing comma before end of {kind}", text, text.index(","))
        assert fault_of(text, error) == f"invalid character {words} at offset {len(text)}"


def test_a_word_that_is_no_choice() -> None:
    """It is shown as it was sent, in quotes of its own."""
    assert r'can not unmarshal "\"x\""' == no_choice("x")
