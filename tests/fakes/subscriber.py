"""Holders of subscriptions, on a plane of their own."""

from collections.abc import Callable

from app.domain.dataplane.seam import Plane
from app.domain.hooks.hook_event import HookClient
from app.domain.interest.interest import Interest
from app.domain.interest.subscription import LOCAL, Subscriber, Subscription, subscription_of
from app.domain.peer_kind import PeerKind
from app.domain.protocol.commands import Subscribe
from tests.fakes.data_plane import Station


class FakeSubscriber(Subscriber):
    """Makes subscriptions that deliver to its `station`; `expired` keeps those that had their last.

    A local client, unless another `origin` is given: then it is that route, or a server of another `kind`.
    """

    # Plain attributes in place of the protocol's properties.
    kind: PeerKind = PeerKind.CLIENT
    origin: int = LOCAL
    number: int = 1
    is_closed: bool = False
    cluster: bytes | None = None
    """What `via` answers."""
    share: int = 1
    """What `weight` answers."""

    def __init__(
        self, plane: Plane, origin: int = LOCAL, number: int = 1, *, kind: PeerKind | None = None
    ) -> None:
        self.kind = kind or (PeerKind.CLIENT if origin == LOCAL else PeerKind.ROUTE)
        self.origin = origin
        self.number = number
        self.station = Station(plane)
        self.expired: list[Subscription] = []
        self.ending: Callable[[Subscription], None] = self.expired.append
        self._made = 0

    @property
    def seen_by_hooks(self) -> bool:
        """See `Subscriber`."""
        return self.origin == LOCAL

    @property
    def hook_client(self) -> HookClient:
        """See `Subscriber`."""
        return HookClient(self.number, "", "", "")

    def via(self, sid: bytes) -> bytes | None:
        """See `Subscriber`."""
        del sid
        return self.cluster

    def weight(self, sid: bytes) -> int:
        """See `Subscriber`."""
        del sid
        return self.share

    def expire(self, subscription: Subscription) -> None:
        """Note a subscription that had its last message, unless `ending` is something else."""
        self.ending(subscription)

    def command(self, subject: bytes, queue: bytes | None = None) -> Subscribe:
        """A SUB that was not sent before; sids count from 1."""
        self._made += 1
        return Subscribe(subject, queue, b"%d" % self._made)

    def subscription(self, subject: bytes, queue: bytes | None = None) -> Subscription:
        """A new subscription that nobody knows of."""
        return subscription_of(self, self.command(subject, queue), self.station.plane, self.station.outbox)

    def subscribe(self, interest: Interest, subject: bytes, queue: bytes | None = None) -> Subscription:
        """Subscribe."""
        return interest.subscribe(self, self.station.outbox, self.command(subject, queue))
