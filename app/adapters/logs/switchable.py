"""An event log that can be replaced by another one while the server runs."""

from ...domain.events import Event
from ...ports.event_log import EventLog


class SwitchableLog(EventLog):
    """Passes everything on to the log that is in use."""

    def __init__(self, inner: EventLog) -> None:
        self._inner = inner

    @property
    def debug(self) -> bool:
        return self._inner.debug

    @property
    def trace(self) -> bool:
        return self._inner.trace

    def record(self, event: Event) -> None:
        self._inner.record(event)

    def switch(self, inner: EventLog) -> EventLog:
        """Use another one from now on; return the one before, which is to be closed."""
        before, self._inner = self._inner, inner
        return before

    def reopen(self) -> None:
        self._inner.reopen()

    def levels_changed(self) -> None:
        """No copy is kept."""

    @property
    def may_wait(self) -> bool:
        return self._inner.may_wait

    def close(self) -> None:
        self._inner.close()
