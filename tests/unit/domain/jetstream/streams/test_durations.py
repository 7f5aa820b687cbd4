"""Unit tests of durations in header fields (jetstream-streams.md, section 5)."""

import pytest

from app.domain.jetstream.streams.durations import NEVER, SECOND, parse_duration, parse_ttl


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("5s", 5 * SECOND),
        ("1h2m3.5s", 3723 * SECOND + SECOND // 2),
        ("-2s", -2 * SECOND),
        ("+.5s", SECOND // 2),
        ("1.s", SECOND),
        ("100ms", SECOND // 10),
        ("3µs", 3000),
        ("5", None),
        ("", None),
        ("s", None),
        ("5 s", None),
        ("1d", None),
        ("9999999999999h", None),
    ],
)
def test_durations_are_those_of_go(text: str, ns: int | None) -> None:
    """Parts with units, perhaps with a sign; all else is no duration."""
    assert ns == parse_duration(text)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (b"5s", 5),
        (b"1500ms", 1),
        (b"5", 5),
        (b"0", None),
        (b"00", 0),
        (b"9223372036854775807", 2**63 - 1),
        (b"9223372036854775808", None),
        (b"", 0),
        (b"never", NEVER),
        (b"NEVER", NEVER),
        (b"999ms", None),
        (b"-5s", None),
        (b"-5", None),
        (b"soon", None),
        (b"\xff", None),
        (b"1" * 30, None),
    ],
)
def test_ttls_are_seconds(value: bytes, seconds: int | None) -> None:
    """A duration of a second at least, whole seconds, or never."""
    assert seconds == parse_ttl(value)
