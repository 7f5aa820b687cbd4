"""Unit tests of reading a stream's configuration (jetstream-streams.md, section 1)."""

import pytest

from app.domain.jetstream.errors import JetStreamError
from app.domain.jetstream.streams.parsing import parse_stream_config


def test_what_is_missing_is_nothing() -> None:
    """Reading adds no defaults but the first word of each list."""
    config = parse_stream_config({"pedantic": True})

    assert config.name == ""
    assert (config.retention, config.discard, config.storage) == ("limits", "old", "file")
    assert config.max_msgs == 0


def test_the_default_persist_mode_is_none() -> None:
    """`default` is not echoed."""
    assert parse_stream_config({"persist_mode": "default"}).persist_mode == ""
    assert parse_stream_config({"persist_mode": "async"}).persist_mode == "async"


@pytest.mark.parametrize(
    "document",
    [
        {"retention": "eternal"},
        {"storage": 7},
        {"max_msgs": "5"},
        {"max_msgs": 1.5},
        {"max_msgs": 2**63},
        {"max_msg_size": 2**31},
        {"first_seq": -1},
        {"subjects": "a"},
        {"subjects": [1]},
        {"sealed": 1},
        {"mirror": []},
        {"mirror": {"name": "O", "x": 1}},
        {"sources": [1]},
        {"sources": [{"name": "O", "subject_transforms": [{"from": "a"}]}]},
        {"sources": [{"name": "O", "external": {"a": "b"}}]},
        {"placement": {"where": "here"}},
        {"republish": {"to": "x"}},
        {"subject_transform": {"to": "x"}},
        {"consumer_limits": {"many": 1}},
        {"metadata": {"a": 1}},
        {"unknown": 1},
    ],
)
def test_what_is_wrong_is_refused(document: dict[str, object]) -> None:
    """Types, words and fields that are unknown are invalid JSON."""
    with pytest.raises(JetStreamError) as refusal:
        parse_stream_config(document)

    assert refusal.value.number == 10025


def test_an_unknown_field_is_named() -> None:
    """The text is that of Go's decoder."""
    with pytest.raises(JetStreamError, match='invalid JSON: json: unknown field "x"'):
        parse_stream_config({"name": "S", "x": 1})


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("storage", r'can not unmarshal "\"x\""'),
        ("compression", "unknown compression algorithm"),
    ],
)
def test_a_word_that_is_no_choice(name: str, words: str) -> None:
    """The text is that of nats-server."""
    with pytest.raises(JetStreamError) as refusal:
        parse_stream_config({"name": "S", name: "x"})
    assert refusal.value.description == f"invalid JSON: {words}"
