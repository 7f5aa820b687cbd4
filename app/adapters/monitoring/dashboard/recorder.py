"""Recording the history, whether a page is open or not."""

import asyncio
import time
from collections.abc import Callable

from ..context import MonitoringContext
from .history import STEP_SECONDS, History, HistorySample
from .snapshot_taker import SnapshotTaker
from .streams_snapshot import StreamsTaker


class Recorder:
    """The dashboard's history and snapshots. Used from the broker's event loop."""

    def __init__(
        self, context: MonitoringContext, processor_seconds: Callable[[], float] = time.process_time
    ) -> None:
        """`processor_seconds` returns the processor time that this process has used."""
        self.context = context
        self.history = History()
        self.snapshots = SnapshotTaker(context)
        self.streams = StreamsTaker(context)
        self._processor_seconds = processor_seconds

    async def run(self) -> None:
        """Take samples until cancelled."""
        while True:
            self.record()
            await asyncio.sleep(STEP_SECONDS)

    def record(self) -> None:
        """Take a sample, in some microseconds."""
        server = self.context.view.server()
        traffic = server.traffic
        self.history.add(
            HistorySample(
                at=round(self.context.view.monotonic(), 3),
                in_msgs=traffic.in_msgs,
                out_msgs=traffic.out_msgs,
                in_bytes=traffic.in_bytes,
                out_bytes=traffic.out_bytes,
                cpu_seconds=round(self._processor_seconds(), 3),
                mem=self.context.figures.memory(),
                connections=server.connections,
            )
        )
        self.snapshots.drop_stale()
        self.streams.drop_stale()
