"""What hooks see of a subject."""

import pytest

from app.domain.hooks.decisions import ALLOW
from app.domain.hooks.gate import HookTerms
from app.domain.hooks.hook_event import HookPoint
from app.domain.hooks.report import HookReport, report_on


def terms(*points: HookPoint, shadow: bool = False) -> HookTerms:
    """Hooks with two patterns."""
    return HookTerms(frozenset(points), (b"orders.>", b"*.new"), 1.0, ALLOW, shadow, "policy:make")


@pytest.mark.parametrize(
    ("subject", "patterns"),
    [
        (b"orders.old", ("orders.>",)),
        (b"orders.new", ("orders.>", "*.new")),
        (b"orders.*", ("orders.>", "*.new")),
        (b"mail.new", ("*.new",)),
    ],
)
def test_subjects_that_are_seen(subject: bytes, patterns: tuple[str, ...]) -> None:
    """All patterns are named that cover the subject, or a part of it."""
    found = report_on(terms(HookPoint.PUBLISH, HookPoint.DELIVER, HookPoint.CONNECT), subject)

    assert HookReport("policy:make", ("publish", "deliver"), patterns, shadow=False) == found


def test_subjects_that_are_not_seen() -> None:
    """Hooks see subscriptions to any subject, and messages on theirs alone."""
    assert report_on(terms(*HookPoint), b"mail") == HookReport(
        "policy:make", ("subscribe",), (), shadow=False
    )
    assert report_on(terms(HookPoint.PUBLISH), b"mail") is None
    assert report_on(terms(HookPoint.CONNECT), b"orders.new") is None


def test_shadow() -> None:
    """It is said where hooks change nothing."""
    found = report_on(terms(HookPoint.PUBLISH, shadow=True), b"orders.new")

    assert found is not None
    assert found.shadow
