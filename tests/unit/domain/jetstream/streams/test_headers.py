"""Unit tests of header blocks (jetstream-streams.md, section 3)."""

import pytest

from app.domain.jetstream.streams import headers

BLOCK = b"NATS/1.0\r\nA: 1\r\nNats-Msg-Id:  m1\r\nNats-TTL:5s\r\nNats-Msg-Id: m2\r\n\r\n"


def test_the_first_field_of_a_name_counts() -> None:
    """A field is found by its exact name, and blanks before its value are dropped."""
    assert headers.field(BLOCK, b"Nats-Msg-Id") == b"m1"
    assert headers.field(BLOCK, b"Nats-TTL") == b"5s"


@pytest.mark.parametrize("name", [b"nats-msg-id", b"Nats-Msg", b"Msg-Id", b"NATS/1.0"])
def test_other_names_are_not_found(name: bytes) -> None:
    """The case of a name matters, and no part of a name is one."""
    assert headers.field(BLOCK, name) == b""


def test_a_field_without_an_end_is_none() -> None:
    """A block that is cut off has no field there."""
    assert headers.field(b"NATS/1.0\r\nA: 1", b"A") == b""


def test_special_fields_are_those_of_nats() -> None:
    """Only `Nats-` fields are read; lines without a colon are passed by."""
    block = b"NATS/1.0\r\nA: Nats-X: 1\r\nNats-Y\r\nNats-Z: 2\r\nNats-Z: 3\r\n\r\n"

    assert headers.special_fields(block) == {b"Nats-Z": b"2"}
    assert headers.special_fields(b"NATS/1.0\r\nA: 1\r\n\r\n") == {}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"NATS/1.0 200 OK\r\nA: 1\r\n\r\n", b"NATS/1.0\r\nA: 1\r\n\r\n"),
        (b"NATS/1.0 503\r\n\r\n", b""),
        (b"NATS/1.0\r\n\r\n", b""),
        (b"NATS/1.0\r\nA: 1\r\n\r\n", b"NATS/1.0\r\nA: 1\r\n\r\n"),
        (b"HTTP/1.0 200\r\n\r\n", b"HTTP/1.0 200\r\n\r\n"),
        (b"", b""),
    ],
)
def test_a_status_is_not_stored(before: bytes, after: bytes) -> None:
    """The first line keeps its version alone, and an empty block is none."""
    assert after == headers.without_status(before)


def test_fields_are_added_at_the_end() -> None:
    """A message's own fields come first."""
    assert headers.with_fields(b"", [(b"A", 1)]) == b"NATS/1.0\r\nA: 1\r\n\r\n"
    assert headers.with_fields(b"NATS/1.0\r\nX: y\r\n\r\n", [(b"A", b"1"), (b"B", 2)]) == (
        b"NATS/1.0\r\nX: y\r\nA: 1\r\nB: 2\r\n\r\n"
    )


def test_fields_are_taken_out() -> None:
    """All fields of a name go; a block without fields is empty."""
    assert headers.without_field(BLOCK, b"Nats-Msg-Id") == b"NATS/1.0\r\nA: 1\r\nNats-TTL:5s\r\n\r\n"
    assert headers.without_field(b"NATS/1.0\r\nA: 1\r\n\r\n", b"A") == b""
    assert headers.without_field(b"NATS/1.0\r\nA: 1", b"A") == b"NATS/1.0\r\nA: 1"


def test_a_status_has_a_code_and_words() -> None:
    """Answers without a payload are a status, perhaps with fields."""
    assert headers.status(404, "No Results") == b"NATS/1.0 404 No Results\r\n\r\n"
    assert headers.status(204, "EOB", [(b"N", 3)]) == b"NATS/1.0 204 EOB\r\nN: 3\r\n\r\n"
