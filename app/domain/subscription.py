"""A subscription: one SUB of one connection."""

from typing import Protocol

from app.domain.dataplane.seam import Target


class Subscriber(Protocol):
    """A session, as the holder of subscriptions."""

    def expire(self, subscription: "Subscription") -> None:
        """The subscription has had the last message it asked for."""
        ...


class Subscription:
    """One SUB of one connection. Compared by identity."""

    __slots__ = ("queue", "sid", "subject", "subscriber", "target")

    def __init__(
        self,
        subscriber: Subscriber,
        subject: bytes,
        queue: bytes | None,
        sid: bytes,
    ) -> None:
        self.subscriber = subscriber
        self.subject = subject
        self.queue = queue
        self.sid = sid
        self.target: Target
        """Where its messages go; set by whoever makes the subscription."""

    def expired(self) -> None:
        """Called by the data plane behind the last message."""
        self.subscriber.expire(self)
