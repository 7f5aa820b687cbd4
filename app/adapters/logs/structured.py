"""The event log: facts go through structlog's processors and come out as lines.

structlog is used without its global configuration, since one process may hold
several servers. A fact enters the chain as the key ``fact``; the last processor
returns the finished line.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from structlog import BoundLoggerBase
from structlog.typing import Processor

from app.adapters.logs.line_writer import LineWriter
from app.domain.events import Event, Level
from app.ports.event_log import EventLog


class FactChain(BoundLoggerBase):
    """Processors in a row, the fact in front and the line behind."""

    def __init__(self, processors: Iterable[Processor]) -> None:
        super().__init__(None, processors, {})

    def line(self, fact: Event) -> str:
        (line,), _ = self._process_event("record", None, {"fact": fact})
        return str(line)


class StructuredEventLog(EventLog):
    """Turns facts into lines and queues them; never waits for the destination."""

    # Plain attributes in place of the port's properties: they are read for every fact.
    debug: bool = False
    trace: bool = False

    def __init__(self, chain: FactChain, writer: LineWriter, *, debug: bool, trace: bool) -> None:
        self.debug = debug
        self.trace = trace
        self._chain = chain
        self._writer = writer

    def record(self, event: Event) -> None:
        level = event.level
        if level is Level.TRACE and not self.trace:
            return
        if level is Level.DEBUG and not self.debug:
            return
        self._writer.write(self._chain.line(event))

    def close(self) -> None:
        """Write out what is queued, within the writer's time limit. May be called twice."""
        self._writer.close()


@dataclass(frozen=True, slots=True)
class LinesDropped(Event):
    """The log could not keep up, or its destination failed for a while."""

    level = Level.ERROR
    sentence = "Log lines dropped: {self.count}"

    count: int
