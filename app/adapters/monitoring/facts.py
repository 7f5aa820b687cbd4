"""What monitoring reports of itself, beside its addresses and its defects."""

from dataclasses import dataclass

from app.domain.events import Event, Level


@dataclass(frozen=True, slots=True)
class MonitorUnavailable(Event):
    """Pages cannot be served now. Clients do not notice."""

    level = Level.ERROR
    sentence = "Monitoring is not available: {self.reason}; trying again in {self.seconds:g} s"

    reason: str
    seconds: float


@dataclass(frozen=True, slots=True)
class MonitorAvailable(Event):
    """After a failure pages are served."""

    level = Level.INFO
    sentence = "Monitoring is available again"
