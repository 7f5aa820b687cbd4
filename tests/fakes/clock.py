"""Manual clocks: one advances at each reading, so that time slices end at known points; one is busy."""

from app.adapters.clock_manual import ManualClock


class TickingClock(ManualClock):
    """Virtual time that moves by `pace` seconds with each reading of `monotonic`."""

    def __init__(self, pace: float = 0.0, *, wall: float = 1_480_000_000.0) -> None:
        super().__init__(wall)
        self.pace = pace
        self._read_time = 0.0

    def monotonic(self) -> float:
        """The time, `pace` seconds later than at the last reading."""
        self._read_time += self.pace
        return super().monotonic() + self._read_time

    def advance_alone(self, seconds: float) -> None:
        """Advance without running timers."""
        self._read_time += seconds


class BusyClock(ManualClock):
    """Virtual time on which more input may wait at any moment."""

    def input_waits(self) -> bool:
        """It may, always."""
        return True
