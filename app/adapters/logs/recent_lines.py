"""The log of a server inside another program: its last lines in memory, and Python's own logging.

The program decides what becomes of the logger ``pynatsd``; a server adds no handler to it.
"""

import logging
from collections import deque

from ...domain.events import Event, Level
from ...ports.event_log import EventLog
from .gnatsd_format import link_prefix

KEPT = 200
"""Lines that are kept."""

LOGGER = "pynatsd"

_LEVELS = {
    Level.INFO: logging.INFO,
    Level.DEBUG: logging.DEBUG,
    Level.TRACE: logging.DEBUG,
    Level.ERROR: logging.ERROR,
    Level.FATAL: logging.CRITICAL,
}


class RecentLines(EventLog):
    """Keeps the last lines, and passes each one on."""

    def __init__(self, onward: EventLog | None = None, *, debug: bool = False, trace: bool = False) -> None:
        """`onward` is the log of the configuration; without one, lines go to Python's logging."""
        self._onward = onward
        self._logger = logging.getLogger(LOGGER)
        self._debug = debug
        self._trace = trace
        self._lines: deque[str] = deque(maxlen=KEPT)

    def switch(self, onward: EventLog | None, *, debug: bool, trace: bool) -> EventLog | None:
        """Pass lines on to another log from now on; return the one before, which is to be closed."""
        before, self._onward = self._onward, onward
        self._debug, self._trace = debug, trace
        return before

    @property
    def debug(self) -> bool:
        return self._debug or (self._onward is not None and self._onward.debug)

    @property
    def trace(self) -> bool:
        return self._trace or (self._onward is not None and self._onward.trace)

    @property
    def lines(self) -> list[str]:
        """The last lines, oldest first, each as ``[INF] text``."""
        return list(self._lines)

    def record(self, event: Event) -> None:
        if (event.level is Level.DEBUG and not self.debug) or (event.level is Level.TRACE and not self.trace):
            return
        text = f"{link_prefix(event.link)}{event.text()}"
        self._lines.append(f"[{event.level.value}] {text}")
        if self._onward is not None:
            self._onward.record(event)
        elif self._logger.hasHandlers() and self._logger.isEnabledFor(_LEVELS[event.level]):
            # Without a handler Python would write errors to standard error, which is the program's.
            self._logger.log(_LEVELS[event.level], "%s", text)

    def reopen(self) -> None:
        if self._onward is not None:
            self._onward.reopen()

    def levels_changed(self) -> None:
        """No copy is kept."""

    @property
    def may_wait(self) -> bool:
        return self._onward is not None and self._onward.may_wait

    def close(self) -> None:
        if self._onward is not None:
            self._onward.close()
