"""The subscription index: which subscriptions of a broker cover a subject.

The trie holds plain subscriptions one by one, and for each pattern one `QueueGroup`
for each name. Its members are vectors of the data plane, one for each server. So a
member comes and goes in constant time, however many there are, and plans refer to the
vectors instead of listing them.

A subscription to a literal subject often comes for one request, and goes after its answer. So the
latest of them are kept by their subjects alone, and put into the trie when it is searched.

Counting follows subjects-and-routing.md, section 4. Answers are not remembered here:
plans made from them are, in the plan cache of the data plane.
"""

from collections.abc import Callable, Iterator

from ..dataplane.seam import Group
from ..peer_kind import PeerKind
from ..permissions.rule_set import Filter
from ..subjects.trie import Match, Node, Search, SubscriptionTrie, UnknownSubscription
from ..value_object import value_object
from .subscription import LOCAL, Subscription

_STAR, _GREATER = b"*>"
"""As numbers, which are found in bytes much faster than bytes of one."""

MOST_LATEST = 64
"""Subscriptions that are kept outside the trie at most."""

CACHE_LIMIT = 1024
"""Most answers that ``/subsz`` shows, as in gnatsd, which remembers no more."""


@value_object
class IndexStats:
    """A snapshot, named as in ``/subsz``."""

    num_subscriptions: int
    num_cache: int
    num_inserts: int
    num_removes: int
    num_matches: int
    cache_hit_rate: float
    max_fanout: int
    avg_fanout: float
    plan_cache_bytes: int


class Part:
    """The members of one server. The draw may have taken some out of the vector already.

    Those of another server are kept as subscriptions too, for `Failover`.
    """

    __slots__ = ("count", "distant", "filter", "kind", "members", "origin", "via")

    def __init__(self, members: Group, first: Subscription) -> None:
        """`first` is one of the members, which are alike."""
        self.members = members
        self.origin = first.subscriber.origin
        self.kind = first.subscriber.kind
        self.filter = first.filter
        """That of each member: those with another one are in another part."""
        self.via = first.via
        """See `Subscription`; the same holds."""
        self.count = 0
        self.distant: dict[Subscription, None] | None = None


_PartKey = tuple[int, Filter | None, bytes | None, int]

QueueGroup = dict[_PartKey, Part]
"""The members of one queue group on one pattern, by what all members of a part have in common."""

IndexNode = Node[Subscription, QueueGroup]
"""What the index has at one pattern."""

IndexMatch = Match[Subscription, QueueGroup]
"""What it answers for one subject."""


