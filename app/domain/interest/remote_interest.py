"""Remote interest: one subscription represents all plain ones of a server to a subject.

Another server gets a message once, however many listen there, so it is enough to look up one
of them: a message to a hundred thousand listeners elsewhere costs what it costs to one.
"""

from collections.abc import Iterable

from .subscription import Subscription

_Source = tuple[int, bytes | None]


class RemoteInterest:
    """Which of the plain subscriptions of other servers are in the index, and which wait."""

    def __init__(self) -> None:
        self._first: dict[_Source, dict[bytes, Subscription]] = {}
        """By origin, the cluster that it speaks for, and subject."""
        self._waiting_for: dict[Subscription, dict[Subscription, None]] = {}
        """Those that wait, by the one in the index: sets that give up their youngest at no cost."""

    def follow(self, subscription: Subscription) -> bool:
        """Let it wait, as another one represents its subject; False if there is none."""
        first = self._first_of(subscription)
        if first is None:
            return False
        self._waiting_for.setdefault(first, {})[subscription] = None
        return True

    def lead(self, subscription: Subscription) -> None:
        """It represents its subject from now on."""
        subjects = self._first.setdefault(_source_of(subscription), {})
        subjects[subscription.subject] = subscription

    def withdraw(self, subscription: Subscription) -> bool:
        """Let it wait no more; False if it is one that is looked up."""
        first = self._first_of(subscription)
        if first is None or first is subscription:
            return False
        waiting = self._waiting_for[first]
        del waiting[subscription]
        if not waiting:
            del self._waiting_for[first]
        return True

    def resign(self, subscription: Subscription) -> Subscription | None:
        """One that led ends: the youngest that waits leads from now on, and is returned."""
        waiting = self._waiting_for.pop(subscription, None)
        if waiting is None:
            self._forget(subscription)
            return None
        successor, _ = waiting.popitem()
        if waiting:
            self._waiting_for[successor] = waiting
        self.lead(successor)
        return successor

    def followers(self, subscription: Subscription) -> Iterable[Subscription]:
        """Those that wait for one in the index."""
        return self._waiting_for.get(subscription, ())

    def _first_of(self, subscription: Subscription) -> Subscription | None:
        subjects = self._first.get(_source_of(subscription))
        return subjects.get(subscription.subject) if subjects is not None else None

    def _forget(self, subscription: Subscription) -> None:
        source = _source_of(subscription)
        del self._first[source][subscription.subject]
        if not self._first[source]:
            del self._first[source]


def _source_of(subscription: Subscription) -> _Source:
    return subscription.subscriber.origin, subscription.via
