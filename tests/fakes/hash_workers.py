"""Hash workers without threads."""

from app.adapters.auth.hash_bench import HashBench
from app.adapters.auth.secret import Secret, encoded
from app.adapters.auth.waiting import Verdict


class InlineHashWorkers(HashBench):
    """Compares slow secrets within the call, too; `close` sets `closed`."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = False

    def compare(self, secret: Secret, given: str, verdict: Verdict) -> None:  # nothing is left to withdraw
        """Call `verdict` within this call."""
        verdict(secret.matches(encoded(given)))

    def close(self) -> None:
        """Note it."""
        self.closed = True
        super().close()
