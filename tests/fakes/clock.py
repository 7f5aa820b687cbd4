"""A manual clock on which every look takes time: turns end, and always at the same points."""

from app.adapters.clock_manual import ManualClock


class TickingClock(ManualClock):
    """Virtual time that moves by `pace` seconds with each reading of `monotonic`."""

    def __init__(self, pace: float = 0.0) -> None:
        super().__init__()
        self.pace = pace
        self._looks = 0.0

    def monotonic(self) -> float:
        """The time, a little later than before."""
        self._looks += self.pace
        return super().monotonic() + self._looks

    def advance_alone(self, seconds: float) -> None:
        """Let time pass, and make no calls."""
        self._looks += seconds
