"""All that anyone listens to, kept in step: index, routing and plans."""

from app.domain.dataplane.seam import Plane
from app.domain.index import SubscriptionIndex
from app.domain.routing import Routing
from app.domain.subscription import Subscription


class Interest:
    """Adds and removes subscriptions everywhere at once."""

    def __init__(self, index: SubscriptionIndex[Subscription], routing: Routing, plane: Plane) -> None:
        self._index = index
        self._routing = routing
        self._plane = plane

    def add(self, subscription: Subscription) -> None:
        """Raises `InvalidSubject`, and changes nothing, when the subject is malformed."""
        self._index.insert(subscription)
        self._forget_plans(subscription.subject)

    def remove(self, subscription: Subscription) -> None:
        """Take out a subscription that was added; no message reaches it any more."""
        subscription.target.retire()
        self._index.remove(subscription)
        self._forget_plans(subscription.subject)

    def _forget_plans(self, subject: bytes) -> None:
        self._routing.forget()
        self._plane.changed(subject)
