"""A subscription: one SUB of one connection."""

from typing import Protocol

from ..dataplane.constants import MEMBER_MARK
from ..dataplane.seam import Outbox, Plane, Target
from ..hooks.hook_event import HookClient
from ..peer_kind import PeerKind
from ..permissions.rule_set import Filter
from ..protocol.commands import Subscribe

LOCAL = 0
"""The origin of what our own clients listen to."""


class Subscriber(Protocol):
    """A session, as the holder of subscriptions."""

    @property
    def kind(self) -> PeerKind:
        """What kind of peer it serves."""
        ...

    @property
    def origin(self) -> int:
        """`LOCAL` for a client, or the number of the connection to the server whose clients it speaks for."""
        ...

    @property
    def gone(self) -> bool:
        """Whether its connection is closed; its subscriptions may be removed later, if they are many."""
        ...

    @property
    def number(self) -> int:
        """Of the connection: its cid or rid."""
        ...

    @property
    def seen_by_hooks(self) -> bool:
        """Whether deliver hooks decide what it gets: not for other servers, and parts of this one."""
        ...

    @property
    def hook_client(self) -> HookClient:
        """What hooks know of the client."""
        ...

    def expire(self, subscription: "Subscription") -> None:
        """The subscription has had the last message it asked for."""
        ...


class Subscription:
    """One SUB of one connection, and the place its messages go to. Compared by identity."""

    __slots__ = ("filter", "queue", "sid", "subject", "subscriber", "target")

    def __init__(
        self,
        subscriber: Subscriber,
        command: Subscribe,
        plane: Plane,
        outbox: Outbox,
        filter: Filter | None = None,  # noqa: A002 - the name of the attribute
    ) -> None:
        """Its messages go to `outbox`, one of the plane's, but for those that `filter` drops."""
        self.filter = filter
        self.subscriber = subscriber
        self.subject, self.queue, self.sid = command
        self.target: Target = plane.target(outbox, self.sid, self)

    def expired(self) -> None:
        """Called by the data plane after the last message."""
        self.subscriber.expire(self)


def member_sid(subscription: Subscription) -> bytes:
    """The name by which a message reaches this one alone, whatever its subject is: ``QRSID:cid:sid``."""
    return b"%b%d:%b" % (MEMBER_MARK, subscription.subscriber.number, subscription.sid)


_LONGEST_NUMBER = 18


def route_sid(subscription: Subscription) -> bytes:
    """The name of a local subscription on routes: ``RSID:cid:sid``; ``QRSID:cid:sid`` in a queue group."""
    prefix = b"RSID:" if subscription.queue is None else MEMBER_MARK
    return b"%b%d:%b" % (prefix, subscription.subscriber.number, subscription.sid)


def read_member(sid: bytes) -> tuple[int, bytes] | None:
    """The owner's number and the owner's sid of a queue group's member; None for any other name."""
    number, colon, own = sid[len(MEMBER_MARK) :].partition(b":")
    if not sid.startswith(MEMBER_MARK) or not colon or not number.isdigit() or len(number) > _LONGEST_NUMBER:
        return None
    return int(number), own
