"""Unit tests of the configuration of consumers as JSON."""

import pytest

from app.domain.jetstream.consumers.config import (
    ACK_POLICIES,
    LONGEST_WAIT,
    SHORTEST_WAIT,
    ConsumerConfig,
    as_json,
    parse_consumer_config,
    required_level,
)
from app.domain.jetstream.errors import JetStreamError

FULL = {
    "durable_name": "D",
    "name": "D",
    "description": "why",
    "deliver_policy": "by_start_time",
    "opt_start_seq": 7,
    "opt_start_time": "2026-11-28T19:09:32.5Z",
    "ack_policy": "explicit",
    "ack_wait": 5,
    "max_deliver": 3,
    "backoff": [1, 2],
    "filter_subject": "a.*",
    "filter_subjects": ["b", "c.>"],
    "replay_policy": "original",
    "rate_limit_bps": 8000,
    "sample_freq": "50%",
    "max_waiting": 9,
    "max_ack_pending": 8,
    "flow_control": True,
    "headers_only": True,
    "max_batch": 1,
    "max_expires": 2,
    "max_bytes": 3,
    "deliver_subject": "in",
    "deliver_group": "g",
    "idle_heartbeat": 4,
    "inactive_threshold": 6,
    "num_replicas": 1,
    "mem_storage": True,
    "direct": True,
    "sourcing": True,
    "metadata": {"k": "v"},
    "pause_until": "2030-01-01T00:00:00Z",
    "priority_groups": ["g"],
    "priority_policy": "overflow",
    "priority_timeout": 11,
}


def test_all_fields_come_back_in_the_order_of_answers() -> None:
    """What a client sent is what it reads, field by field."""
    document = as_json(parse_consumer_config(FULL))
    assert list(FULL.items()) == list(document.items())


def test_what_is_not_set_is_left_out() -> None:
    """Four fields are always there."""
    assert {
        "deliver_policy": "all",
        "ack_policy": "none",
        "replay_policy": "instant",
        "num_replicas": 0,
    } == as_json(parse_consumer_config({}))


def test_the_zero_time_pauses_nothing() -> None:
    """Go's clients send it for no time."""
    assert parse_consumer_config({"pause_until": "0001-01-01T00:00:00Z"}).pause_until is None


@pytest.mark.parametrize(
    "document",
    [
        {"ack_policy": "sometimes"},
        {"deliver_policy": 3},
        {"backoff": ["1s"]},
        {"colour": "red"},
        [],
        {"opt_start_seq": -1},
        {"metadata": {"k": 1}},
    ],
)
def test_other_json_is_refused(document: object) -> None:
    """Wrong types, unknown names and unknown fields are error 10025."""
    with pytest.raises(JetStreamError) as caught:
        parse_consumer_config(document)
    assert 10025 == caught.value.number


def test_waits_follow_the_backoff() -> None:
    """The last entry counts for all further deliveries; values are bounded."""
    config = ConsumerConfig(ack_wait=7 * 10**9, backoff=(10**9, 2 * 10**9))
    assert [10**9, 2 * 10**9, 2 * 10**9] == [config.wait(n) for n in (1, 2, 3)]
    assert 7 * 10**9 == ConsumerConfig(ack_wait=7 * 10**9).wait(5)
    assert SHORTEST_WAIT == ConsumerConfig().wait(1)
    assert LONGEST_WAIT == ConsumerConfig(ack_wait=2**63 - 1).wait(1)


def test_the_level_follows_the_features() -> None:
    """Pause and priority groups came with level 1."""
    assert 0 == required_level(ConsumerConfig())
    assert 1 == required_level(ConsumerConfig(pause_until=1))
    assert 1 == required_level(ConsumerConfig(priority_policy="overflow"))


def test_samples_are_percentages() -> None:
    """With and without the sign."""
    samples = [ConsumerConfig(sample_freq=text).sample_percent for text in ("", "50", "30%")]
    assert [0, 50, 30] == samples


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ack_policy", r'can not unmarshal "\"x\""'),
        ("priority_policy", 'unknown priority policy: "x"'),
    ],
)
def test_a_word_that_is_no_policy(name: str, words: str) -> None:
    """The text is that of nats-server."""
    with pytest.raises(JetStreamError) as caught:
        parse_consumer_config({name: "x"})
    assert f"invalid JSON: {words}" == caught.value.description


def test_what_acknowledges() -> None:
    """Replies to messages, answers to flow control, or nothing."""
    found = {policy: ConsumerConfig(ack_policy=policy) for policy in ACK_POLICIES}

    assert ["all", "explicit"] == [policy for policy, each in found.items() if each.takes_acks]
    assert ["flow_control"] == [policy for policy, each in found.items() if each.acks_by_flow]
    assert [0, 0, 0, 4] == [required_level(each) for each in found.values()]
    assert LONGEST_WAIT == found["flow_control"].wait(1)
