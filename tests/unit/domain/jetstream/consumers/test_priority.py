"""Unit tests of the rules of priority groups."""

import pytest

from app.domain.jetstream.consumers.config import ConsumerConfig
from app.domain.jetstream.consumers.priority import Pin, wrong_group
from app.domain.jetstream.consumers.requests import PullOptions

NAMED = PullOptions(names_group=True, group="g")


@pytest.mark.parametrize(
    ("policy", "options", "words"),
    [
        ("none", PullOptions(), ""),
        ("none", NAMED, ""),
        ("none", NAMED._replace(min_pending=1), "Not a Overflow Priority consumer"),
        ("prioritized", NAMED._replace(min_ack_pending=1), "Not a Overflow Priority consumer"),
        ("overflow", NAMED._replace(id="x"), "Not a Pinned Client Priority consumer"),
        ("overflow", NAMED, ""),
        ("prioritized", NAMED._replace(priority=10), "Priority must be between 0 and 9"),
        ("prioritized", NAMED._replace(priority=-1), "Priority must be between 0 and 9"),
        ("prioritized", NAMED._replace(group=""), "Priority Group missing"),
        ("prioritized", NAMED._replace(group="h"), "Invalid Priority Group"),
        ("prioritized", PullOptions(), ""),
    ],
)
def test_what_a_request_may_say(policy: str, options: PullOptions, words: str) -> None:
    """A body without fields names no group, and is served like the others."""
    config = ConsumerConfig(priority_policy=policy, priority_groups=("g",))
    assert words == wrong_group(config, options)


def test_a_pin_lives_as_long_as_requests_come_with_it() -> None:
    """Other ids are noted."""
    pin = Pin()
    pin.came("", 0, 10)
    assert not pin.has_other_ids
    pin.assign("p", "g", 7, 10)
    pin.has_other_ids = False
    pin.came("p", 5, 10)
    assert (15, False) == (pin.until, pin.has_other_ids)
    pin.came("q", 6, 10)
    assert (15, True) == (pin.until, pin.has_other_ids)
    pin.clear()
    assert ("", 0) == (pin.id, pin.since)
