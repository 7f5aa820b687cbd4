"""JSON on the wire of JetStream."""

from collections.abc import Callable

import pytest

from app.domain.jetstream.errors import JetStreamError
from app.domain.jetstream.json_values import MAX_DEPTH, Fields, kind, parse, parse_object, parse_time
from app.domain.protocol.json_text import rfc3339


def _expect_refusal(call: Callable[[], object]) -> str:
    with pytest.raises(JetStreamError) as caught:
        call()
    assert caught.value.number == 10025
    return caught.value.description


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b"[1,]",
        b"NaN",
        b"-Infinity",
        b'{"a":' + b"9" * 5000 + b"}",
        b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"\xef\xbb\xbf{}",
        b"{} x",
    ],
)
def test_broken_json_is_refused(data: bytes) -> None:
    """What is no JSON, or too deep, is error 10025."""
    assert _expect_refusal(lambda: parse(data)).startswith("invalid JSON: ")


def test_large_documents_are_refused() -> None:
    """Before they are read: that would hold the server."""
    with pytest.raises(JetStreamError, match="more than 1048576 bytes"):
        parse(b'"%b"' % bytes(2**20).replace(b"\0", b"x"))


def test_depth_counts_levels_not_brackets() -> None:
    """Many brackets beside each other, or within strings, are no depth."""
    assert parse(b"[" + b"[],{}," * MAX_DEPTH + b"1]") is not None
    assert parse(b'["' + b"[" * 1000 + b'\\""]') == ["[" * 1000 + '"']


def test_a_request_is_an_object_or_nothing() -> None:
    """No bytes are an empty object; other values are refused."""
    assert parse_object(b"") == parse_object(b" \n") == {}
    assert parse_object(b'{"a":1}') == {"a": 1}
    _expect_refusal(lambda: parse_object(b"[]"))


def test_bytes_that_are_no_text_are_replaced() -> None:
    """Invalid UTF-8 and halves of surrogate pairs come as U+FFFD."""
    assert parse(b'"\xff"') == "\ufffd"
    assert Fields(parse(b'{"a":"x\\ud800"}')).text("a") == "x\ufffd"


def test_each_type_is_read() -> None:
    """Each getter returns its field."""
    fields = Fields(
        {
            "t": "x",
            "i": -5,
            "s": 2**64 - 1,
            "d": 10**9,
            "f": True,
            "w": "1970-01-01T00:00:01Z",
            "ts": ["a", "b"],
            "is": [1, 2],
            "m": {"k": "v"},
            "o": {"z": 1},
            "l": [{}],
            "x": 1.5,
        }
    )
    assert fields.has("t")
    assert fields.text("t") == "x"
    assert not fields.has("t")
    assert (fields.integer("i"), fields.sequence("s"), fields.duration("d")) == (-5, 2**64 - 1, 10**9)
    assert fields.flag("f")
    assert fields.time("w") == 10**9
    assert (fields.texts("ts"), fields.integers("is")) == (("a", "b"), (1, 2))
    assert fields.text_map("m") == {"k": "v"}
    inner = fields.fields("o")
    assert inner is not None
    assert inner.integer("z") == 1
    assert fields.list("l") == [{}]
    assert fields.value("x") == 1.5
    fields.finish()


def test_missing_fields_and_null_are_defaults() -> None:
    """A field that is missing or null has its default."""
    for document in ({}, dict.fromkeys("tisdfwxlmo")):
        fields = Fields(document)
        assert fields.text("t", "d") == "d"
        assert (fields.integer("i", 4), fields.sequence("s", 5), fields.duration("d", 6)) == (4, 5, 6)
        assert fields.flag("f", default=True)
        assert fields.time("w") is None
        assert fields.texts("x") == ()
        assert fields.integers("l") == ()
        assert fields.text_map("m") is None
        assert fields.fields("o") is None
        fields.finish()


@pytest.mark.parametrize(
    "read",
    [
        lambda value: Fields({"a": value}).text("a"),
        lambda value: Fields({"a": value}).integer("a"),
        lambda value: Fields({"a": value}).sequence("a"),
        lambda value: Fields({"a": value}).flag("a"),
        lambda value: Fields({"a": value}).time("a"),
        lambda value: Fields({"a": value}).list("a"),
        lambda value: Fields({"a": [value]}).texts("a"),
        lambda value: Fields({"a": [value]}).integers("a"),
        lambda value: Fields({"a": value}).mapping("a"),
        lambda value: Fields({"a": {"k": value}}).text_map("a"),
        Fields,
    ],
)
def test_wrong_types_are_refused(read: Callable[[object], object]) -> None:
    """A float is right for no field."""
    assert "number" in _expect_refusal(lambda: read(1.5))


def test_numbers_have_64_bits() -> None:
    """Numbers beyond 64 bits, and a sign where none belongs, are refused."""
    for value in (2**63, -(2**63) - 1):
        _expect_refusal(lambda value=value: Fields({"a": value}).integer("a"))  # type: ignore[misc]
    for value in (2**64, -1):
        _expect_refusal(lambda value=value: Fields({"a": value}).sequence("a"))  # type: ignore[misc]
    _expect_refusal(lambda: Fields({"a": True}).integer("a"))


def test_unknown_fields_are_named() -> None:
    """What nobody asked for is refused by its name."""
    fields = Fields({"Known": 1, "x": 2})
    assert fields.integer("known") == 1
    assert _expect_refusal(fields.finish) == 'invalid JSON: json: unknown field "x"'


def test_errors_name_the_place() -> None:
    """The path of an object within an object is part of the error."""
    inner = Fields({"outer": {"n": "x"}}, "config").fields("outer")
    assert inner is not None
    assert "of field config.outer.n" in _expect_refusal(lambda: inner.integer("n"))


def test_kinds() -> None:
    """Each value has the name of its kind."""
    values: list[object] = [None, True, 1, 1.5, "", {}, [], ()]
    assert [kind(value) for value in values] == [
        "null",
        "bool",
        "number",
        "number",
        "string",
        "object",
        "array",
        "value",
    ]


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0001-01-01T00:00:00Z"),
        (1, "1970-01-01T00:00:00.000000001Z"),
        (1_500_000_000, "1970-01-01T00:00:01.5Z"),
        (1_764_356_860_870_781_474, "2025-11-28T19:07:40.870781474Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
    ],
)
def test_times_there_and_back(ns: int, text: str) -> None:
    """A time is written as Go writes it, and read again."""
    assert rfc3339(ns) == text
    assert parse_time(text) == ns


def test_times_of_other_zones() -> None:
    """Zones are counted in, and more than nine digits are cut."""
    assert parse_time("1970-01-01T02:00:00.1234567899+02:00") == 123_456_789
    assert parse_time("1970-01-01T00:00:00-01:30") == 5400 * 10**9


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2025-13-01T00:00:00Z",
        "2025-01-01 00:00:00Z",
        "2025-01-01T00:00:00",
        "0000-12-31T23:59:59Z",
        "0001-01-01T00:00:00+00:01",
        "0001-01-01T23:59:59.5+24:00",
    ],
)
def test_bad_times_are_refused(text: str) -> None:
    """What is no time is error 10025."""
    _expect_refusal(lambda: parse_time(text))
