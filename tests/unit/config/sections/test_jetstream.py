"""The options of JetStream."""

import pytest

from app.config.errors import ConfigError
from app.config.keys import resolve
from app.config.options import Options, make_options
from app.config.sections.jetstream import JetStreamOptions, read_jetstream
from tests.unit.config.trees import read_text


def _section(text: str) -> JetStreamOptions:
    resolved = resolve(read_text(f"jetstream {{ {text} }}", "x.conf", {}), Options)
    assert not resolved.problems
    section = make_options(resolved.values.plain()).jetstream
    assert section is not None
    return section


def test_values() -> None:
    """Sizes have units, times are seconds or texts, and keys have the names of nats-server."""
    section = _section(
        'max_memory_store: 1GB, max_file: 10g, sync: "2m", domain: hub, request_queue_limit: 5'
    )
    assert (section.max_mem, section.max_file, section.sync_interval) == (2**30, 10**10, 120.0)
    assert (section.domain, section.request_queue_limit) == ("hub", 5)


def test_defaults() -> None:
    """What is acknowledged is on the disk, and sizes are found out at start."""
    section = JetStreamOptions()
    assert (section.sync_interval, section.max_mem, section.max_file, section.strict) == (0.0, 0, 0, True)
    assert _section("sync_interval: always").sync_interval == 0.0


def test_limits() -> None:
    """Limits for clients are a map of their own."""
    limits = _section('limits { max_ack_pending: 10, max_request_batch: 20, duplicate_window: "1m" }').limits
    assert (limits.max_ack_pending, limits.max_request_batch, limits.duplicate_window) == (10, 20, 60.0)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("strict: false", "strict can only be true"),
        ("domain: a.b", "domain"),
        ("sync_interval: soon", "must be a number of seconds"),
        ("max_mem: -2", "max_mem"),
    ],
)
def test_what_is_wrong(text: str, reason: str) -> None:
    """Values that mean nothing are refused, each with the reason."""
    with pytest.raises(ConfigError, match=reason):
        _section(text)


def test_encryption() -> None:
    """A key for encryption is refused, never ignored."""
    resolved = resolve(read_text("jetstream { key: x }", "x.conf", {}), Options)
    assert "not encrypted" in str(resolved.problems[0])


def test_keys_for_clusters() -> None:
    """What bears on clusters alone makes a line."""
    resolved = resolve(read_text("jetstream { unique_tag: az, limits { batch { } } }", "x.conf", {}), Options)
    assert not resolved.problems
    assert "has no effect" in str(resolved.notices[0])


def test_forms() -> None:
    """The section may be a word."""
    assert [read_jetstream(value) for value in (True, "enabled", False, "disabled")] == [{}, {}, None, None]
    assert read_jetstream({"domain": "d"}) == {"domain": "d"}
    with pytest.raises(ConfigError, match="jetstream"):
        make_options({"jetstream": "maybe"})
