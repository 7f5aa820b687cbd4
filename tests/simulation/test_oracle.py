"""The oracle: which deliveries it expects, and which violations it reports."""

import math

import pytest

from app.adapters.clock_manual import ManualClock
from tests.simulation.fault_log import FaultLog
from tests.simulation.host import Host
from tests.simulation.oracle import (
    GRACE,
    Oracle,
    OracleMessage,
    OracleSession,
    OracleSubscription,
    Violation,
    covers,
)
from tests.simulation.scenario import Features

LONG = 2 * GRACE


class OracleDriver:
    """An oracle with two servers, and a client at each."""

    def __init__(self) -> None:
        clock = ManualClock()
        self.fault_log = FaultLog()
        self.oracle = Oracle(self.fault_log)
        self.here = Host(clock, "here", "10.0.0.1")
        self.there = Host(clock, "there", "10.0.0.2")
        self.publisher = OracleSession(1, "publisher", Host(clock, "c1", "10.0.1.1"), self.here)
        self.subscriber = OracleSession(2, "subscriber", Host(clock, "c2", "10.0.1.2"), self.there)
        self.now = 0.0

    def subscribe(
        self, pattern: str, queue: str | None = None, session: OracleSession | None = None
    ) -> OracleSubscription:
        """A subscription that its server confirmed long ago."""
        subscription = self.oracle.subscribed(session or self.subscriber, pattern, queue, self.now)
        subscription.confirmed = self.now
        self.now += LONG
        return subscription

    def publish(self, subject: str) -> int:
        """Publish a message; returns its number."""
        return self.oracle.published(self.publisher, subject, None, self.now).number

    def deliver(self, subscription: OracleSubscription, number: int) -> None:
        """Deliver a message."""
        self.oracle.delivered(subscription, number, self.now)

    def check(self) -> int:
        """End a quiet period; returns the number of expected deliveries."""
        self.now += LONG
        self.oracle.check()
        return self.oracle.expected


@pytest.fixture(name="driver")
def _driver() -> OracleDriver:
    return OracleDriver()


@pytest.mark.parametrize(
    ("pattern", "subject", "expected"),
    [
        ("a", "a", True),
        ("a", "a.b", False),
        ("a.*", "a.b", True),
        ("a.*", "a", False),
        ("*.b", "a.b", True),
        (">", "a.b.c", True),
        ("a.>", "a", False),
        ("a.>", "a.b.c", True),
        ("a.*.c", "a.b.d", False),
    ],
)
def test_patterns_cover_subjects(pattern: str, subject: str, expected: bool) -> None:  # noqa: FBT001 - a table
    """``*`` matches one token, and ``>`` one or more at the end."""
    assert expected is covers(pattern, subject)


def test_deliveries_once_and_in_order_are_valid(driver: OracleDriver) -> None:
    """There is no violation, and the expected deliveries are counted."""
    subscription = driver.subscribe("a.*")
    first, second = driver.publish("a.b"), driver.publish("a.c")

    driver.deliver(subscription, first)
    driver.deliver(subscription, second)

    assert 2 == driver.check()


def test_a_second_delivery_is_reported(driver: OracleDriver) -> None:
    """At most once holds whatever happened."""
    subscription = driver.subscribe("a")
    number = driver.publish("a")
    driver.deliver(subscription, number)

    with pytest.raises(Violation, match="at most once"):
        driver.deliver(subscription, number)


def test_a_wrong_order_is_reported(driver: OracleDriver) -> None:
    """Messages of one publisher arrive in the order of publication."""
    subscription = driver.subscribe("a")
    first, second = driver.publish("a"), driver.publish("a")
    driver.deliver(subscription, second)

    with pytest.raises(Violation, match="order"):
        driver.deliver(subscription, first)


def test_a_message_on_another_subject_is_reported(driver: OracleDriver) -> None:
    """Only subjects that match the pattern are delivered."""
    subscription = driver.subscribe("a")

    with pytest.raises(Violation, match="wrong subject"):
        driver.deliver(subscription, driver.publish("b"))


def test_two_members_of_a_group_with_the_same_message_are_reported(driver: OracleDriver) -> None:
    """Only one member in the whole cluster may receive it."""
    one, other = driver.subscribe("a", "q"), driver.subscribe("*", "q", driver.publisher)
    number = driver.publish("a")
    driver.deliver(one, number)

    with pytest.raises(Violation, match="one member per group"):
        driver.deliver(other, number)


def test_a_message_that_no_member_of_a_group_gets_is_reported(driver: OracleDriver) -> None:
    """A group must receive each message once, by any member."""
    driver.subscribe("a", "q")
    driver.subscribe("a", "q", driver.publisher)
    driver.publish("a")

    with pytest.raises(Violation, match="no member of group q"):
        driver.check()


def test_a_missing_message_is_reported(driver: OracleDriver) -> None:
    """Without an excuse every message must arrive."""
    driver.subscribe("a")
    driver.publish("a")

    with pytest.raises(Violation, match="exactly once"):
        driver.check()


