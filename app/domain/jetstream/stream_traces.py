"""Traced messages on their way to streams: beside the wire of the intake, and in order with what is in it.

A line in the wire holds the place of each. Only the server itself can write such a line, and messages
that are not traced have nothing to do with it.
"""

from ..dataplane.seam import HookedMessage
from ..interest.subscription import Subscription
from ..message_trace.stream_step import CLOSED, StreamStep
from .intake import TRACED, Intake, TracedReceiver

MOST = 1024
"""Traced messages that may wait for their turn; what comes after that is stored without a trace."""

MOST_BYTES = 8 * 1024 * 1024
"""The same of their headers and payloads."""


class StreamTraces:
    """Of one server. Implements `TracedStreams`."""

    def __init__(self, intake: Intake) -> None:
        self._session = intake.session
        self._outbox = intake.connection.outbox
        self._receivers = intake.wire.handlers
        self._waiting: dict[bytes, tuple[HookedMessage, StreamStep]] = {}
        self._size = 0
        self._last = 0
        intake.wire.take_traced = self._take

    def _receiver(self, sid: bytes) -> TracedReceiver | None:
        entry = self._receivers.get(sid)
        return None if entry is None else entry.traced

    def stream_of(self, subscription: Subscription) -> str:
        """See `TracedStreams`."""
        if subscription.subscriber is not self._session:
            return ""
        receiver = self._receiver(subscription.sid)
        return "" if receiver is None else receiver.name

    def take(self, subscription: Subscription, message: HookedMessage, step: StreamStep) -> bool:
        """See `TracedStreams`."""
        size = self._size + len(message.payload)
        if len(self._waiting) >= MOST or size > MOST_BYTES:
            return False
        self._size = size
        self._last += 1
        number = b"%d" % self._last
        self._waiting[number] = message, step
        self._outbox.send(b"%b %b %b\r\n" % (TRACED, number, subscription.sid))
        return True

    def _take(self, number: bytes, sid: bytes) -> None:
        """It is the turn of this one."""
        message, step = self._waiting.pop(number)
        self._size -= len(message.payload)
        receiver = self._receiver(sid)
        if receiver is None:
            step.end(CLOSED)
        else:
            receiver.take(message, step)
