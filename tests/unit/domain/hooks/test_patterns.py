"""Which messages hooks see."""

import pytest

from app.domain.dataplane.seam import Hook
from app.domain.hooks.hook_event import HookPoint
from app.domain.hooks.patterns import HookPatterns

PATTERNS = (b"orders.>", b"a")
PUBLISH, DELIVER = HookPoint.PUBLISH, HookPoint.DELIVER


@pytest.mark.parametrize(
    ("points", "new", "seen"),
    [
        ((PUBLISH, DELIVER), Hook.PUBLISH, Hook.DELIVER),
        ((PUBLISH,), Hook.PUBLISH, Hook.NONE),
        ((DELIVER,), Hook.DELIVER, Hook.DELIVER),
        ((), Hook.NONE, Hook.NONE),
    ],
)
def test_when(points: tuple[HookPoint, ...], new: Hook, seen: Hook) -> None:
    """What is published is seen first by publish hooks, then by deliver hooks, as far as there are any."""
    patterns = HookPatterns(PATTERNS, points)

    assert (new, seen) == (
        patterns.stage(b"orders.new", is_new=True)[0],
        patterns.stage(b"orders.new", is_new=False)[0],
    )


@pytest.mark.parametrize(
    ("subject", "covered", "depth"),
    [(b"orders.x.y", True, 1), (b"a", True, 1), (b"b.c.d", False, 1), (b"orders", False, 1)],
)
def test_which(subject: bytes, covered: bool, depth: int) -> None:  # noqa: FBT001 - a column of the table
    """Those that a pattern covers; few leading tokens decide."""
    stage, decisive = HookPatterns(PATTERNS, (PUBLISH,)).stage(subject, is_new=True)

    assert (covered, depth) == (stage is Hook.PUBLISH, decisive)


@pytest.mark.parametrize(("pattern", "answer"), [((b"*", b"x"), True), ((b"b",), False), ((b">",), True)])
def test_subscriptions(pattern: tuple[bytes, ...], answer: bool) -> None:  # noqa: FBT001 - a column of the table
    """Deliver hooks see some of what a subscription gets if the patterns have a subject in common."""
    assert answer is HookPatterns(PATTERNS, (DELIVER,)).delivers_on(pattern)
    assert not HookPatterns(PATTERNS, (PUBLISH,)).delivers_on(pattern)


def test_a_pattern_that_is_none() -> None:
    """It is refused."""
    with pytest.raises(ValueError, match="not a valid subject"):
        HookPatterns((b"a..b",), (PUBLISH,))
