"""Keeping the history while nobody looks."""

from collections.abc import Callable
from dataclasses import dataclass

from app.adapters.monitoring.dashboard.history import STEP_SECONDS, History, Sample
from app.adapters.monitoring.dashboard.survey import Survey
from app.ports.broker_view import BrokerView
from app.ports.clock import Clock, Timer


@dataclass(frozen=True, slots=True)
class Host:
    """What the dashboard shows beyond the broker."""

    server_name: str
    data_plane: str
    """Name of the twin that runs."""
    cores: int
    cpu_seconds: Callable[[], float]
    """Processor time of this process so far."""
    resident_bytes: Callable[[], int]
    """Memory of this process now."""


class Recorder:
    """What a dashboard remembers. Used from the broker's event loop."""

    def __init__(self, view: BrokerView, host: Host, clock: Clock) -> None:
        self.view = view
        self.host = host
        self.history = History()
        self.survey = Survey(view)
        self._clock = clock
        self._timer: Timer | None = None

    def start(self) -> None:
        """Take a sample now, and another one every few seconds."""
        self.history.add(self.sample())
        self.survey.tidy()
        self._timer = self._clock.call_later(STEP_SECONDS, self.start)

    def stop(self) -> None:
        """Take no more samples."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def sample(self) -> Sample:
        """The state now."""
        server = self.view.server()
        return Sample(
            at=round(self._clock.time(), 3),
            in_msgs=server.traffic.in_msgs,
            out_msgs=server.traffic.out_msgs,
            in_bytes=server.traffic.in_bytes,
            out_bytes=server.traffic.out_bytes,
            cpu_seconds=round(self.host.cpu_seconds(), 3),
            mem=self.host.resident_bytes(),
            connections=server.connections,
        )
