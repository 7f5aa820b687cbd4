"""Unit tests of the rules of a stream's configuration (jetstream-streams.md, sections 1 and 2)."""

from collections.abc import Mapping

import pytest

from app.domain.jetstream.errors import JetStreamError
from app.domain.jetstream.streams.config import StreamConfig
from app.domain.jetstream.streams.parsing import parse_stream_config
from app.domain.jetstream.streams.rules import (
    MS,
    SECOND,
    StreamLimits,
    checked,
    checked_update,
    duration_text,
)

Refused = tuple[dict[str, object], int, str]

BASE: dict[str, object] = {"name": "S", "subjects": ["s"]}

REFUSED: list[Refused] = [
    ({"name": ""}, 10052, r"stream name is required and can not contain '.', '*', '>', '\', '/'"),
    ({"name": "a b"}, 10052, r"stream name is required and can not contain '.', '*', '>', '\', '/'"),
    ({"name": "x" * 256}, 10052, "stream name is too long, maximum allowed is 255"),
    ({"description": "x" * 4097}, 10052, "stream description is too long, maximum allowed is 4096"),
    ({"metadata": {"k": "v" * 131072}}, 10052, "stream metadata exceeds maximum size of 131072 bytes"),
    ({"num_replicas": 6}, 10052, "maximum replicas is 5"),
    ({"num_replicas": -1}, 10133, "replicas count cannot be negative"),
    ({"num_replicas": 3}, 10074, "replicas > 1 not supported in non-clustered mode"),
    ({"first_seq": 2**62 + 1}, 10052, f"first sequence can not be higher than {2**62}"),
    ({"max_age": -1}, 10052, "max age can not be negative"),
    ({"max_age": 99 * MS}, 10052, "max age needs to be >= 100ms"),
    ({"duplicate_window": -1}, 10052, "duplicates window can not be negative"),
    (
        {"duplicate_window": 2 * SECOND, "max_age": SECOND},
        10052,
        "duplicates window can not be larger then max age",
    ),
    ({"duplicate_window": 5}, 10052, "duplicates window needs to be >= 100ms"),
    ({"sealed": True}, 10052, "stream configuration for create can not be sealed"),
    ({"deny_purge": True, "allow_rollup_hdrs": True}, 10052, "roll-ups require the purge permission"),
    (
        {"discard_new_per_subject": True},
        10052,
        "discard new per subject requires discard new policy to be set",
    ),
    (
        {"discard_new_per_subject": True, "discard": "new"},
        10052,
        "discard new per subject requires max msgs per subject > 0",
    ),
    ({"subject_delete_marker_ttl": -1}, 10052, "subject delete marker TTL must not be negative"),
    ({"subject_delete_marker_ttl": 5}, 10052, "subject delete marker TTL must be at least 1 second"),
    ({"mirror_direct": True}, 10052, "stream has no mirror but does have mirror direct"),
    (
        {"persist_mode": "async", "storage": "memory"},
        10052,
        "async persist mode is only supported on file storage",
    ),
    (
        {"persist_mode": "async", "num_replicas": 3},
        10052,
        "async persist mode is not supported on replicated streams",
    ),
    (
        {"persist_mode": "async", "allow_atomic": True},
        10052,
        "async persist mode is not supported with atomic batch publish",
    ),
    ({"placement": {"preferred": "x"}}, 10052, "preferred server not permitted in placement"),
    ({"allow_msg_counter": True, "discard": "new"}, 10052, "counter stream cannot use discard new"),
    ({"allow_msg_counter": True, "allow_msg_ttl": True}, 10052, "counter stream cannot use message TTLs"),
    (
        {"allow_msg_counter": True, "allow_msg_schedules": True},
        10052,
        "counter stream cannot use message schedules",
    ),
    (
        {"allow_msg_counter": True, "retention": "interest"},
        10052,
        "counter stream can only use limits retention",
    ),
    ({"allow_msg_schedules": True, "discard": "new"}, 10052, "message scheduling cannot use discard new"),
]


