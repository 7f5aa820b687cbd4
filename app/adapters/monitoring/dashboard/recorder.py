"""Keeping the history while nobody looks."""

import asyncio
import time
from collections.abc import Callable

from app.adapters.monitoring.dashboard.history import STEP_SECONDS, History, Sample
from app.adapters.monitoring.dashboard.survey import Survey
from app.adapters.monitoring.watch import Watch


class Recorder:
    """What a dashboard remembers of the server. Used from the broker's event loop."""

    def __init__(self, watch: Watch, processor_seconds: Callable[[], float] = time.process_time) -> None:
        """`processor_seconds` is what this process has used so far."""
        self.watch = watch
        self.history = History()
        self.survey = Survey(watch)
        self._processor_seconds = processor_seconds

    async def run(self) -> None:
        """Take samples until cancelled."""
        while True:
            self.record()
            await asyncio.sleep(STEP_SECONDS)

    def record(self) -> None:
        """Take a sample now; it costs some microseconds."""
        server = self.watch.view.server()
        traffic = server.traffic
        self.history.add(
            Sample(
                at=round(self.watch.view.monotonic(), 3),
                in_msgs=traffic.in_msgs,
                out_msgs=traffic.out_msgs,
                in_bytes=traffic.in_bytes,
                out_bytes=traffic.out_bytes,
                cpu_seconds=round(self._processor_seconds(), 3),
                mem=self.watch.figures.memory(),
                connections=server.connections,
            )
        )
        self.survey.tidy()
