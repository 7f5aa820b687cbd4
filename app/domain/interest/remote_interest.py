"""One for many: of the plain subscriptions of one server to one subject, the first represents all.

Another server gets a message once, whoever listens there, so it is enough to look up one
of them: a message to a hundred thousand listeners elsewhere costs what it costs to one.
"""

from app.domain.interest.subscription import Subscription


class RemoteInterest:
    """Who is looked up for the plain subscriptions of other servers, and who waits behind."""

    def __init__(self) -> None:
        self._first: dict[int, dict[bytes, Subscription]] = {}
        """By origin and subject."""
        self._behind: dict[Subscription, dict[Subscription, None]] = {}
        """Sets that give up their youngest at no cost; only for those that have somebody behind."""
        self.waiting = 0
        """How many wait behind others."""
        self.withdrawn = 0
        """How many have ceased to wait without ever having been looked up."""

    def follow(self, subscription: Subscription) -> bool:
        """Let it wait behind the one that stands for its subject; False if there is none."""
        first = self._first_of(subscription)
        if first is None:
            return False
        self._behind.setdefault(first, {})[subscription] = None
        self.waiting += 1
        return True

    def lead(self, subscription: Subscription) -> None:
        """It is looked up from now on, for those too that come behind it."""
        subjects = self._first.setdefault(subscription.subscriber.origin, {})
        subjects[subscription.subject] = subscription

    def withdraw(self, subscription: Subscription) -> bool:
        """Let it wait no more; False if it is one that is looked up."""
        first = self._first_of(subscription)
        if first is None or first is subscription:
            return False
        behind = self._behind[first]
        del behind[subscription]
        if not behind:
            del self._behind[first]
        self.waiting -= 1
        self.withdrawn += 1
        return True

    def resign(self, subscription: Subscription) -> Subscription | None:
        """One that led ends: the youngest behind it leads from now on, and is returned."""
        behind = self._behind.pop(subscription, None)
        if behind is None:
            self._forget(subscription)
            return None
        successor, _ = behind.popitem()
        if behind:
            self._behind[successor] = behind
        self.waiting -= 1
        self.lead(successor)
        return successor

    def _first_of(self, subscription: Subscription) -> Subscription | None:
        subjects = self._first.get(subscription.subscriber.origin)
        return subjects.get(subscription.subject) if subjects is not None else None

    def _forget(self, subscription: Subscription) -> None:
        origin = subscription.subscriber.origin
        del self._first[origin][subscription.subject]
        if not self._first[origin]:
            del self._first[origin]