def refusal(document: Mapping[str, object], limits: StreamLimits, *, pedantic: bool) -> tuple[int, str]:
    """The number and the text of the error that a configuration gets."""
    with pytest.raises(JetStreamError) as raised:
        checked(parse_stream_config(document), limits=limits, pedantic=pedantic)
    return raised.value.number, raised.value.description


@pytest.mark.parametrize(("document", "number", "words"), REFUSED)
def test_what_is_wrong_is_refused(document: dict[str, object], number: int, words: str) -> None:
    """Each rule has its number and its text."""
    assert (number, words) == refusal(BASE | document, StreamLimits(), pedantic=False)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"max_msgs": -2}, "max_msgs must be set to -1"),
        ({"max_age": SECOND}, "duplicate window cannot be bigger than max age"),
    ],
)
def test_pedantic_requests_are_not_corrected(document: dict[str, object], words: str) -> None:
    """What is else corrected in silence is refused."""
    assert (10157, "pedantic mode: " + words) == refusal(BASE | document, StreamLimits(), pedantic=True)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (
            {"subject_delete_marker_ttl": SECOND},
            "subject delete marker cannot be set if message TTLs are disabled",
        ),
        (
            {"subject_delete_marker_ttl": SECOND, "allow_msg_ttl": True},
            "subject delete marker cannot be set if roll-ups are disabled",
        ),
        ({"allow_msg_schedules": True}, "message scheduling cannot be set if roll-ups are disabled"),
    ],
)
def test_pedantic_requests_switch_nothing_on(document: dict[str, object], words: str) -> None:
    """Features that need others do not bring them along."""
    assert (10052, words) == refusal(BASE | document, StreamLimits(), pedantic=True)


@pytest.mark.parametrize(
    ("limits", "document", "number"),
    [
        (StreamLimits(max_bytes_required=True), {}, 10113),
        (StreamLimits(max_stream_bytes=10), {"max_bytes": 11}, 10122),
        (StreamLimits(duplicate_window=SECOND), {"duplicate_window": 2 * SECOND}, 10052),
    ],
)
def test_limits_of_server_and_account_hold(
    limits: StreamLimits, document: dict[str, object], number: int
) -> None:
    """A stream may not ask for more than it may have."""
    assert number == refusal(BASE | document, limits, pedantic=False)[0]


def test_the_window_of_the_server_is_the_default() -> None:
    """A shorter window of the server is taken, unless the request is pedantic."""
    limits = StreamLimits(duplicate_window=SECOND)

    assert SECOND == checked(StreamConfig("S"), limits=limits).duplicate_window
    assert refusal(BASE, limits, pedantic=True)[0] == 10157


def test_defaults_are_set() -> None:
    """Counts without a limit are -1, and a stream listens to its own name."""
    config = checked(StreamConfig("S", max_msgs=-7, max_age=SECOND))

    assert config.subjects == ("S",)
    assert (config.max_msgs, config.max_bytes, config.max_msg_size) == (-1, -1, -1)
    assert (config.num_replicas, config.duplicate_window) == (1, SECOND)


def test_a_window_may_be_as_long_as_the_age() -> None:
    """Mirrors and streams with sources have no window of their own."""
    config = checked(parse_stream_config({"name": "S", "sources": [{"name": "O"}]}))

    assert config.duplicate_window == 0
    assert config.subjects == ()
    assert checked(StreamConfig("S", max_age=SECOND, duplicate_window=SECOND)).duplicate_window == SECOND


def test_delete_markers_bring_what_they_need() -> None:
    """TTLs and roll-ups are switched on, and purges allowed."""
    config = checked(StreamConfig("S", subject_delete_marker_ttl=SECOND, deny_purge=True))

    assert (config.allow_msg_ttl, config.allow_rollup_hdrs, config.deny_purge) == (True, True, False)


