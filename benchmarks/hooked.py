"""Hooks of a server that is measured: they see one subject of a hundred, and allow everything."""

from app.ports.hooks import Hooks
from benchmarks.encode import shuffled_subjects

SUBJECTS = 100
"""Subjects of a row, each with as many messages."""


class PlainHook(Hooks):
    """Answers at once."""

    patterns = (min(shuffled_subjects(SUBJECTS)).decode(),)

    def publish(self, event: object) -> None:
        """Allow it."""


class AsyncHook(Hooks):
    """Answers in a task of its own."""

    patterns = PlainHook.patterns

    async def publish(self, event: object) -> None:
        """Allow it."""
