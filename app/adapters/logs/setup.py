"""Making the event log from the settings.

To add a format, write its processors and select them in `_processors`. To add a
destination, select it in `_open`.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from io import RawIOBase

from .destinations import LogFile, open_stderr, warn
from .gnatsd_format import GnatsdLine
from .json_format import renderer, unfold
from .line_writer import LineWriter
from .structured import (
    EventDict,
    LinesDropped,
    Processor,
    ProcessorChain,
    StructuredEventLog,
)
from .syslog_address import SyslogAddress, local_address, remote_address
from .syslog_format import Facility, SyslogLine, json_text, plain_text
from .syslog_sink import SyslogSink, open_syslog

WallClock = Callable[[], float]
"""Returns seconds since the epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """Settings of the log.

    Of several destinations one is used: the file, else the remote syslog, else the
    local one, else standard error (configuration-file.md, section 9).
    """

    log_file: str | None
    """A file to append to; None for none."""
    json_lines: bool
    """JSON objects instead of gnatsd's lines."""
    debug: bool
    trace: bool
    logtime: bool
    """Whether lines contain the time; syslog headers always do."""
    in_utc: bool = False
    """Whether that time is UTC; JSON always has UTC, and syslog headers have what their format asks for."""
    syslog: bool = False
    """Whether to use the syslog daemon of this machine."""
    remote_syslog: str | None = None
    """The address of a syslog daemon, as a URL; None for none."""


def open_event_log(
    settings: LogSettings,
    clock: WallClock = time.time,
    pid: int | None = None,
    on_dropped: Callable[[LinesDropped], None] = lambda _fact: None,
) -> StructuredEventLog:
    """The log that `settings` describe; `pid` is this process unless given.

    `on_dropped` is called in the writer's thread before each line about lost lines.
    Raises `LogDestinationError`.
    """
    address = _syslog_address(settings)
    sink = _open(settings, address)
    own_pid = os.getpid() if pid is None else pid
    if address is None:
        chain = ProcessorChain(_processors(settings, clock, own_pid, colours=sink.isatty()))
    else:
        chain = ProcessorChain(_syslog_processors(settings, clock, own_pid, address))

    def dropped_line(count: int) -> str:
        fact = LinesDropped(None, count)
        on_dropped(fact)
        return chain.line(fact)

    writer = LineWriter(
        sink,
        dropped_line,
        warn,
        hurry=sink.hurry if isinstance(sink, SyslogSink) else None,
    )
    file = sink if isinstance(sink, LogFile) else None
    return StructuredEventLog(chain, writer, debug=settings.debug, trace=settings.trace, file=file)


def _syslog_address(settings: LogSettings) -> SyslogAddress | None:
    if settings.log_file is not None:
        return None
    if settings.remote_syslog is not None:
        return remote_address(settings.remote_syslog)
    return local_address() if settings.syslog else None


def _open(settings: LogSettings, address: SyslogAddress | None) -> RawIOBase:
    if settings.log_file is not None:
        return LogFile(settings.log_file)
    if address is not None:
        return open_syslog(address, warn)
    return open_stderr()


def _processors(settings: LogSettings, clock: WallClock, pid: int, *, colours: bool) -> list[Processor]:
    stamps: list[Processor] = [Stamp(clock)] if settings.logtime else []
    if settings.json_lines:
        return [*stamps, unfold, renderer()]
    return [*stamps, GnatsdLine(pid, colours=colours and settings.log_file is None, in_utc=settings.in_utc)]


def _syslog_processors(
    settings: LogSettings, clock: WallClock, pid: int, address: SyslogAddress
) -> list[Processor]:
    stamps: list[Processor] = [Stamp(clock)] if settings.logtime else []
    facility = Facility.DAEMON if settings.remote_syslog is None else Facility.KERNEL
    text = json_text if settings.json_lines else plain_text
    return [*stamps, SyslogLine(facility, pid, clock, text, local=address.local)]


class Stamp:
    """The first processor: adds the time of an event, under the key ``time``."""

    def __init__(self, clock: WallClock) -> None:
        self._clock = clock

    def __call__(self, logger: object, method_name: str, event_dict: EventDict) -> EventDict:  # noqa: ARG002 - structlog's signature
        event_dict["time"] = self._clock()
        return event_dict
