"""A circuit breaker: a hook that fails repeatedly is not called for a while."""

FAILURES = 5
"""Failures in a row that open the breaker."""

OPEN_SECONDS = 10.0
"""How long it stays open before one call is tried again."""


class Breaker:
    """Counts failures in a row.

    closed ──`FAILURES`──> open ──`OPEN_SECONDS`──> half-open, one trial
       └──────────────── success ────────────────────────┘
    """

    __slots__ = ("_failures", "_is_tried", "_opened")

    def __init__(self) -> None:
        self._failures = 0
        self._opened: float | None = None
        """When it opened; None while it is closed."""
        self._is_tried = False
        """Whether the trial is under way."""

    def permits(self, now: float) -> bool:
        """Whether a call may be made; it is the trial if the breaker is open."""
        if self._opened is None:
            return True
        if self._is_tried or now < self._opened + OPEN_SECONDS:
            return False
        self._is_tried = True
        return True

    def succeeded(self) -> bool:
        """A call went well; whether that closes the breaker."""
        was_open = self._opened is not None
        self._failures = 0
        self._opened = None
        self._is_tried = False
        return was_open

    def failed(self, now: float) -> bool:
        """A call failed; whether that opens the breaker, or leaves it open after a trial."""
        self._failures += 1
        # Others than the trial were under way when it opened.
        opens = self._failures >= FAILURES if self._opened is None else self._is_tried
        if opens:
            self._opened = now
            self._is_tried = False
        return opens
