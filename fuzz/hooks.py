"""Hooks whose answers depend on what they are asked alone, so that all twins hear the same."""

from app.domain.hooks.decisions import ALLOW, Refuse, Rewrite
from app.domain.hooks.hook_event import HookEvent, HookPoint
from tests.fakes.hook_caller import LATER, FakeHookCaller, terms

HOOK_TERMS = terms(
    HookPoint.SUBSCRIBE, HookPoint.PUBLISH, HookPoint.DELIVER, patterns=(b"a.>", b"b"), on_error=Refuse("x")
)

_ANSWERS = (None, ALLOW, Refuse("no"), Rewrite(subject="a.b"), Rewrite(data=b"12"), Rewrite(subject="b."), 7)


def _answer(event: HookEvent) -> object:
    return _ANSWERS[(len(event.data) + event.client.cid + len(event.subject)) % len(_ANSWERS)]


def _decide(point: HookPoint, event: HookEvent) -> object:
    """Every third answer comes late, and subscriptions are mostly allowed."""
    if (len(event.data) + len(event.reply)) % 3 == 2:
        return LATER
    if point is HookPoint.SUBSCRIBE and len(event.subject) != 3:
        return None
    return _answer(event)


class FuzzedHooks(FakeHookCaller):
    """Answers at once, or at the end of a step."""

    def __init__(self) -> None:
        super().__init__(_decide)

    def answer(self) -> None:
        """Give all answers that are missing, and those to what is asked meanwhile."""
        while self.pending:
            self.settle(_answer(self.pending[0][1]))
