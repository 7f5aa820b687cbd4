"""Senders of trace events: a slow reader delays only its own events (ADR 0063)."""

from collections.abc import Callable
from contextlib import suppress
from typing import ClassVar

from .host import Host
from .local_client import LocalClient

MOST_WAITING = 1024 * 1024
"""Bytes of events that may wait in one sender; what comes after that is not sent."""

MOST_SENDERS = 16
"""With more slow destinations at a time, some share a sender."""

MOST_SHARING = 1024
"""Destinations that share one; an event for another destination is not sent then."""


class TraceSender(LocalClient):
    """Publishes events in order; flow control holds it while a receiver of one is slow."""

    seen_by_hooks: ClassVar[bool] = False


class TraceSenders:
    """Those of one server. A destination has one sender as long as something of it waits there."""

    def __init__(self, host: Host, adopt: Callable[[LocalClient], None]) -> None:
        self._host = host
        self._adopt = adopt
        self._senders: dict[TraceSender, list[bytes]] = {}
        """The destinations of what waits in each."""
        self._by_destination: dict[bytes, TraceSender] = {}

    def send(self, destination: bytes, data: bytes, headers: bytes) -> None:
        """Publish an event; one that is larger than messages may be is lost, and one after the end."""
        sender = self._by_destination.get(destination)
        is_new = sender is None or not sender.waiting
        if is_new:
            sender = self._choose()
        if sender is None or sender.waiting + len(headers) + len(data) > MOST_WAITING:
            return
        if is_new:
            if len(self._senders[sender]) >= MOST_SHARING:
                return
            self._by_destination[destination] = sender
            self._senders[sender].append(destination)
        with suppress(ValueError):  # larger than messages, or their lines, may be
            sender.publish(destination, data, headers=headers)

    @property
    def destinations(self) -> int:
        """How many have a sender."""
        return len(self._by_destination)

    def _choose(self) -> TraceSender | None:
        """One in which nothing waits, or a new one, or the one in which least waits; None after the end."""
        for sender in list(self._senders):
            if not sender.waiting:
                self._free(sender)
            if sender.closed:
                del self._senders[sender]
            elif not sender.waiting:
                return sender
        if len(self._senders) < MOST_SENDERS:
            return self._make()
        return min(self._senders, key=lambda sender: sender.waiting)

    def _free(self, sender: TraceSender) -> None:
        """Nothing waits there; what is for its destinations may have another sender by now."""
        destinations = self._senders[sender]
        for destination in destinations:
            if self._by_destination.get(destination) is sender:
                del self._by_destination[destination]
        destinations.clear()

    def _make(self) -> TraceSender | None:
        sender = TraceSender(self._host, "message trace")
        try:
            self._adopt(sender)
        except RuntimeError:  # the server has shut down: a stream may still have been waiting
            return None
        self._senders[sender] = []
        return sender
