"""Log events of monitoring."""

from ...domain.events import Event, Level
from ...domain.value_object import value_object


@value_object
class MonitorUnavailable(Event):
    """Pages cannot be served now. Clients are not affected."""

    level = Level.ERROR
    sentence = "Monitoring is not available: {self.reason}; trying again in {self.seconds:g} s"

    reason: str
    seconds: float


@value_object
class MonitorAvailable(Event):
    """Pages are served, after a failure."""

    level = Level.INFO
    sentence = "Monitoring is available again"
