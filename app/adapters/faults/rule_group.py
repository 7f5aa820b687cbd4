"""One fault on several servers: a rule of each, as one."""

from collections.abc import Sequence
from typing import Self

from .rules import Rule


class RuleGroup:
    """A fault that is active until it is cleared; as a context manager, until its block ends."""

    def __init__(self, rules: Sequence[Rule], words: str) -> None:
        """`words` are shown."""
        self._rules = rules
        self._words = words

    @property
    def hits(self) -> int:
        """How often the rules have done something, together.

        That is routes that a partition has ended, each at both ends, or what was lost on a one-way link.
        """
        return sum(rule.hits for rule in self._rules)

    @property
    def is_active(self) -> bool:
        """Whether it has not been cleared or healed."""
        return any(rule.is_active for rule in self._rules)

    def clear(self) -> None:
        """End it. Without effect when it is over."""
        for rule in self._rules:
            rule.clear()

    def must_hit(self) -> None:
        """Raise `AssertionError` if it has done nothing."""
        if not self.hits:
            raise AssertionError(f"no traffic was hit by {self}")

    def __str__(self) -> str:
        return f"{self._words}: {self.hits} hits{'' if self.is_active else ', cleared'}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.clear()
