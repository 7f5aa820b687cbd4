"""Hash workers without threads: they compare within the call."""

from app.adapters.auth.check_queue import OnResult
from app.adapters.auth.hash_workers import HashWorkers
from app.adapters.auth.secret import Secret, encoded


class ImmediateWorkers(HashWorkers):
    """Compares slow secrets at once, too. `closed` says whether it was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = False

    def compare(self, secret: Secret, given: str, on_result: OnResult) -> None:  # nothing is left to withdraw
        """Call `on_result` within this call."""
        on_result(secret.matches(encoded(given)))

    def close(self) -> None:
        """Note it."""
        self.closed = True
        super().close()
