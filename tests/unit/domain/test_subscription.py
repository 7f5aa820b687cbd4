"""A subscription, and what it tells whoever holds it."""

from app.domain.dataplane.seam import MakePlane
from app.domain.subscription import Subscription
from tests.fakes.data_plane import Stage
from tests.fakes.subscribers import FakeSubscriber


def test_the_subscriber_hears_of_the_last_message(make_plane: MakePlane) -> None:
    """When a target has had its last message, its subscription tells who holds it."""
    stage = Stage(make_plane)
    subscriber = FakeSubscriber(stage.plane)
    subscription = subscriber.subscription(b"a")
    subscription.target.limit = 2
    stage.subscribe(b"a", subscription.target)

    subscriber.station.feed(b"PUB a 0\r\n\r\n")
    early = list(subscriber.expired)
    subscriber.station.feed(b"PUB a 0\r\n\r\n")

    assert ([], [subscription]) == (early, subscriber.expired)


def test_subscriptions_are_compared_by_identity(make_plane: MakePlane) -> None:
    """Two subscriptions of the same words are two."""
    subscriber = FakeSubscriber(Stage(make_plane).plane)

    first, second = (Subscription(subscriber, b"a", b"q", b"1") for _ in range(2))

    assert 2 == len({first, second})
