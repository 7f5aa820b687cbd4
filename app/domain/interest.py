"""All that anyone listens to, kept in step: index, routing, plans, and the other servers."""

from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Protocol

from app.domain.dataplane.seam import Plane
from app.domain.index import IndexStats, SubscriptionIndex
from app.domain.representatives import Representatives
from app.domain.routing import Routing
from app.domain.subscription import LOCAL, Subscription, route_sid
from app.domain.tombstones import MOST_TOMBSTONES


class Announcer(Protocol):
    """Tells the other servers of a cluster about local subscriptions."""

    def added(self, subscription: Subscription) -> None: ...

    def limited(self, subscription: Subscription) -> None:
        """It ends after the messages that its target is limited to."""
        ...

    def removed(self, subscription: Subscription) -> None: ...


class Interest:
    """Adds and removes subscriptions everywhere at once."""

    def __init__(self, index: SubscriptionIndex[Subscription], routing: Routing, plane: Plane) -> None:
        self._index = index
        self._routing = routing
        self._plane = plane
        self._representatives = Representatives()
        self.announcer: Announcer | None = None
        """None where there is no cluster."""

    def add(self, subscription: Subscription) -> None:
        """Raises `InvalidSubject`, and changes nothing, when the subject is malformed."""
        represented = _may_be_represented(subscription)
        if represented and self._representatives.follow(subscription):
            return
        self._index.insert(subscription)
        if represented:
            self._representatives.lead(subscription)
        self._forget_plans(subscription)
        if self.announcer is not None and subscription.subscriber.origin == LOCAL:
            self.announcer.added(subscription)

    def limit(self, subscription: Subscription, limit: int) -> None:
        """End it after so many messages in all; they are more than it has had."""
        subscription.target.limit = limit
        if self.announcer is not None and subscription.subscriber.origin == LOCAL:
            self.announcer.limited(subscription)

    def remove(self, subscription: Subscription) -> None:
        """Take out a subscription that was added; no message reaches it any more."""
        subscription.target.retire()
        represented = _may_be_represented(subscription)
        if represented and self._representatives.withdraw(subscription):
            return
        self._index.remove(subscription)
        if represented and (successor := self._representatives.resign(subscription)) is not None:
            self._index.insert(successor)
        self._forget_plans(subscription)
        if self.announcer is not None and subscription.subscriber.origin == LOCAL:
            self._note_left(subscription)
            self.announcer.removed(subscription)

    def __len__(self) -> int:
        """How many subscriptions there are."""
        return len(self._index) + self._representatives.waiting

    def stats(self) -> IndexStats:
        """The figures of the index, those included that are represented by others there.

        It looks at each answer the index remembers.
        """
        return self._with_represented(self._index.stats(self._plane.plan_hits))

    def stats_in_steps(self) -> Generator[None, None, IndexStats]:
        """The same, with pauses; see the index."""
        stats = yield from self._index.stats_in_steps(self._plane.plan_hits)
        return self._with_represented(stats)

    def _with_represented(self, stats: IndexStats) -> IndexStats:
        waiting, withdrawn = self._representatives.waiting, self._representatives.withdrawn
        return replace(
            stats,
            num_subscriptions=stats.num_subscriptions + waiting,
            num_inserts=stats.num_inserts + waiting + withdrawn,
            num_removes=stats.num_removes + withdrawn,
        )

    def _note_left(self, subscription: Subscription) -> None:
        """Another server may have drawn it before it hears of its end."""
        if subscription.queue is not None:
            self._routing.stand_ins.left(subscription, route_sid(subscription))

    def leaving(self, subscriptions: Sequence[Subscription]) -> None:
        """The connection of these is closed; they are removed later, as they are many."""
        if self.announcer is not None and subscriptions[0].subscriber.origin == LOCAL:
            for subscription in subscriptions[:MOST_TOMBSTONES]:
                self._note_left(subscription)

    def marks(self, origin: int) -> None:
        """The server of this route understands the mark of messages that are sent on; see `StandIns`."""
        self._routing.stand_ins.marking.add(origin)

    def route_ended(self, origin: int) -> None:
        """Forget what was known of the server of this route."""
        self._routing.stand_ins.marking.discard(origin)
        self.trust(origin)

    def mourn(self) -> None:
        """Subscriptions of a closed connection stay for a while: let no message be given to them.

        That matters to queue groups, whose other members get it then.
        """
        self._routing.mourning = True
        self._forget_all_plans()

    def mourned(self) -> None:
        """They are all removed."""
        self._routing.mourning = False

    def doubt(self, origin: int) -> None:
        """Pass over the queue members known over this route, as long as their groups have others."""
        self._routing.doubted.add(origin)
        self._forget_all_plans()

    def trust(self, origin: int) -> None:
        """End the doubt, if there is any."""
        if origin in self._routing.doubted:
            self._routing.doubted.discard(origin)
            self._forget_all_plans()

    def _forget_all_plans(self) -> None:
        self._routing.forget()
        self._plane.forget_plans()

    def _forget_plans(self, subscription: Subscription) -> None:
        self._routing.forget()
        self._plane.changed(subscription.subject)
        if self.announcer is not None and subscription.queue is not None:
            self._plane.forget_member(route_sid(subscription))


def _may_be_represented(subscription: Subscription) -> bool:
    """Another server gets a message once, but each member of a queue group has its turn."""
    return subscription.queue is None and subscription.subscriber.origin != LOCAL
