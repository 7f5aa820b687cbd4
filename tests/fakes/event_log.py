"""An event log that records."""

from typing import TypeVar

from app.domain.events import Event, Level
from app.ports.event_log import EventLog

Kind = TypeVar("Kind", bound=Event)


class RecordingEventLog(EventLog):
    """Keeps events of enabled levels, in order, in `events`.

    All levels are enabled by default; ``debug`` and ``trace`` may be set at any time. `of`
    selects events of one kind, and `texts` returns their texts. A record after `close`
    breaks the contract of the port and fails the test.
    """

    debug: bool = True
    trace: bool = True

    def __init__(self, *, debug: bool = True, trace: bool = True) -> None:
        self.debug = debug
        self.trace = trace
        self.events: list[Event] = []
        self.closed = False

    def record(self, event: Event) -> None:
        """Keep the event, if its level is enabled."""
        assert not self.closed, f"recorded after close: {event}"
        if event.level is Level.TRACE and not self.trace:
            return
        if event.level is Level.DEBUG and not self.debug:
            return
        self.events.append(event)

    def reopen(self) -> None:
        """There is no file."""

    def levels_changed(self) -> None:
        """Nothing lies beneath."""

    def close(self) -> None:
        """Allow no more events, and set `closed`."""
        self.closed = True

    def of(self, kind: type[Kind]) -> list[Kind]:
        """The events of one kind, in order."""
        return [event for event in self.events if isinstance(event, kind)]

    def texts(self) -> list[str]:
        """The texts of all events, in order."""
        return [event.text() for event in self.events]
