"""The subjects of which hooks see the messages, and when they see them."""

from collections.abc import Collection, Iterable, Sequence

from ..dataplane.seam import Hook
from ..permissions.rule_set import Filter
from ..permissions.rules import entry
from .hook_event import HookPoint


class HookPatterns:
    """Answers for the planner, so that hooks need not be looked up for each message."""

    __slots__ = ("_set", "delivers", "publishes")

    def __init__(self, patterns: Iterable[bytes], points: Collection[HookPoint]) -> None:
        """Raises `ValueError` for a pattern that nobody can subscribe to."""
        self._set = Filter([entry(pattern) for pattern in patterns])
        self.publishes = HookPoint.PUBLISH in points
        """Whether hooks see what is published."""
        self.delivers = HookPoint.DELIVER in points
        """Whether hooks see what is delivered."""

    def stage(self, subject: bytes, *, is_new: bool) -> tuple[Hook, int]:
        """Which hooks see a message now, and how many leading tokens of the subject decided.

        `is_new`: a client has published it, and no hook has seen it.
        """
        asked = Hook.PUBLISH if is_new and self.publishes else Hook.DELIVER if self.delivers else Hook.NONE
        if asked is Hook.NONE:
            return asked, 0
        is_covered, decisive = self._set.verdict(subject)
        return asked if is_covered else Hook.NONE, decisive

    def delivers_on(self, pattern: Sequence[bytes]) -> bool:
        """Whether hooks see some of what a subscription with this pattern gets."""
        return self.delivers and self._set.bears_on(pattern)
