"""The event log: a chain of processors turns each event into a line.

Processors have the form of structlog's, so any of those fits into the chain. structlog
itself is not imported here: it needs six MiB, and gnatsd's lines do without it.
"""

from collections.abc import Callable, Iterable, MutableMapping
from functools import partial
from typing import Any, TypeAlias

from ...domain.events import Event, Level
from ...domain.value_object import value_object
from ...ports.event_log import EventLog
from .destinations import LogFile, LogFileError
from .line_writer import LineWriter

EventDict: TypeAlias = MutableMapping[str, Any]
"""What one processor returns to the next; the event is under the key ``fact``."""

Processor: TypeAlias = Callable[[Any, str, EventDict], Any]
"""Called with a logger, which is not used, a method name, and the result of the processor before."""


class ProcessorChain:
    """Processors in a row; together they turn an event into a line."""

    def __init__(self, processors: Iterable[Processor]) -> None:
        """The last processor returns the finished line."""
        self._processors = tuple(processors)

    def line(self, fact: Event) -> str:
        """The line of an event."""
        made: Any = {"fact": fact}
        for process in self._processors:
            made = process(None, "record", made)
        return str(made)


class StructuredEventLog(EventLog):
    """Turns events into lines and queues them; never waits for the destination."""

    # Plain attributes in place of the port's properties: they are read for every event.
    debug: bool = False
    trace: bool = False

    def __init__(
        self,
        chain: ProcessorChain,
        writer: LineWriter,
        *,
        debug: bool,
        trace: bool,
        file: LogFile | None = None,
    ) -> None:
        """`file` is what the writer writes to, if it is a file."""
        self.debug = debug
        self.trace = trace
        self._chain = chain
        self._writer = writer
        self._file = file

    def record(self, event: Event) -> None:
        level = event.level
        if level is Level.TRACE and not self.trace:
            return
        if level is Level.DEBUG and not self.debug:
            return
        self._writer.write(self._chain.line(event))

    def reopen(self) -> None:
        """Continue in a new file of the same name; the old one has been moved away.

        Earlier events go to the old file, later ones to the new one, and none is lost.
        Returns at once.
        """
        if self._file is None:
            self.record(LogReopenIgnored(None))
        else:
            self._writer.between(partial(self._turn_over, self._file))

    def _turn_over(self, file: LogFile) -> str:
        try:
            file.reopen()
        except (LogFileError, OSError) as error:
            return self._chain.line(LogReopenFailed(None, str(error)))
        return self._chain.line(LogReopened(None))

    def levels_changed(self) -> None:
        """Nothing lies beneath."""

    def close(self) -> None:
        """Write the queued lines, within the writer's time limit. May be called twice."""
        self._writer.close()


@value_object
class LinesDropped(Event):
    """Lines were lost: the destination was too slow, or failed for a while."""

    level = Level.ERROR
    sentence = "Log lines dropped: {self.count}"

    count: int


@value_object
class LogReopened(Event):
    """The first line of a new log file."""

    level = Level.INFO
    sentence = "File log re-opened"


@value_object
class LogReopenIgnored(Event):
    """The log was to be reopened, but it is no file."""

    level = Level.INFO
    sentence = "File log re-open ignored, not a file logger"


@value_object
class LogReopenFailed(Event):
    """The log could not be reopened, and continues in the old file."""

    level = Level.ERROR
    sentence = "File log re-open failed, the old file stays in use: {self.reason}"

    reason: str
