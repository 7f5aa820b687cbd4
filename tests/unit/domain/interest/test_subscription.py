"""A subscription, and what its holder hears of it."""

import pytest

from app.domain.dataplane.seam import MakePlane
from app.domain.interest.subscription import (
    MOST_WEIGHT,
    Subscription,
    read_member,
    read_via,
    read_weight,
    route_sid,
    subscription_of,
    unweighted,
)
from app.domain.protocol.commands import Subscribe
from tests.fakes.data_plane import Stage
from tests.fakes.subscriber import FakeSubscriber


def subscription_on_a(subscriber: FakeSubscriber, queue: bytes | None, sid: bytes) -> Subscription:
    """A subscription on one subject."""
    station = subscriber.station
    return subscription_of(subscriber, Subscribe(b"a", queue, sid), station.plane, station.outbox)


def test_the_subscriber_hears_of_the_last_message(make_plane: MakePlane) -> None:
    """When a target has had its last message, its holder hears of it."""
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

    first, second = (subscription_on_a(subscriber, b"q", b"1") for _ in range(2))

    assert 2 == len({first, second})


def test_names_on_routes(make_plane: MakePlane) -> None:
    """Other servers know a subscription by its connection's number and its sid, a member by a mark too."""
    subscriber = FakeSubscriber(Stage(make_plane).plane, number=7)
    plain, member = (subscription_on_a(subscriber, queue, b"x:\xff") for queue in (None, b"q"))

    assert [b"RSID:7:x:\xff", b"QRSID:7:x:\xff"] == [route_sid(plain), route_sid(member)]


@pytest.mark.parametrize(
    ("sid", "member"),
    [
        (b"QRSID:7:1", (7, b"1")),
        (b"QRSID:7:x:y", (7, b"x:y")),
        (b"QRSID:7:", (7, b"")),
        (b"QRSID:007:1", (7, b"1")),
        (b"QRSID:999999999999999999:1", (999_999_999_999_999_999, b"1")),
    ],
)
def test_members_are_found_by_name(sid: bytes, member: tuple[int, bytes]) -> None:
    """The name of a member says whose it is, and by which sid."""
    assert member == read_member(sid)


@pytest.mark.parametrize(
    "sid",
    [
        b"",
        b"1",
        b"RSID:7:1",
        b"qrsid:7:1",
        b"xQRSID:7:1",
        b"QRSID:",
        b"QRSID::1",
        b"QRSID:7",
        b"QRSID:-7:1",
        b"QRSID:+7:1",
        b"QRSID: 7:1",
        b"QRSID:7_0:1",
        b"QRSID:0x7:1",
        b"QRSID:\xd9\xa7:1",
        b"QRSID:1000000000000000000:1",
        b"QRSID:%b:1" % (5000 * b"9"),
    ],
)
def test_names_of_no_member(sid: bytes) -> None:
    """Whatever else a peer sends names nobody, at no cost."""
    assert read_member(sid) is None


@pytest.mark.parametrize(
    ("sid", "via", "weight", "without"),
    [
        (b"QRSID:~x*12:5:1:qa", b"x", 12, b"QRSID:~x:5:1:qa"),
        (b"QRSID:~x:5:1:qa", b"x", 1, b"QRSID:~x:5:1:qa"),
        (b"QRSID:~x*0:5:1:qa", b"x", 1, b"QRSID:~x:5:1:qa"),
        (b"QRSID:~x*9999999999:5:1:qa", b"x", MOST_WEIGHT, b"QRSID:~x:5:1:qa"),
        (b"QRSID:~x*99999999999:5:1:qa", b"x", 1, b"QRSID:~x:5:1:qa"),
        (b"QRSID:~x*-1:5:1:qa", b"x", 1, b"QRSID:~x:5:1:qa"),
        (b"RSID:~x*7:5:0:a", b"x", 1, b"RSID:~x:5:0:a"),
        (b"QRSID:5*7:1", None, 1, b"QRSID:5*7:1"),
        (b"*7", None, 1, b"*7"),
    ],
)
def test_weights_in_names(sid: bytes, via: bytes | None, weight: int, without: bytes) -> None:
    """A queue group of a leaf node has the number of its members after the cluster, within a bound."""
    assert (via, weight, without) == (read_via(sid), read_weight(sid), unweighted(sid))
    assert via is None or sid.startswith(b"RSID") or (5, b"1:qa") == read_member(sid)
