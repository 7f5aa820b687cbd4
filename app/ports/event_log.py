"""Event log: where the facts of ``app.domain.events`` go."""

from typing import Protocol

from ..domain.events import EventSink


class EventLog(EventSink, Protocol):
    """Takes facts; `record` never fails, never blocks and drops facts of an unwanted level.

    ``debug`` and ``trace`` say whether facts of those levels are wanted, so that
    the domain need not make them. Tracing costs speed.
    """

    def reopen(self) -> None:
        """Go on in a new file, if the log is one that has been moved away."""
        ...

    def levels_changed(self) -> None:
        """The levels below have changed; a log that keeps a copy of them reads them again."""
        ...

    @property
    def may_wait(self) -> bool:
        """Whether `close` may wait for what the log is written to; a thread calls it then."""
        return True

    def close(self) -> None:
        """Write what is still queued. Nothing may be recorded afterwards."""
        ...