class SubscriptionIndex:
    """All subscriptions of a broker."""

    def __init__(self) -> None:
        self._trie: SubscriptionTrie[Subscription, QueueGroup] = SubscriptionTrie()
        self._latest: dict[bytes, Subscription] = {}
        """Plain subscriptions to literal subjects, each the only one that came to its subject recently."""
        self._count = 0
        self.make_group: Callable[[bytes], Group]
        """Makes a vector of members; set before the first one is inserted."""

    def __len__(self) -> int:
        """How many subscriptions there are."""
        return self._count

    def insert(self, subscription: Subscription) -> bool:
        """Add; return whether answers are others now. Raises `InvalidSubject`, and changes nothing."""
        changes = True
        latest, subject = self._latest, subscription.subject
        if subscription.queue is not None:
            changes = self._add_member(subscription, subscription.queue)
        elif subject in latest:
            for each in (latest.pop(subject), subscription):  # messages go to the earlier one first
                self._trie.insert(each)
        elif _STAR in subject or _GREATER in subject or b"" in subject.split(b"."):
            self._trie.insert(subscription)
        else:
            latest[subject] = subscription
            if len(latest) > MOST_LATEST:
                self._whole()
        self._count += 1
        return changes

    def _whole(self) -> SubscriptionTrie[Subscription, QueueGroup]:
        """The trie, with the latest subscriptions in it."""
        for subscription in list(self._latest.values()):
            self._trie.insert(subscription)
            del self._latest[subscription.subject]  # after that, in case that there is no memory for it
        return self._trie

    def _add_member(self, member: Subscription, queue: bytes) -> bool:
        """Add a member; return whether it is the first one of its server."""
        node = self._trie.reach(member.subject)
        if node.groups is None:
            node.groups = {}
        group = node.groups.get(queue)
        if group is None:
            group = node.groups[queue] = {}
        origin = member.subscriber.origin
        key = _key_of(member)
        part = group.get(key)
        appears = part is None
        if part is None:
            part = group[key] = Part(self.make_group(queue), member)
            part.members.far = part.via is not None
            part.members.weight = key[-1]
        part.members.add(member.target)
        part.count += 1
        if origin != LOCAL:
            if part.distant is None:
                part.distant = {}
            part.distant[member] = None
        return appears

    def remove(self, subscription: Subscription) -> bool:
        """Take out; return whether answers are others now.

        Raises `InvalidSubject` or `UnknownSubscription`, and changes nothing.
        """
        changes = True
        if subscription.queue is not None:
            changes = self._remove_member(subscription, subscription.queue)
        elif self._latest.get(subscription.subject) is subscription:
            del self._latest[subscription.subject]
        else:
            self._trie.remove(subscription)
        self._count -= 1
        return changes

    def _remove_member(self, member: Subscription, queue: bytes) -> bool:
        """Take out a member; return whether it was the last one of its server."""
        path = self._trie.path_to(member.subject)
        groups = path[0].groups if path is not None else None
        group = groups.get(queue) if groups is not None else None
        key = _key_of(member)
        part = group.get(key) if group is not None else None
        if path is None or groups is None or group is None or part is None:
            raise UnknownSubscription(member.subject)
        part.members.remove(member.target)
        part.count -= 1
        if part.distant is not None:
            part.distant.pop(member, None)
        if part.count:
            return False
        del group[key]
        if not group:
            del groups[queue]
        if not groups:
            path[0].groups = None
            self._trie.cut(path)
        return True

    def weigh(self, member: Subscription, weight: int) -> None:
        """Let the part of this one, the only member of its server, count for so much in the draw."""
        path = self._trie.path_to(member.subject)
        groups = path[0].groups if path is not None else None
        if groups is None or member.queue not in groups:
            raise UnknownSubscription(member.subject)
        groups[member.queue][_key_of(member)].members.weight = weight

    def lone(self, subject: bytes) -> Subscription | None:
        """The only subscription that covers a published subject, as far as that is seen at once."""
        one = self._latest.get(subject)
        if one is not None:
            return one if self._trie.is_bare(subject) else None
        return self._trie.lone(subject)

    def search(self, subject: bytes) -> Search[Subscription, QueueGroup]:
        """Find the nodes that cover a published subject, in steps; see `SubscriptionTrie.search`."""
        return self._whole().search(subject)

    def local_parts(self, queue: bytes, subject: bytes) -> list[Group]:
        """The members here of a group that listen to a subject, as far as any of them is alive."""
        return [
            part.members
            for group in self._named(queue, subject)
            for part in group.values()
            if part.origin == LOCAL and not (part.filter is not None and part.filter.drops(subject))
            if part.members.is_alive()
        ]

    def distant_members(self, queue: bytes, subject: bytes) -> Iterator[Subscription]:
        """Its members at other servers."""
        for group in self._named(queue, subject):
            for part in group.values():
                yield from part.distant or ()

    def plain_at(self, origin: int, subject: bytes) -> Subscription | None:
        """A plain subscription of a leaf link to a subject, if it has one."""
        plain = (one for node in self._whole().match(subject).ends for one in node.plain_subscriptions())
        return next((one for one in plain if one.subscriber.origin == origin), None)

    def queues_at(self, origin: int, subject: bytes) -> set[bytes]:
        """The queue groups that have a member at a leaf link which listens to a subject."""
        return {
            queue
            for node in self._trie.match(subject).ends
            for queue, group in (node.groups or {}).items()
            if any(part.origin == origin for part in group.values())
        }

    def plain_origins(self, subject: bytes) -> set[int]:
        """Leaf links that have plain subscriptions to a subject."""
        return {
            one.subscriber.origin
            for node in self._whole().match(subject).ends
            for one in node.plain_subscriptions()
            if one.via is not None
        }

    def _named(self, queue: bytes, subject: bytes) -> list[QueueGroup]:
        nodes = self._trie.match(subject).ends
        return [node.groups[queue] for node in nodes if node.groups is not None and queue in node.groups]


def _key_of(member: Subscription) -> _PartKey:
    """The part that it belongs to; the weight of one at a link of another server is fixed by its name."""
    subscriber = member.subscriber
    is_far = member.via is not None and subscriber.kind is PeerKind.ROUTE
    return subscriber.origin, member.filter, member.via, subscriber.weight(member.sid) if is_far else 1
