"""Unit tests of the checks of header fields (jetstream-streams.md, section 3)."""

import json
from dataclasses import fields

import pytest

from tests.fakes.stream_host import SECOND, Made, make


def error(answer: str) -> tuple[int, str]:
    """The number and text of a refusal."""
    document = json.loads(answer)
    assert document["stream"] == "S"
    assert document["seq"] == 0
    return document["error"]["err_code"], document["error"]["description"]


def filled(made: Made | None = None) -> Made:
    """A stream with `s.1`, `s.2` and `s.1` again."""
    made = made or make()
    for subject in ("s.1", "s.2", "s.1"):
        made.ask(subject, headers={"Nats-Msg-Id": f"id-{made.log.last + 1}"})
    return made


@pytest.mark.parametrize(
    ("headers", "number", "words"),
    [
        ({"Nats-Expected-Stream": "T"}, 10060, "expected stream does not match"),
        ({"Nats-TTL": "5s"}, 10166, "per-message TTL is disabled"),
        ({"Nats-TTL": "never"}, 10166, "per-message TTL is disabled"),
        ({"Nats-TTL": "5x"}, 10165, "invalid per-message TTL"),
        ({"Nats-Expected-Last-Subject-Sequence": "1"}, 10071, "wrong last sequence: 3"),
        ({"Nats-Expected-Last-Subject-Sequence": "x"}, 10071, "wrong last sequence: 3"),
        (
            {
                "Nats-Expected-Last-Subject-Sequence": "3",
                "Nats-Expected-Last-Subject-Sequence-Subject": "s.2",
            },
            10071,
            "wrong last sequence: 2",
        ),
        (
            {
                "Nats-Expected-Last-Subject-Sequence": "1",
                "Nats-Expected-Last-Subject-Sequence-Subject": "s.*",
            },
            10071,
            "wrong last sequence: 3",
        ),
        (
            {"Nats-Expected-Last-Subject-Sequence-Subject": "s.2"},
            10193,
            "missing sequence for expected last sequence per subject",
        ),
        ({"Nats-Expected-Last-Sequence": "2"}, 10071, "wrong last sequence: 3"),
        ({"Nats-Expected-Last-Sequence": "9" * 30}, 10071, "wrong last sequence: 3"),
        ({"Nats-Stream-Source": "O 1"}, 10227, "message stream source header is not allowed"),
        ({"Nats-Expected-Last-Msg-Id": "x"}, 10070, "wrong last msg ID: id-3"),
        ({"Nats-Rollup": "sub"}, 10111, "rollup not permitted"),
    ],
)
def test_expectations_are_refused(headers: dict[str, str], number: int, words: str) -> None:
    """What does not hold has its number and its text, and stores nothing."""
    made = filled()

    assert (number, words) == error(made.ask("s.1", headers=headers))
    assert made.log.last == 3


@pytest.mark.parametrize(
    "headers",
    [
        {"Nats-Expected-Stream": "S"},
        {"Nats-Expected-Last-Subject-Sequence": "3"},
        {
            "Nats-Expected-Last-Subject-Sequence": "0",
            "Nats-Expected-Last-Subject-Sequence-Subject": "s.new",
        },
        {"Nats-Expected-Last-Sequence": "3"},
        {"Nats-Expected-Last-Msg-Id": "id-3"},
        {"nats-expected-stream": "T"},
        {"X-Nats-Rollup": "sub"},
        {"Nats-TTL": "00"},
        {"Nats-Unknown": "x"},
    ],
)
def test_what_holds_is_stored(headers: dict[str, str]) -> None:
    """Names are compared with their case."""
    assert '{"stream":"S","seq":4}' == filled().ask("s.1", headers=headers)


def test_a_new_subject_has_no_last_sequence() -> None:
    """0 expects that there is none; the check and storing are one step."""
    made = make()
    headers = {"Nats-Expected-Last-Subject-Sequence": "0"}

    assert '{"stream":"S","seq":1}' == made.ask("s.k", headers=headers)
    assert (10071, "wrong last sequence: 1") == error(made.ask("s.k", headers=headers))


def test_a_duplicate_gets_the_first_sequence() -> None:
    """Within the window; nothing is stored, and removing the message does not free its id."""
    made = filled()
    made.stream.delete_message(1)

    assert '{"stream":"S","seq":1,"duplicate": true}' == made.ask("s.9", headers={"Nats-Msg-Id": "id-1"})
    made.outlet.clock.advance(121)
    assert '{"stream":"S","seq":4}' == made.ask("s.9", headers={"Nats-Msg-Id": "id-1"})


def test_expectations_come_before_duplicates() -> None:
    """A duplicate is answered only when they hold."""
    headers = {"Nats-Msg-Id": "id-1", "Nats-Expected-Last-Sequence": "1"}

    assert (10071, "wrong last sequence: 3") == error(filled().ask("s.1", headers=headers))


def test_a_sealed_stream_takes_nothing() -> None:
    """Whatever the message has."""
    made = filled()
    made.stream.update(make(discard="new").stream.config)
    sealed = {"sealed": True, "deny_delete": True, "deny_purge": True}
    config = made.stream.config
    made.stream.update(
        type(config)(**{each.name: getattr(config, each.name) for each in fields(config)} | sealed)
    )

    assert (10109, "invalid operation on sealed stream") == error(made.ask("s.1"))


def test_a_roll_up_is_one_of_two() -> None:
    """Other values are refused, and streams that deny purges allow none."""
    made = filled(make(allow_rollup_hdrs=True))

    assert (10111, 'rollup value invalid: "x"') == error(made.ask("s.1", headers={"Nats-Rollup": "x"}))
    denied = filled(make(deny_purge=True))
    assert (10111, "rollup not permitted") == error(denied.ask("s.1", headers={"Nats-Rollup": "all"}))


@pytest.mark.parametrize(
    ("headers", "number"),
    [
        ({"Nats-Batch-Id": "u1", "Nats-Batch-Sequence": "1"}, 10174),
        ({"Nats-Schedule": "@every 5m"}, 10188),
        ({"Nats-Scheduler": "x"}, 10212),
        ({"Nats-Scheduler": "x", "Nats-Schedule-Next": "purge"}, 10188),
    ],
)
def test_features_that_a_stream_does_not_have_are_refused(headers: dict[str, str], number: int) -> None:
    """They are never ignored."""
    assert number == error(filled().ask("s.1", headers=headers))[0]


def test_without_an_ack_nothing_is_answered() -> None:
    """`no_ack` streams answer neither acks nor errors; others answer nothing without a reply."""
    made = make(no_ack=True)
    made.publish("s.1")
    made.publish("s.1", headers={"Nats-Expected-Last-Sequence": "9"})
    quiet = make()
    quiet.publish("s.1", reply="")
    quiet.outlet.clock.advance(SECOND / SECOND)

    assert [] == made.outlet.sent
    assert [] == quiet.outlet.sent
    assert (made.log.last, quiet.log.last) == (1, 1)


@pytest.mark.parametrize("value", ["SUB", "All", " all"])
def test_a_rollup_is_known_in_any_case(value: str) -> None:
    """As with nats-server; what is stored is the field as it came."""
    made = filled(make(allow_rollup_hdrs=True))
    made.ask("s.1", headers={"Nats-Rollup": value})
    stored = made.log.read(4)
    assert stored is not None
    assert value.encode() in stored.headers
