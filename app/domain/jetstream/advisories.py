"""Advisories: events of streams and consumers, published for clients that subscribe to them.

Nothing is built where nobody does (jetstream-api.md, section 6).
"""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from ..protocol.json_text import dump, rfc3339
from .outlet import Outlet

PREFIX = "$JS.EVENT."
TYPE = "io.nats.jetstream."
_ID_LENGTH = 22


class Publisher(Outlet, Protocol):
    """What advisories ask of the broker."""

    def has_listener(self, subject: bytes) -> bool:
        """Whether a message on this literal subject has a receiver, a stream included."""
        ...


class AdvisoryKind(NamedTuple):
    """One kind of advisory."""

    subject: str
    """Between the prefix and the names."""
    type: str


STREAM_CREATED = AdvisoryKind("ADVISORY.STREAM.CREATED", "advisory.v1.stream_action")
STREAM_UPDATED = AdvisoryKind("ADVISORY.STREAM.UPDATED", "advisory.v1.stream_action")
STREAM_DELETED = AdvisoryKind("ADVISORY.STREAM.DELETED", "advisory.v1.stream_action")
CONSUMER_CREATED = AdvisoryKind("ADVISORY.CONSUMER.CREATED", "advisory.v1.consumer_action")
CONSUMER_DELETED = AdvisoryKind("ADVISORY.CONSUMER.DELETED", "advisory.v1.consumer_action")
BATCH_ABANDONED = AdvisoryKind("ADVISORY.STREAM.BATCH_ABANDONED", "advisory.v1.stream_batch_abandoned")
API_AUDIT = AdvisoryKind("ADVISORY.API", "advisory.v1.api_audit")
API_LIMIT = AdvisoryKind("ADVISORY.API.LIMIT_REACHED", "advisory.v1.api_limit_reached")

OF_CONSUMERS = {
    "max_deliver": AdvisoryKind("ADVISORY.CONSUMER.MAX_DELIVERIES", "advisory.v1.max_deliver"),
    "nak": AdvisoryKind("ADVISORY.CONSUMER.MSG_NAKED", "advisory.v1.nak"),
    "terminated": AdvisoryKind("ADVISORY.CONSUMER.MSG_TERMINATED", "advisory.v1.terminated"),
    "consumer_ack": AdvisoryKind("METRIC.CONSUMER.ACK", "metric.v1.consumer_ack"),
    "consumer_pause": AdvisoryKind("ADVISORY.CONSUMER.PAUSE", "advisory.v1.consumer_pause"),
    "consumer_group_pinned": AdvisoryKind("ADVISORY.CONSUMER.PINNED", "advisory.v1.consumer_group_pinned"),
    "consumer_group_unpinned": AdvisoryKind(
        "ADVISORY.CONSUMER.UNPINNED", "advisory.v1.consumer_group_unpinned"
    ),
}
"""Those that consumers report, by the last word of the type."""


class Advisories:
    """Publishes them, as a client would: streams may store them."""

    def __init__(self, outlet: Publisher, domain: str = "") -> None:
        self._outlet = outlet
        self._domain = domain

    def publish(self, kind: AdvisoryKind, names: tuple[str, ...], fields: Mapping[str, object]) -> None:
        """Publish one about what these name: nothing, a stream, or a stream and a consumer."""
        subject = ".".join((PREFIX + kind.subject, *names)).encode()
        if not self._outlet.has_listener(subject):
            return
        document: dict[str, object] = {
            "type": TYPE + kind.type,
            "id": self._outlet.random_name(_ID_LENGTH),
            "timestamp": rfc3339(self._outlet.wall()),
            **fields,
        }
        if self._domain:
            document["domain"] = self._domain
        self._outlet.publish(subject, dump(document))

    def of_consumer(self, kind: str, stream: str, consumer: str, fields: Mapping[str, object]) -> None:
        """Publish what a consumer reports; kinds that are not known here are not published."""
        known = OF_CONSUMERS.get(kind)
        if known is not None:
            self.publish(known, (stream, consumer), fields)
