"""Interest: subscriptions are added to and removed from the index, routing, plans and other servers."""

from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import Protocol

from ..dataplane.seam import Outbox, Plane
from ..hooks.patterns import HookPatterns
from ..permissions.profiles import Profiles
from ..permissions.rule_set import Filter
from ..protocol.commands import Subscribe
from ..subjects.subject import matches, may_match, tokens_of
from ..subjects.trie import Search
from .index import CACHE_LIMIT, IndexStats, QueueGroup, SubscriptionIndex
from .message_source import MessageSource
from .remote_interest import RemoteInterest
from .routing import RECEIVERS_PER_STEP, FindLine, Routing
from .subscription import LOCAL, Subscriber, Subscription, member_sid, route_sid, subscription_of
from .tombstones import MOST_TOMBSTONES
from .watches import Watches

FEW = 8
"""Subscriptions of one peer that are compared one by one sooner than the index is searched."""


class Announcer(Protocol):
    """Announces to the other servers of a cluster the subscriptions of peers that they do not know."""

    def announces(self, subscription: Subscription) -> bool:
        """Whether it is announced to the other servers, which depends on the kind of its peer."""
        ...

    def added(self, subscription: Subscription) -> None:
        """It is there from now on."""
        ...

    def limited(self, subscription: Subscription) -> None:
        """It ends after the messages that its target is limited to."""
        ...

    def removed(self, subscription: Subscription) -> None:
        """It is gone."""
        ...

    def renamed(self, subscription: Subscription, before: bytes) -> None:
        """It has another name than `before`."""
        ...


class Listing(Protocol):
    """Lists all interest by subject and queue group, for the servers at the other ends of leaf links."""

    def added(self, subscription: Subscription) -> None:
        """It is there from now on."""
        ...

    def removed(self, subscription: Subscription) -> None:
        """It is gone."""
        ...


