"""Message source: the link that a message came over, and the receivers that it may reach.

A message is for the kinds of peers whose subscriptions are announced where it comes from, see
`peer_kind.heard_by`. One of a leaf node is not for leaf nodes of the same cluster either, wherever
their links are: it has reached them there.
"""

from collections.abc import Callable, Collection, Iterable
from typing import Protocol

from ..dataplane.constants import NOT_FOR
from ..dataplane.seam import Target
from ..peer_kind import PeerKind, heard_by
from .index import Part
from .subscription import LOCAL, Subscription

_LONGEST_NUMBER = 18


class LinkRules(Protocol):
    """What a peer may send."""

    def permits(self, subject: bytes) -> tuple[bool, int | None]:
        """Whether it is allowed, and how many leading tokens of the subject decided.

        None in place of these if that holds for the message at hand alone.
        """
        ...


class MessageSource:
    """A link, or all of one kind, as the place that messages come from."""

    __slots__ = ("_kinds", "_numbers", "_without", "is_leaf", "rules")

    def __init__(
        self,
        kind: PeerKind,
        numbers: Collection[int] = (),
        without: bytes | None = None,
        rules: LinkRules | None = None,
    ) -> None:
        """Messages are not for links with these `numbers`, nor for the cluster `without`."""
        self._kinds = heard_by(kind)
        self._numbers = frozenset(numbers)
        self._without = without
        self.rules = rules
        """None where everything may be sent."""
        self.is_leaf = kind is not PeerKind.ROUTE
        """Whether messages name the queue groups that they are for."""

    def serves(self, each: Subscription) -> bool:
        """Whether a message is for this subscription, if its subject is."""
        return each.subscriber.kind in self._kinds and self._is_elsewhere(each.subscriber.origin, each.via)

    def serves_part(self, part: Part) -> bool:
        """The same for a part of a queue group."""
        return part.kind in self._kinds and self._is_elsewhere(part.origin, part.via)

    def _is_elsewhere(self, origin: int, via: bytes | None) -> bool:
        return origin not in self._numbers and (via is None or via != self._without)

    def is_kept_from(self, each: Subscription) -> bool:
        """Whether a server of this cluster must not give the message to this subscription of its own."""
        return each.subscriber.kind is PeerKind.ROUTE and each.via is not None and each.via == self._without

    @property
    def sid_for_others(self) -> bytes:
        """What names the message on routes to servers that must not give it to all."""
        return NOT_FOR + (self._without or b"")


ROUTED = MessageSource(PeerKind.ROUTE)
"""Messages of the other servers of the cluster."""


def read_not_for(sid: bytes) -> MessageSource | None:
    """What a route is for a message with this sid, which is not for all; None for any other sid."""
    if not sid.startswith(NOT_FOR):
        return None
    cluster, _, links = sid[len(NOT_FOR) :].partition(b"#")
    numbers = {int(link) for link in links.split(b",") if link.isdigit() and len(link) <= _LONGEST_NUMBER}
    return MessageSource(PeerKind.ROUTE, numbers, cluster or None)


Followers = Callable[[Subscription], Iterable[Subscription]]
"""The plain subscriptions of another server of the cluster that one in the index represents."""


class PlainReceivers:
    """The plain receivers of one message: all here, and one for each server elsewhere."""

    __slots__ = ("_followers", "_kept_from", "_served", "_source", "targets")

    def __init__(self, source: MessageSource | None, followers: Followers | None = None) -> None:
        """With `followers`, all receivers of other servers of the cluster, not one for each server."""
        self._source = source
        self._followers = followers
        self.targets: list[Target] = []
        self._served: dict[int, int] = {}
        """The position of the target of each other server, by origin."""
        self._kept_from: set[int] = set()

    def add(self, subscriptions: Iterable[Subscription]) -> None:
        """Add all of these that are here, and the first of each other server."""
        source, targets, served = self._source, self.targets, self._served
        for each in subscriptions:
            origin = each.subscriber.origin
            if origin == LOCAL:
                targets.append(each.target)
            elif source is not None and not source.serves(each):
                if source.is_kept_from(each):
                    self._kept_from.add(origin)
            elif self._followers is not None and each.subscriber.kind is PeerKind.ROUTE:
                targets.append(each.target)
                targets.extend(follower.target for follower in self._followers(each))
            elif origin not in served:
                served[origin] = len(targets)
                targets.append(each.target)

    def finish(self) -> list[Target]:
        """All of them; servers that must not deliver to all their subscriptions get a sid that says so."""
        if self._source is not None:
            for origin in self._kept_from & self._served.keys():
                place = self._served[origin]
                self.targets[place] = self.targets[place].under(self._source.sid_for_others)
        return self.targets
