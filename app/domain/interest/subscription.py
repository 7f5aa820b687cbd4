"""A subscription: one SUB of one connection."""

from typing import Protocol

from ..dataplane.constants import MEMBER_MARK, PLAIN_MARK
from ..dataplane.seam import Outbox, Plane, Target
from ..hooks.hook_event import HookClient
from ..peer_kind import PeerKind
from ..permissions.rule_set import Filter
from ..protocol.commands import Subscribe

LOCAL = 0
"""The origin of what our own clients listen to."""


CLUSTER_MARK = b"~"
"""How the name of a leaf node's cluster begins, in a sid on routes."""

WEIGHT_MARK = b"*"
"""What comes between that name and the number of members that one at the end of a link stands for."""

MOST_WEIGHT = 1 << 30
"""A weight above that counts as this."""

_LONGEST_WEIGHT = 10


class Subscriber(Protocol):
    """A session, as the holder of subscriptions."""

    @property
    def kind(self) -> PeerKind:
        """What kind of peer it serves."""
        ...

    @property
    def origin(self) -> int:
        """`LOCAL` for a client; for a server, the number of the connection to it."""
        ...

    @property
    def is_closed(self) -> bool:
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

    def via(self, sid: bytes) -> bytes | None:
        """The cluster whose leaf node the subscription with this sid is for, in short; see `Subscription`."""
        ...

    def weight(self, sid: bytes) -> int:
        """How many queue members the one with this sid stands for: more than one at the ends of links."""
        ...

    def expire(self, subscription: "Subscription") -> None:
        """The subscription got its last message, by its limit."""
        ...


class Subscription:
    """One SUB of one connection, and the place its messages go to. Compared by identity."""

    via: bytes | None = None
    """The cluster that it came from over a leaf link, in short; None for what this cluster listens to."""

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
        name = self.queue or b"" if outbox.leaf else self.sid
        self.target: Target = plane.target(outbox, name, self)

    def expired(self) -> None:
        """Called by the data plane after the last message."""
        self.subscriber.expire(self)


class ClusterSubscription(Subscription):
    """One that came from another cluster; others, which may be millions, have no room for its name."""

    __slots__ = ("via",)


def subscription_of(
    subscriber: Subscriber,
    command: Subscribe,
    plane: Plane,
    outbox: Outbox,
    filter: Filter | None = None,  # noqa: A002 - the name of the attribute
) -> Subscription:
    """A new subscription, see `Subscription`, which knows the cluster that it came from."""
    via = None if subscriber.kind is PeerKind.CLIENT else subscriber.via(command.sid)
    if via is None:
        return Subscription(subscriber, command, plane, outbox, filter)
    subscription = ClusterSubscription(subscriber, command, plane, outbox, filter)
    subscription.via = via
    return subscription


def member_sid(subscription: Subscription) -> bytes:
    """The name by which a message reaches this one alone, whatever its subject is: ``QRSID:cid:sid``."""
    return MEMBER_MARK + _name_of(subscription)


_LONGEST_NUMBER = 18


def route_sid(subscription: Subscription) -> bytes:
    """The name of a local subscription on routes: ``RSID:cid:sid``; ``QRSID:cid:sid`` in a queue group.

    What a leaf node listens to has its cluster before that: ``RSID:~cluster:lid:sid``. So it is with its
    queue groups, and the number of members if it is not one: ``QRSID:~cluster*weight:lid:sid``.
    """
    prefix = PLAIN_MARK if subscription.queue is None else MEMBER_MARK
    return prefix + _name_of(subscription)


def _name_of(subscription: Subscription) -> bytes:
    name = b"%d:%b" % (subscription.subscriber.number, subscription.sid)
    if subscription.via is None:
        return name
    weight = subscription.subscriber.weight(subscription.sid) if subscription.queue is not None else 1
    mark = b"" if weight == 1 else b"%b%d" % (WEIGHT_MARK, weight)
    return b"%b%b%b:%b" % (CLUSTER_MARK, subscription.via, mark, name)


def read_via(sid: bytes) -> bytes | None:
    """The cluster that a name on routes begins with; None if it has none."""
    mark, _, name = sid.partition(b":")
    if not name.startswith(CLUSTER_MARK) or mark + b":" not in (PLAIN_MARK, MEMBER_MARK):
        return None
    return name[len(CLUSTER_MARK) :].partition(b":")[0].partition(WEIGHT_MARK)[0]


def read_weight(sid: bytes) -> int:
    """How many members at the end of a link a name on routes stands for; 1 if it does not say so."""
    mark, _, name = sid.partition(b":")
    _, _, weight = name.partition(b":")[0].partition(WEIGHT_MARK)
    if mark + b":" != MEMBER_MARK or not name.startswith(CLUSTER_MARK):
        return 1
    if not weight.isdigit() or len(weight) > _LONGEST_WEIGHT:
        return 1
    return max(1, min(int(weight), MOST_WEIGHT))


def unweighted(sid: bytes) -> bytes:
    """The name on routes without the number of members: what stays the same when it changes."""
    mark, _, name = sid.partition(b":")
    if not name.startswith(CLUSTER_MARK):
        return sid
    tag, _, rest = name.partition(b":")
    return b"%b:%b:%b" % (mark, tag.partition(WEIGHT_MARK)[0], rest)


def read_member(sid: bytes) -> tuple[int, bytes] | None:
    """The owner's number and the owner's sid of a queue group's member; None for any other name."""
    name = sid[len(MEMBER_MARK) :]
    if name.startswith(CLUSTER_MARK):
        name = name.partition(b":")[2]
    number, colon, own = name.partition(b":")
    if not sid.startswith(MEMBER_MARK) or not colon or not number.isdigit() or len(number) > _LONGEST_NUMBER:
        return None
    return int(number), own