class Interest:
    """Adds and removes subscriptions everywhere at once."""

    def __init__(self, index: SubscriptionIndex, routing: Routing, plane: Plane) -> None:
        self._index = index
        self._routing = routing
        self._plane = plane
        self._remote_interest = RemoteInterest()
        self._inserts = 0
        self._removes = 0
        index.make_group = plane.group
        routing.followers = self._remote_interest.followers
        self.names_receivers = False
        """Whether messages go out under other subjects, so that other servers are named each receiver."""
        self._briefs = plane.briefs
        self._announcer: Announcer | None = None  # where there is a cluster
        self._listing: Listing | None = None  # where there are leaf nodes
        self._watches: Watches | None = None
        self._allow_briefs()

    def announce_to(self, announcer: Announcer) -> None:
        """Announce subscriptions to the other servers of a cluster."""
        self._announcer = announcer
        self._allow_briefs()

    def list_in(self, listing: Listing) -> None:
        """Announce subscriptions to the servers at the other ends of leaf links."""
        self._listing = listing
        self._allow_briefs()

    @property
    def watches(self) -> Watches | None:
        """None while nothing is watched."""
        return self._watches

    @watches.setter
    def watches(self, watches: Watches) -> None:
        self._watches = watches
        self._allow_briefs()

    def _allow_briefs(self) -> None:
        """Let the data plane keep brief subscriptions, unless each one has to be announced."""
        hearers = (self._announcer, self._listing, self._watches, self._routing.hooks)
        self._briefs.allow(allowed=all(each is None for each in hearers))

    def subscribe(
        self,
        subscriber: Subscriber,
        outbox: Outbox,
        command: Subscribe,
        filter: Filter | None = None,  # noqa: A002 - see `Subscription`
    ) -> Subscription:
        """Make a subscription, whose messages go to `outbox`, but for those that `filter` drops.

        Raises `InvalidSubject`, and changes nothing, when the subject is malformed.
        """
        self._briefs.settle()
        subscription = subscription_of(subscriber, command, self._plane, outbox, filter)
        local = subscriber.origin == LOCAL
        if local or command.queue is not None:
            self._forget_plans(subscription, changes=self._index.insert(subscription))
        elif not self._remote_interest.follow(subscription):
            self._index.insert(subscription)
            self._remote_interest.lead(subscription)
            self._forget_plans(subscription, changes=True)
        elif self.names_receivers:
            self._forget_plans(subscription, changes=True)
        self._inserts += 1
        if self._announcer is not None and self._announcer.announces(subscription):
            self._announcer.added(subscription)
        if self._listing is not None:
            self._listing.added(subscription)
        return subscription

    def search(self, subject: bytes) -> Search[Subscription, QueueGroup]:
        """Look for all that listens to a published subject, in steps; nothing is counted."""
        self._briefs.settle()
        return self._index.search(subject)

    def search_group(self, subject: bytes, queue: bytes) -> Generator[None, None, bool]:
        """Whether a queue group of this name has a member that covers a literal subject, in steps."""
        search = self.search(subject)
        while (match := search.go_on()) is None:
            yield
        groups = (node.groups.get(queue, {}) for node in match.ends if node.groups is not None)
        return any(part.members.is_alive() for group in groups for part in group.values())

    @property
    def profiles(self) -> Profiles:
        """The numbers for rights of publishers."""
        return self._routing.profiles

    def limit(self, subscription: Subscription, limit: int) -> None:
        """Let it expire after `limit` messages in total, which is more than were delivered."""
        subscription.target.limit = limit
        if self._announcer is not None and self._announcer.announces(subscription):
            self._announcer.limited(subscription)

    def refilter(self, subscription: Subscription, filter: Filter | None) -> None:  # noqa: A002 - see `Subscription`
        """Let `filter` hold for it; `rights_changed` is to follow. Other servers need not hear of it."""
        if subscription.queue is None:
            subscription.filter = filter
            return
        self._index.remove(subscription)
        subscription.filter = filter
        self._index.insert(subscription)

    def use_hooks(self, patterns: HookPatterns | None) -> None:
        """Let these hooks see messages from now on; None for none."""
        self._routing.hooks = patterns
        self._allow_briefs()
        self._forget_all_plans()

    def rights_changed(self) -> None:
        """What was decided about messages holds no longer."""
        self._forget_all_plans()

    def remove(self, subscription: Subscription) -> None:
        """Take out a subscription; no message reaches it any more."""
        subscription.target.retire()
        local = subscription.subscriber.origin == LOCAL
        if local or subscription.queue is not None:
            self._forget_plans(subscription, changes=self._index.remove(subscription))
        elif not self._remote_interest.withdraw(subscription):
            self._index.remove(subscription)
            successor = self._remote_interest.resign(subscription)
            if successor is not None:
                self._index.insert(successor)
            self._forget_plans(subscription, changes=True)
        elif self.names_receivers:
            self._forget_plans(subscription, changes=True)
        self._removes += 1
        if self._announcer is not None and self._announcer.announces(subscription):
            self._note_left(subscription)
            self._announcer.removed(subscription)
        if self._listing is not None:
            self._listing.removed(subscription)

    def weigh(self, subscription: Subscription, weight: int, before: bytes = b"") -> None:
        """Let the queue member at the end of a leaf link count for this number of members.

        Other servers have known it as `before`, if they are to learn of it.
        """
        self._index.weigh(subscription, weight)
        if before and self._announcer is not None and self._announcer.announces(subscription):
            self._announcer.renamed(subscription, before)
            self._plane.forget_member(before)

    def find_lines_with(self, find: FindLine) -> None:
        """Have leaf links found so, for messages that other servers have drawn several groups there for."""
        self._routing.find_line = find

    def open_link(self, number: int, source: MessageSource) -> int:
        """The audience of a leaf link's messages, from now on, or with other rules than before."""
        known = self._routing.links.get(-number)
        self._routing.links[-number] = source
        if known is not None:
            self._forget_all_plans()
        return -number

    def close_link(self, number: int) -> None:
        """A leaf link is closed: its messages have no receivers any more."""
        self._routing.links.pop(-number, None)

    def of_subscriber(
        self, subscriber: Subscriber, own: Mapping[bytes, Subscription], subject: bytes
    ) -> Generator[None, None, list[Subscription]]:
        """A peer's plain subscriptions that match a subject, in steps; if it has none, one queue member.

        `own` are all that it has. What comes or goes between two steps is found or not.
        """
        search = self.search(subject)
        while (match := search.go_on()) is None:
            yield
        found: list[Subscription] = []
        for node in match.ends:
            receivers = node.plain_subscriptions()
            for start in range(0, len(receivers), RECEIVERS_PER_STEP):
                if start:
                    yield
                part = receivers[start : start + RECEIVERS_PER_STEP]
                found += [one for one in part if one.subscriber is subscriber]
        if found or all(node.groups is None for node in match.ends):
            return found
        return (yield from _member_of(own, subject))

    def __len__(self) -> int:
        """How many subscriptions there are."""
        self._briefs.settle()
        return self._inserts - self._removes

    def stats(self) -> IndexStats:
        """The figures now; those of the cache are of the plans that the data plane keeps."""
        hits, figures = self._plane.plan_hits, self._plane.plan_figures()
        matches = hits + self._routing.matches
        return IndexStats(
            num_subscriptions=len(self),
            num_cache=min(figures.plans, CACHE_LIMIT),
            num_inserts=self._inserts + self._briefs.passed,
            num_removes=self._removes + self._briefs.passed,
            num_matches=matches,
            cache_hit_rate=hits / matches if matches else 0.0,
            max_fanout=figures.max_fanout,
            avg_fanout=figures.total_fanout / figures.plans if figures.plans else 0.0,
            plan_cache_bytes=figures.size,
        )

    def _note_left(self, subscription: Subscription) -> None:
        """Another server may have drawn it before its end is announced there."""
        if subscription.queue is not None:
            self._routing.failover.left(subscription, route_sid(subscription))

    def leaving(self, subscriptions: Sequence[Subscription]) -> None:
        """The connection of these is closed; they are removed later, as they are many."""
        self._routing.failover.forget()
        if self._announcer is not None and self._announcer.announces(subscriptions[0]):
            for subscription in subscriptions[:MOST_TOMBSTONES]:
                self._note_left(subscription)

    def marks(self, origin: int) -> None:
        """The server of this route understands the mark of messages that are sent on; see `Failover`."""
        self._routing.failover.marks(origin)

    def route_ended(self, origin: int) -> None:
        """Forget what was known of the server of this route."""
        self._routing.failover.route_ended(origin)
        self.clear(origin)

    def suspect(self, origin: int) -> None:
        """Pass over the queue members known over this route, as long as their groups have others."""
        self._routing.suspected.add(origin)
        self._forget_all_plans()

    def clear(self, origin: int) -> None:
        """End the suspect, if there is any."""
        if origin in self._routing.suspected:
            self._routing.suspected.discard(origin)
            self._forget_all_plans()

    def _forget_all_plans(self) -> None:
        self._routing.forget()
        self._plane.forget_plans()

    def _forget_plans(self, subscription: Subscription, *, changes: bool) -> None:
        if changes:
            self._routing.forget()
            self._plane.changed(subscription.subject)
            if self._watches is not None:
                self._watches.note(subscription.subject)
        if subscription.queue is not None and not changes:
            self._routing.failover.forget()
        if self._announcer is not None and self._announcer.announces(subscription):
            self._plane.forget_member(member_sid(subscription))


def first_of_few(own: Iterable[Subscription], subject: bytes) -> Subscription | None:
    """The first that `Interest.of_subscriber` would find, among few, at once."""
    tokens = subject.split(b".")
    member: Subscription | None = None
    for one in own:
        if one.subject == subject or may_match(one.subject.split(b"."), tokens, 0):
            if one.queue is None:
                return one
            member = member or one
    return member


def _member_of(
    own: Mapping[bytes, Subscription], subject: bytes
) -> Generator[None, None, list[Subscription]]:
    """The first of these that is in a queue group and matches, if there is one."""
    tokens = tokens_of(subject)
    for number, one in enumerate(list(own.values()), 1):
        if one.queue is not None and matches(tokens_of(one.subject), tokens):
            return [one]
        if number % RECEIVERS_PER_STEP == 0:
            yield
    return []