@pytest.mark.parametrize("excuse", ["server", "path", "client", "left", "removed"])
def test_a_fault_on_the_path_in_time_excuses_a_loss(driver: OracleDriver, excuse: str) -> None:
    """A fault on the path, or the end of the receiver, within the grace."""
    subscription = driver.subscribe("a")
    driver.publish("a")

    if excuse == "server":
        driver.fault_log.record_host(driver.there, driver.now)
    elif excuse == "path":
        driver.fault_log.record_pair(driver.there, driver.here, driver.now)
    elif excuse == "client":
        driver.fault_log.record_pair(driver.subscriber.client, driver.there, driver.now)
    elif excuse == "left":
        driver.subscriber.ended = driver.now
    else:
        driver.oracle.unsubscribed(subscription, driver.now)

    assert 0 == driver.check()


def test_a_fault_elsewhere_excuses_nothing(driver: OracleDriver) -> None:
    """A path without faults carries everything."""
    third = Host(ManualClock(), "third", "10.0.0.3")
    driver.subscribe("a")
    driver.fault_log.record_host(third, driver.now)
    driver.fault_log.record_pair(third, driver.here, driver.now)
    driver.publish("a")

    with pytest.raises(Violation, match="exactly once"):
        driver.check()


def test_a_fault_long_after_excuses_nothing(driver: OracleDriver) -> None:
    """The message must have arrived before."""
    driver.subscribe("a")
    driver.publish("a")
    driver.fault_log.record_host(driver.there, driver.now + LONG)

    with pytest.raises(Violation, match="exactly once"):
        driver.check()


def test_no_delivery_is_expected_at_a_new_subscription(driver: OracleDriver) -> None:
    """Its announcement needs time to reach the publisher's server."""
    subscription = driver.oracle.subscribed(driver.subscriber, "a", None, driver.now)
    subscription.confirmed = driver.now
    driver.publish("a")

    assert 0 == driver.check()


def test_a_delivery_is_expected_after_a_message_of_the_same_session(driver: OracleDriver) -> None:
    """A server that passed on a later message knows the subscription, so replies must arrive."""
    subscription = driver.subscribe("ask", None, driver.publisher)
    driver.check()
    inbox = driver.oracle.subscribed(driver.subscriber, "inbox", None, driver.now)
    inbox.confirmed = driver.now
    request = driver.oracle.published(driver.subscriber, "ask", "inbox", driver.now)
    driver.deliver(subscription, request.number)
    driver.publish("inbox")

    with pytest.raises(Violation, match=r"exactly once: subscriber on inbox"):
        driver.check()


def test_a_message_after_a_confirmed_unsub_is_reported(driver: OracleDriver) -> None:
    """The server has confirmed the UNSUB."""
    subscription = driver.subscribe("a")
    number = driver.publish("a")
    driver.oracle.unsubscribed(subscription, driver.now)
    subscription.over = True

    with pytest.raises(Violation, match="UNSUB"):
        driver.deliver(subscription, number)


def test_a_message_beyond_the_limit_is_reported(driver: OracleDriver) -> None:
    """Deliveries before the confirmation of the limit count."""
    subscription = driver.subscribe("a")
    first, second, third = (driver.publish("a") for _ in range(3))
    driver.deliver(subscription, first)
    driver.oracle.limited(subscription, 2, driver.now)
    driver.deliver(subscription, second)

    with pytest.raises(Violation, match="UNSUB with max"):
        driver.deliver(subscription, third)
    assert math.inf > subscription.ended


def test_an_unconfirmed_subscription_is_reported(driver: OracleDriver) -> None:
    """After a quiet period every SUB is confirmed."""
    driver.oracle.subscribed(driver.subscriber, "a", None, driver.now)

    with pytest.raises(Violation, match="service"):
        driver.check()


@pytest.mark.parametrize(("frozen", "expected"), [(GRACE - 1.0, 0), (GRACE, 1)])
def test_a_group_does_without_a_member_of_a_frozen_server(
    driver: OracleDriver, frozen: float, expected: int
) -> None:
    """Once the other servers must suspect its server, another member receives the message."""
    responsive = driver.subscribe("a", "q")
    frozen_session = OracleSession(
        3, "frozen", Host(ManualClock(), "c3", "10.0.1.3"), Host(ManualClock(), "third", "10.0.0.3")
    )
    driver.subscribe("a", "q", frozen_session)

    driver.fault_log.record_freeze(frozen_session.server, driver.now)
    driver.now += frozen
    number = driver.publish("a")
    driver.deliver(responsive, number)
    driver.fault_log.record_thaw(frozen_session.server)

    assert expected == driver.check()


def test_a_late_delivery_to_a_group_is_reported(driver: OracleDriver) -> None:
    """A message for a group has the same time bound as any other."""
    subscription = driver.subscribe("a", "q")
    number = driver.publish("a")
    driver.now += LONG

    with pytest.raises(Violation, match=r"^in time"):
        driver.deliver(subscription, number)


