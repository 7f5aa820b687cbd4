"""A slow secret whose comparisons last until the test lets them go."""

import queue
import threading

from app.adapters.auth.secret import Secret
from tests.support.patience import PATIENCE

SECONDS = PATIENCE
"""How long to wait for what must happen, on a busy machine."""


class HeldSecret(Secret):
    """Matches `right`. Comparisons begin at once, and end when `release` has been called.

    `next_begun` waits for the next comparison to begin and returns what was given.
    A `defect` is raised in place of an answer.
    """

    slow = True

    def __init__(
        self, right: bytes = b"right", *, held: bool = True, defect: Exception | None = None
    ) -> None:
        self.right = right
        self.defect = defect
        self._begun: queue.Queue[bytes] = queue.Queue()
        self._open = threading.Event()
        if not held:
            self._open.set()

    def matches(self, given: bytes) -> bool:
        """Compare, once the secret is not held."""
        self._begun.put(given)
        assert self._open.wait(SECONDS), "the test never released the secret"
        if self.defect is not None:
            raise self.defect
        return given == self.right

    def release(self) -> None:
        """Let all comparisons end, those to come too."""
        self._open.set()

    def next_begun(self) -> bytes:
        """What the next comparison was given, as soon as it has begun."""
        return self._begun.get(timeout=SECONDS)

    def begun(self) -> int:
        """How many comparisons have begun and were not returned by `next_begun`."""
        return self._begun.qsize()
