"""Headers as a block and as a dictionary."""

from typing import Any

import pytest

from app.domain.protocol.header_block import decode, encode


def test_there_and_back() -> None:
    """Values come back as they were; of several the first."""
    block = encode({"a": "1", "b": ["2", "3"], "c": ""})

    assert block == b"NATS/1.0\r\na: 1\r\nb: 2\r\nb: 3\r\nc: \r\n\r\n"
    assert ({"a": "1", "b": "2", "c": ""}, "") == decode(block)


def test_no_headers() -> None:
    """There is no block then."""
    assert [b"", b""] == [encode(None), encode({})]


def test_a_status() -> None:
    """What a server says of a request."""
    assert ({"Nats-Subject": "a"}, "503") == decode(b"NATS/1.0 503\r\nNats-Subject: a\r\n\r\n")


def test_odd_bytes() -> None:
    """A block of others never fails: what is no text is replaced, what is no header is left out."""
    assert ({"a": "\ufffd"}, "") == decode(b"NATS/1.0\r\na: \xff\r\nnonsense\r\n\r\n")


@pytest.mark.parametrize(
    "headers", [{"": "1"}, {"a b": "1"}, {"a:": "1"}, {"a\r": "1"}, {"a": "1\r\nb: 2"}, {"a": ["1", "\n"]}]
)
def test_what_would_be_read_otherwise(headers: dict[str, str]) -> None:
    """It is refused."""
    with pytest.raises(ValueError, match="header"):
        encode(headers)


NUMBER_AS_NAME: Any = {5: "1"}
NUMBER_AS_VALUE: Any = {"a": 5}
NO_MAPPING: Any = [("a", "1")]


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        (NO_MAPPING, "headers are a mapping"),
        (NUMBER_AS_NAME, "the name of a header is a str"),
        (NUMBER_AS_VALUE, "a value of the header 'a' is a str"),
    ],
)
def test_what_is_no_text(headers: Any, text: str) -> None:  # noqa: ANN401 - of any type, that is the point
    """It is refused, and the error says what it must be."""
    with pytest.raises(TypeError, match=text):
        encode(headers)