def test_a_frozen_host_with_another_fault_is_excused(driver: OracleDriver) -> None:
    """A host with another fault, before or after its freeze, may lose messages."""
    driver.fault_log.record_freeze(driver.there, driver.now)
    first = driver.fault_log.frozen_since(driver.there)
    driver.fault_log.record_host(driver.there, driver.now)
    driver.fault_log.record_freeze(driver.there, driver.now)

    assert (0.0, math.inf) == (first, driver.fault_log.frozen_since(driver.there))


BLOCK = b"NATS/1.0\r\n\r\n"
TODAY = Features(headers=True, no_responders=True)


def headed(driver: OracleDriver) -> int:
    """Publish a message with headers; returns its number."""
    number = driver.publish("a")
    driver.oracle.messages[number].block = BLOCK
    return number


def test_headers_arrive_whole_or_not_at_all(driver: OracleDriver) -> None:
    """A client that takes headers gets them, and another one none; both are deliveries."""
    able = OracleSession(3, "able", driver.subscriber.client, driver.there, TODAY)
    plain, takes = driver.subscribe("a"), driver.subscribe("a", session=able)
    number = headed(driver)

    driver.deliver(plain, number)
    driver.oracle.delivered(takes, number, driver.now, BLOCK)

    assert (2, 1) == (driver.check(), driver.oracle.headed)


@pytest.mark.parametrize(
    ("features", "block"),
    [
        (Features(), BLOCK),
        (TODAY, BLOCK[:-1]),
        (TODAY, b""),
    ],
    ids=["unasked", "spoilt", "cut off"],
)
def test_wrong_headers_are_reported(driver: OracleDriver, features: Features, block: bytes) -> None:
    """Those that were not asked for, those of which a byte is missing, and those that are missing."""
    session = OracleSession(3, "able", driver.subscriber.client, driver.there, features)
    subscription = driver.subscribe("a", session=session)
    number = headed(driver)

    with pytest.raises(Violation, match="headers"):
        driver.oracle.delivered(subscription, number, driver.now, block)


def test_what_was_sent_on_may_lack_its_headers(driver: OracleDriver) -> None:
    """Where a server takes none, and a member of the group has left."""
    session = OracleSession(3, "able", driver.subscriber.client, driver.there, TODAY)
    subscription, leaver = driver.subscribe("a", "q", session), driver.subscribe("a", "q")
    driver.oracle.unsubscribed(leaver, driver.now)
    number = headed(driver)
    driver.oracle.mixed = True

    driver.oracle.delivered(subscription, number, driver.now)

    assert 1 == driver.oracle.deliveries


def test_an_echo_is_reported(driver: OracleDriver) -> None:
    """A client that wants none is not expected to get its own messages, and must not."""
    driver.publisher.features = Features(echo=False)
    own = driver.subscribe("a", session=driver.publisher)
    number = driver.publish("a")
    assert 0 == driver.check()

    with pytest.raises(Violation, match="echo"):
        driver.deliver(own, number)


class Request:
    """A request of a client of today, and its inbox."""

    def __init__(self, driver: OracleDriver) -> None:
        self._driver = driver
        self._session = driver.publisher
        self._session.features = TODAY
        self.inbox = driver.subscribe("inbox.*", session=self._session)
        self.message: OracleMessage = driver.oracle.published(self._session, "ask", "inbox.1", driver.now)

    def fail(self, subject: str = "ask") -> None:
        """It is answered with 503."""
        self._driver.oracle.unanswered(self.inbox, self.message.number, subject, self._driver.now)


def test_a_request_to_nobody_is_answered(driver: OracleDriver) -> None:
    """If nobody listens, 503 is expected, once."""
    request = Request(driver)

    request.fail()

    assert (1, 1) == (driver.check(), driver.oracle.requests_to_nobody)
    with pytest.raises(Violation, match="no responders"):
        request.fail()


def test_a_request_to_nobody_without_an_answer_is_reported(driver: OracleDriver) -> None:
    """The client would wait for its time limit."""
    Request(driver)

    with pytest.raises(Violation, match="no responders: publisher did not hear"):
        driver.check()


def test_somebody_may_have_come_meanwhile(driver: OracleDriver) -> None:
    """A subscription just after the request is an excuse, whichever of the two was first at the server."""
    Request(driver)
    driver.subscribe("ask")

    assert 0 == driver.check()


def test_a_wrong_answer_to_a_request_is_reported(driver: OracleDriver) -> None:
    """503 names the subject of the request."""
    request = Request(driver)

    with pytest.raises(Violation, match="no responders"):
        request.fail("other")


def test_a_false_answer_to_a_request_is_reported(driver: OracleDriver) -> None:
    """What was delivered has not reached nobody, and the other way round."""
    subscription, request = driver.subscribe("ask"), Request(driver)
    driver.deliver(subscription, request.message.number)

    with pytest.raises(Violation, match="which was delivered"):
        request.fail()
    other = Request(driver)
    other.fail()
    with pytest.raises(Violation, match="which had reached nobody"):
        driver.deliver(subscription, other.message.number)


def test_an_answer_counts_for_the_limit(driver: OracleDriver) -> None:
    """A subscription with a limit has had one message more."""
    request = Request(driver)
    driver.oracle.limited(request.inbox, 1, driver.now)

    request.fail()

    assert request.inbox.ended == driver.now
