"""Numbers for rights."""

from app.domain.permissions.profiles import MOST_IDLE, Profiles
from app.domain.permissions.responses import OpenReplies
from app.domain.permissions.rules import Permissions, Responses, Rule, entry


def only(subject: str) -> Permissions:
    """May publish to one subject."""
    return Permissions(publish=Rule((entry(subject),)))


def test_shared() -> None:
    """Equal permissions have one number, whose verdicts last."""
    profiles = Profiles()
    rights = profiles.take(only("a"))
    assert rights is profiles.take(only("a"))
    assert profiles.verdict(rights.number, b"a") == (True, 1)
    assert profiles.verdict(rights.number, b"b") == (False, 1)
    assert profiles.take(only("b")).number != rights.number


def test_own() -> None:
    """A client with responses has its own number, and nothing once it is gone."""
    profiles, rule = Profiles(), Responses()
    permissions, replies = (
        Permissions(publish=Rule((entry("a"),)), responses=rule),
        OpenReplies(rule, float, int),
    )
    own = profiles.take_own(permissions, replies)
    other = profiles.take_own(permissions, OpenReplies(rule, float, int))
    assert own.number != other.number
    assert own.rules is other.rules
    assert profiles.verdict(own.number, b"a") == (True, 1)
    assert profiles.verdict(own.number, b"re") == (False, None)
    replies.open(b"re")
    assert profiles.verdict(own.number, b"re") == (True, None)
    assert profiles.verdict(other.number, b"re") == (False, None)
    profiles.release(own)
    assert profiles.verdict(own.number, b"a") == (False, None)
    assert profiles.verdict(other.number, b"a") == (True, 1)


def test_those_that_come_back() -> None:
    """Rights that nobody has are remembered for a while, under their number."""
    profiles = Profiles()
    first, second = profiles.take(only("a")), profiles.take(only("a"))
    profiles.release(first)
    assert profiles.verdict(first.number, b"a") == (True, 1)
    profiles.release(second)
    assert profiles.take(only("a")) is first
    assert profiles.verdict(first.number, b"a") == (True, 1)


def test_bounded() -> None:
    """However many distinct rights come and go, few are kept; a forgotten number allows nothing."""
    profiles = Profiles()
    stays = profiles.take(only("stays"))
    numbers = []
    for number in range(10 * MOST_IDLE):
        rights = profiles.take(only(f"a.{number}"))
        numbers.append(rights.number)
        profiles.release(rights)
    assert len(profiles) == MOST_IDLE + 1
    assert len(set(numbers)) == len(numbers)
    assert profiles.verdict(numbers[0], b"a.0") == (False, None)
    assert profiles.verdict(stays.number, b"stays") == (True, 1)
    rule = Responses()
    for _ in range(10 * MOST_IDLE):
        profiles.release(profiles.take_own(Permissions(responses=rule), OpenReplies(rule, float, int)))
    assert len(profiles) == MOST_IDLE + 1
