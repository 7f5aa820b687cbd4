"""What monitoring logs of itself."""

from dataclasses import dataclass

from ...domain.events import Event, Level


@dataclass(frozen=True, slots=True)
class MonitorUnavailable(Event):
    """Pages cannot be served now. Clients are not affected."""

    level = Level.ERROR
    sentence = "Monitoring is not available: {self.reason}; trying again in {self.seconds:g} s"

    reason: str
    seconds: float


@dataclass(frozen=True, slots=True)
class MonitorAvailable(Event):
    """Pages are served, after a failure."""

    level = Level.INFO
    sentence = "Monitoring is available again"
