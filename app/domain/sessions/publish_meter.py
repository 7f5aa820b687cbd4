"""Publish meter: pauses a connection that exceeds the publish rate of its user; nothing is lost."""

from typing import TYPE_CHECKING

from ..dataplane.seam import Inlet
from ..rates import UserMeter
from ..timers import Scheduler

if TYPE_CHECKING:
    from .connection import Connection

LONGEST_STEP = 1.0
"""Seconds after which a connection that owes much is checked again: it may be closed by then."""


class PublishMeter:
    """What one connection adds to the meter of its user."""

    __slots__ = ("_messages", "_meter", "_payload", "_scheduler")

    def __init__(self, meter: UserMeter, inlet: Inlet, scheduler: Scheduler) -> None:
        """What came before does not count."""
        self._meter = meter
        self._scheduler = scheduler
        self._messages, self._payload = inlet.in_msgs, inlet.in_bytes

    def pay(self, connection: "Connection") -> None:
        """Count what has come, and let the connection wait for what its user owes."""
        inlet = connection.inlet
        messages, payload = inlet.in_msgs - self._messages, inlet.in_bytes - self._payload
        self._messages, self._payload = inlet.in_msgs, inlet.in_bytes
        seconds = self._meter.charge(messages, payload, self._scheduler.monotonic())
        if seconds and not connection.closed:
            connection.wait()
            self._wait(connection, seconds)

    def _wait(self, connection: "Connection", seconds: float) -> None:
        self._scheduler.call_later(min(seconds, LONGEST_STEP), lambda: self._look_again(connection))

    def _look_again(self, connection: "Connection") -> None:
        seconds = 0.0 if connection.closed else self._meter.charge(0, 0, self._scheduler.monotonic())
        if seconds:
            self._wait(connection, seconds)
        else:
            connection.go_on()
