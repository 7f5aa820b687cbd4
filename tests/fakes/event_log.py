"""A log that only remembers."""

from typing import TypeVar

from app.domain.events import Event, Level
from app.ports.event_log import EventLog

Kind = TypeVar("Kind", bound=Event)


class RecordingEventLog(EventLog):
    """Keeps the facts of wanted levels, in order, in `events`.

    All levels are wanted by default; set ``debug`` or ``trace`` at any
    time. `of` picks the facts of one kind, and `texts` gives the sentences.
    Recording after `close` breaks the port's contract and fails the test.
    """

    debug: bool = True
    trace: bool = True

    def __init__(self, *, debug: bool = True, trace: bool = True) -> None:
        self.debug = debug
        self.trace = trace
        self.events: list[Event] = []
        self.closed = False

    def record(self, event: Event) -> None:
        """Keep the fact, if its level is wanted."""
        assert not self.closed, f"recorded after close: {event}"
        if event.level is Level.TRACE and not self.trace:
            return
        if event.level is Level.DEBUG and not self.debug:
            return
        self.events.append(event)

    def reopen(self) -> None:
        """There is no file."""

    def close(self) -> None:
        """Allow no more facts, and set `closed`."""
        self.closed = True

    def of(self, kind: type[Kind]) -> list[Kind]:
        """The facts of one kind, in order."""
        return [event for event in self.events if isinstance(event, kind)]

    def texts(self) -> list[str]:
        """The sentences of all facts, in order."""
        return [event.text() for event in self.events]
