"""The client that receives deliveries of consumers for streams that copy on the same server (ADR 0071).

JetStream's own messages never come to the intake, which publishes them; so these have a connection of
their own.
"""

from typing import ClassVar

from ..broker import Broker
from ..sessions.connection import Connection
from ..sessions.local_client import LocalClient
from ..sessions.local_wire import LocalMessage
from .intake import Handler, IntakeConnection


class CopyingClient(LocalClient):
    """Subscriptions of streams that copy."""

    connection_type: ClassVar[type[Connection]] = IntakeConnection
    seen_by_hooks: ClassVar[bool] = False

    def __init__(self, broker: Broker) -> None:
        super().__init__(broker, "JetStream copies")
        self._failed = broker.failed
        broker.adopt(self)

    def attend(self, subject: bytes, handler: Handler) -> bytes:
        """Have `handler` get each message on this subject; the sid is what `unsubscribe` takes."""

        def deliver(message: LocalMessage) -> None:
            try:
                handler(message.subject, message.headers, message.payload, message.reply or b"")
            except Exception as error:  # noqa: BLE001 - a defect costs one message, and no other stream
                self._failed(error)

        return self.subscribe(subject, deliver)
