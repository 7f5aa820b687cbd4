"""The subscription index: which subscriptions of a broker cover a subject.

The trie holds plain subscriptions one by one. The members of a queue group are not in
it: for each pattern and group name it holds one `QueueGroup`, in which the members of
each server are one vector of the data plane. So a member comes and goes in constant
time, however many there are, and plans refer to the vectors instead of listing them.

Counting follows subjects-and-routing.md, section 4. Answers are not remembered here:
plans made from them are, in the plan cache of the data plane.
"""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import cast

from app.domain.dataplane.seam import Group
from app.domain.interest.subscription import LOCAL, Subscription
from app.domain.subjects.trie import Match, Node, SubscriptionTrie, UnknownSubscription

CACHE_LIMIT = 1024
"""Most answers that ``/subsz`` shows, as in gnatsd, which remembers no more."""


@dataclass(frozen=True, slots=True)
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


class _Part:
    """The members of one server. The draw may have taken some out of the vector already.

    Those of another server are kept as subscriptions too, for `Failover`.
    """

    __slots__ = ("count", "distant", "members")

    def __init__(self, members: Group) -> None:
        self.members = members
        self.count = 0
        self.distant: dict[Subscription, None] = {}


class QueueGroup:
    """The members of one queue group on one pattern, by the origin that they are known from."""

    __slots__ = ("parts", "queue", "subject")

    def __init__(self, subject: bytes, queue: bytes) -> None:
        self.subject = subject
        self.queue = queue
        self.parts: dict[int, _Part] = {}


Listed = Subscription | QueueGroup
"""What the trie holds."""


class SubscriptionIndex:
    """All subscriptions of a broker."""

    def __init__(self) -> None:
        self._trie: SubscriptionTrie[Listed] = SubscriptionTrie()
        self._groups: dict[tuple[bytes, bytes], QueueGroup] = {}
        """By pattern and name."""
        self._members = 0
        self.make_group: Callable[[], Group]
        """Makes a vector of members; set before the first one is inserted."""

    def __len__(self) -> int:
        """How many subscriptions there are."""
        return self._trie.count - len(self._groups) + self._members

    def insert(self, subscription: Subscription) -> bool:
        """Add; return whether answers are others now. Raises `InvalidSubject`, and changes nothing."""
        if subscription.queue is None:
            self._trie.insert(subscription)
            return True
        key = (subscription.subject, subscription.queue)
        group = self._groups.get(key)
        if group is None:
            group = QueueGroup(*key)
            self._trie.insert(group)
            self._groups[key] = group
        origin = subscription.subscriber.origin
        part = group.parts.get(origin)
        appears = part is None
        if part is None:
            part = group.parts[origin] = _Part(self.make_group())
        part.members.add(subscription.target)
        part.count += 1
        if origin != LOCAL:
            part.distant[subscription] = None
        self._members += 1
        return appears

    def remove(self, subscription: Subscription) -> bool:
        """Take out; return whether answers are others now.

        Raises `InvalidSubject` or `UnknownSubscription`, and changes nothing.
        """
        if subscription.queue is None:
            self._trie.remove(subscription)
            return True
        key = (subscription.subject, subscription.queue)
        group = self._groups.get(key)
        origin = subscription.subscriber.origin
        part = group.parts.get(origin) if group is not None else None
        if group is None or part is None:
            raise UnknownSubscription(subscription.subject)
        part.members.remove(subscription.target)
        part.count -= 1
        part.distant.pop(subscription, None)
        self._members -= 1
        if part.count:
            return False
        del group.parts[origin]
        if not group.parts:
            self._trie.remove(group)
            del self._groups[key]
        return True

    def search(self, subject: bytes) -> Generator[None, None, Match[Listed]]:
        """Find the nodes that cover a published subject, in steps; see `SubscriptionTrie.search`."""
        return self._trie.search(subject)

    @staticmethod
    def plain(node: Node[Listed]) -> list[Subscription]:
        """Those at a node that all get the message."""
        return cast("list[Subscription]", list(node.plain_subscriptions()))

    @staticmethod
    def groups(node: Node[Listed]) -> list[QueueGroup]:
        """The queue groups at a node."""
        return cast("list[QueueGroup]", [one for _, listed in node.members() for one in listed])

    def local_parts(self, queue: bytes, subject: bytes) -> list[Group]:
        """The members here of a group that listen to a subject, as far as any of them is alive."""
        groups = self._named(queue, subject)
        parts = [group.parts[LOCAL].members for group in groups if LOCAL in group.parts]
        return [members for members in parts if members.is_alive()]

    def distant_members(self, queue: bytes, subject: bytes) -> Iterator[Subscription]:
        """Its members at other servers."""
        for group in self._named(queue, subject):
            for part in group.parts.values():
                yield from part.distant

    def _named(self, queue: bytes, subject: bytes) -> list[QueueGroup]:
        nodes = self._trie.match(subject).ends
        return [group for node in nodes for group in self.groups(node) if group.queue == queue]
