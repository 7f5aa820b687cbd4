"""The event log put together from the operator's choices.

To add a format, write its processors and choose them in `_processors`.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from structlog.processors import JSONRenderer
from structlog.typing import EventDict, Processor, WrappedLogger

from app.adapters.logs.destinations import open_file, open_stderr, warn
from app.adapters.logs.gnatsd_format import GnatsdLine
from app.adapters.logs.json_format import unfold
from app.adapters.logs.line_writer import LineWriter
from app.adapters.logs.structured import FactChain, LinesDropped, StructuredEventLog

WallClock = Callable[[], float]
"""Tells seconds since the epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """What the operator chooses about the log."""

    log_file: str | None
    """A file to append to; None means standard error."""
    json_lines: bool
    """JSON objects instead of gnatsd's lines."""
    debug: bool
    trace: bool
    logtime: bool
    """Whether lines carry the time."""


def open_event_log(
    settings: LogSettings, clock: WallClock = time.time, pid: int | None = None
) -> StructuredEventLog:
    """The log that `settings` describe; `pid` is this process unless given.

    Raises `LogFileError`.
    """
    sink = open_stderr() if settings.log_file is None else open_file(settings.log_file)
    colours = settings.log_file is None and sink.isatty()
    line = GnatsdLine(os.getpid() if pid is None else pid, colours=colours)
    chain = FactChain(_processors(settings, clock, line))
    writer = LineWriter(sink, lambda count: chain.line(LinesDropped(None, count)), warn)
    return StructuredEventLog(chain, writer, debug=settings.debug, trace=settings.trace)


def _processors(settings: LogSettings, clock: WallClock, line: GnatsdLine) -> list[Processor]:
    stamps: list[Processor] = [Stamp(clock)] if settings.logtime else []
    if settings.json_lines:
        return [*stamps, unfold, JSONRenderer()]
    return [*stamps, line]


class Stamp:
    """The first processor: notes when a fact was recorded, under the key ``time``."""

    def __init__(self, clock: WallClock) -> None:
        self._clock = clock

    def __call__(self, logger: WrappedLogger, method_name: str, event_dict: EventDict) -> EventDict:  # noqa: ARG002 - structlog's signature
        event_dict["time"] = self._clock()
        return event_dict