def test_an_empty_placement_is_none() -> None:
    """A placement that asks for nothing is dropped; others are echoed."""
    assert checked(parse_stream_config({"name": "S", "placement": {}})).placement is None
    kept = checked(parse_stream_config({"name": "S", "placement": {"cluster": "x"}})).placement
    assert kept is not None


OLD: dict[str, object] = {"name": "S", "subjects": ["s"]}


@pytest.mark.parametrize(
    ("old", "new", "number", "words"),
    [
        ({}, {"name": "T"}, 10052, "stream configuration name must match original"),
        ({}, {"num_replicas": 3}, 10074, "replicas > 1 not supported in non-clustered mode"),
        ({}, {"storage": "memory"}, 10052, "stream configuration update can not change storage type"),
        (
            {},
            {"retention": "workqueue"},
            10052,
            "stream configuration update can not change retention policy to/from workqueue",
        ),
        (
            {"deny_delete": True},
            {},
            10052,
            "stream configuration update can not cancel deny message deletes",
        ),
        ({"deny_purge": True}, {}, 10052, "stream configuration update can not cancel deny purge"),
        ({"allow_msg_ttl": True}, {}, 10052, "message TTL status can not be disabled"),
        (
            {"persist_mode": "async"},
            {},
            10052,
            "stream configuration update can not change persist mode",
        ),
        (
            {},
            {"subjects": [], "mirror": {"name": "O"}},
            10055,
            "stream mirror configuration can not be updated",
        ),
    ],
)
def test_some_changes_are_refused(
    old: dict[str, object], new: dict[str, object], number: int, words: str
) -> None:
    """What a stream is for good cannot be changed."""
    before = checked(parse_stream_config(OLD | old))

    with pytest.raises(JetStreamError) as raised:
        checked_update(before, parse_stream_config(OLD | new))

    assert (number, words) == (raised.value.number, raised.value.description)


def test_a_sealed_stream_stays_sealed() -> None:
    """Sealing brings all that keeps messages as they are, and cannot be undone."""
    old = checked(StreamConfig("S", max_age=SECOND, allow_rollup_hdrs=True))
    sealed = checked_update(old, StreamConfig("S", sealed=True, max_age=SECOND))

    assert (sealed.max_age, sealed.discard, sealed.allow_rollup_hdrs) == (0, "new", False)
    assert sealed.deny_delete
    assert sealed.deny_purge
    with pytest.raises(JetStreamError, match="can not unseal a sealed stream"):
        checked_update(sealed, StreamConfig("S", deny_delete=True, deny_purge=True))
    with pytest.raises(JetStreamError, match="can not cancel deny message deletes"):
        checked_update(sealed, StreamConfig("S", sealed=True, deny_purge=True))


def test_a_mirror_may_become_an_ordinary_stream() -> None:
    """Removing the mirror is allowed, and keeping it as well."""
    old = checked(parse_stream_config({"name": "M", "mirror": {"name": "O"}}))

    assert old == checked_update(old, old)
    assert checked_update(old, StreamConfig("M", subjects=("m",))).subjects == ("m",)
    assert checked_update(old, StreamConfig("M", mirror_direct=True)).mirror_direct


def test_limits_and_interest_may_be_exchanged() -> None:
    """Retention by limits and by interest can be changed into each other."""
    old = checked(StreamConfig("S"))

    assert checked_update(old, StreamConfig("S", retention="interest")).retention == "interest"


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0s"),
        (100 * MS, "100ms"),
        (1_500_000, "1.5ms"),
        (SECOND, "1s"),
        (2_250 * MS, "2.25s"),
        (90 * SECOND, "1m30s"),
        (3600 * SECOND, "1h0m0s"),
    ],
)
def test_durations_are_written_like_those_of_go(ns: int, text: str) -> None:
    """Header fields and errors have durations in Go's form."""
    assert text == duration_text(ns)
