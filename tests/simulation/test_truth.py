"""What clients must get, and must not: the rules that every delivery is held to."""

import math

import pytest

from app.adapters.clock_manual import ManualClock
from tests.simulation.damage import Damage
from tests.simulation.host import Host
from tests.simulation.truth import GRACE, Interest, Member, Truth, Violation, covers

LONG = 2 * GRACE


class Court:
    """A truth about two servers, and a client at each."""

    def __init__(self) -> None:
        clock = ManualClock()
        self.damage = Damage()
        self.truth = Truth(self.damage)
        self.here = Host(clock, "here", "10.0.0.1")
        self.there = Host(clock, "there", "10.0.0.2")
        self.publisher = Member(1, "publisher", Host(clock, "c1", "10.0.1.1"), self.here)
        self.subscriber = Member(2, "subscriber", Host(clock, "c2", "10.0.1.2"), self.there)
        self.now = 0.0

    def subscribe(self, pattern: str, queue: str | None = None, member: Member | None = None) -> Interest:
        """A subscription that its server has confirmed, long ago."""
        interest = self.truth.asked(member or self.subscriber, pattern, queue, self.now)
        interest.confirmed = self.now
        self.now += LONG
        return interest

    def publish(self, subject: str) -> int:
        """A message, and its number."""
        return self.truth.published(self.publisher, subject, None, self.now).number

    def deliver(self, interest: Interest, number: int) -> None:
        """It arrived."""
        self.truth.delivered(interest, number, self.now)

    def pass_judgement(self) -> int:
        """A quiet period; how many deliveries were owed."""
        self.now += LONG
        self.truth.judge()
        return self.truth.owed


@pytest.fixture(name="court")
def _court() -> Court:
    return Court()


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
    """A star covers one token, and an arrow one or more at the end."""
    assert expected is covers(pattern, subject)


def test_what_is_delivered_once_and_in_order_is_right(court: Court) -> None:
    """Nothing is found, and what was owed is counted."""
    interest = court.subscribe("a.*")
    first, second = court.publish("a.b"), court.publish("a.c")

    court.deliver(interest, first)
    court.deliver(interest, second)

    assert 2 == court.pass_judgement()


def test_a_second_delivery_is_found(court: Court) -> None:
    """At most once holds always."""
    interest = court.subscribe("a")
    number = court.publish("a")
    court.deliver(interest, number)

    with pytest.raises(Violation, match="at most once"):
        court.deliver(interest, number)


def test_a_wrong_order_is_found(court: Court) -> None:
    """Messages of one publisher come in the order of their numbers."""
    interest = court.subscribe("a")
    first, second = court.publish("a"), court.publish("a")
    court.deliver(interest, second)

    with pytest.raises(Violation, match="order"):
        court.deliver(interest, first)


def test_a_message_on_another_subject_is_found(court: Court) -> None:
    """Only what the pattern covers is delivered."""
    interest = court.subscribe("a")

    with pytest.raises(Violation, match="wrong subject"):
        court.deliver(interest, court.publish("b"))


def test_two_members_of_a_group_with_the_same_message_are_found(court: Court) -> None:
    """One member in the whole cluster gets it."""
    one, other = court.subscribe("a", "q"), court.subscribe("*", "q", court.publisher)
    number = court.publish("a")
    court.deliver(one, number)

    with pytest.raises(Violation, match="one member per group"):
        court.deliver(other, number)


def test_a_message_that_nobody_of_a_group_gets_is_found(court: Court) -> None:
    """A group is owed each message once, though no member is."""
    court.subscribe("a", "q")
    court.subscribe("a", "q", court.publisher)
    court.publish("a")

    with pytest.raises(Violation, match="nobody of group q"):
        court.pass_judgement()


def test_a_missing_message_is_found(court: Court) -> None:
    """What nothing excuses must arrive."""
    court.subscribe("a")
    court.publish("a")

    with pytest.raises(Violation, match="exactly once"):
        court.pass_judgement()


@pytest.mark.parametrize("excuse", ["server", "way", "client", "left", "given up"])
def test_what_touches_the_path_in_time_excuses_a_loss(court: Court, excuse: str) -> None:
    """A fault on the path, or a receiver that ended, within the grace."""
    interest = court.subscribe("a")
    court.publish("a")

    if excuse == "server":
        court.damage.touch(court.there, court.now)
    elif excuse == "way":
        court.damage.touch_pair(court.there, court.here, court.now)
    elif excuse == "client":
        court.damage.touch_pair(court.subscriber.client, court.there, court.now)
    elif excuse == "left":
        court.subscriber.ended = court.now
    else:
        court.truth.given_up(interest, court.now)

    assert 0 == court.pass_judgement()


def test_a_fault_elsewhere_excuses_nothing(court: Court) -> None:
    """A path that nothing touched carries everything."""
    third = Host(ManualClock(), "third", "10.0.0.3")
    court.subscribe("a")
    court.damage.touch(third, court.now)
    court.damage.touch_pair(third, court.here, court.now)
    court.publish("a")

    with pytest.raises(Violation, match="exactly once"):
        court.pass_judgement()


def test_a_fault_long_after_excuses_nothing(court: Court) -> None:
    """By then the message had arrived."""
    court.subscribe("a")
    court.publish("a")
    court.damage.touch(court.there, court.now + LONG)

    with pytest.raises(Violation, match="exactly once"):
        court.pass_judgement()


def test_a_fresh_subscription_is_owed_nothing_yet(court: Court) -> None:
    """News of it needs time to reach the publisher's server."""
    interest = court.truth.asked(court.subscriber, "a", None, court.now)
    interest.confirmed = court.now
    court.publish("a")

    assert 0 == court.pass_judgement()


def test_a_fresh_subscription_is_owed_what_follows_a_message_of_its_own(court: Court) -> None:
    """Who got a later message of the same session got the news before it, so replies must arrive."""
    interest = court.subscribe("ask", None, court.publisher)
    court.pass_judgement()
    inbox = court.truth.asked(court.subscriber, "inbox", None, court.now)
    inbox.confirmed = court.now
    question = court.truth.published(court.subscriber, "ask", "inbox", court.now)
    court.deliver(interest, question.number)
    court.publish("inbox")

    with pytest.raises(Violation, match=r"exactly once: subscriber on inbox"):
        court.pass_judgement()


def test_a_message_after_a_confirmed_unsub_is_found(court: Court) -> None:
    """The server has said that it knows."""
    interest = court.subscribe("a")
    number = court.publish("a")
    court.truth.given_up(interest, court.now)
    interest.over = True

    with pytest.raises(Violation, match="UNSUB"):
        court.deliver(interest, number)


def test_a_message_beyond_the_limit_is_found(court: Court) -> None:
    """What had been delivered when the server learnt of the limit does count."""
    interest = court.subscribe("a")
    first, second, third = (court.publish("a") for _ in range(3))
    court.deliver(interest, first)
    court.truth.limited(interest, 2, court.now)
    court.deliver(interest, second)

    with pytest.raises(Violation, match="UNSUB with max"):
        court.deliver(interest, third)
    assert math.inf > interest.ended


def test_an_unconfirmed_subscription_is_found(court: Court) -> None:
    """After a quiet period every server has answered."""
    court.truth.asked(court.subscriber, "a", None, court.now)

    with pytest.raises(Violation, match="service"):
        court.pass_judgement()


@pytest.mark.parametrize(("frozen", "owed"), [(GRACE - 1.0, 0), (GRACE, 1)])
def test_a_group_does_without_a_member_that_stands_still(court: Court, frozen: float, owed: int) -> None:
    """Once the others must know that its server does not answer, one of theirs gets the message."""
    lively = court.subscribe("a", "q")
    still = Member(
        3, "still", Host(ManualClock(), "c3", "10.0.1.3"), Host(ManualClock(), "third", "10.0.0.3")
    )
    court.subscribe("a", "q", still)

    court.damage.freeze(still.server, court.now)
    court.now += frozen
    number = court.publish("a")
    court.deliver(lively, number)
    court.damage.thaw(still.server)

    assert owed == court.pass_judgement()


def test_a_late_turn_of_a_group(court: Court) -> None:
    """A message that somebody of a group must get is due soon, as for everybody."""
    interest = court.subscribe("a", "q")
    number = court.publish("a")
    court.now += LONG

    with pytest.raises(Violation, match=r"^in time"):
        court.deliver(interest, number)


def test_more_than_a_standstill_excuses(court: Court) -> None:
    """A frozen machine to which something else happens, or had happened, may lose what it likes."""
    court.damage.freeze(court.there, court.now)
    first = court.damage.frozen_since(court.there)
    court.damage.touch(court.there, court.now)
    court.damage.freeze(court.there, court.now)

    assert (0.0, math.inf) == (first, court.damage.frozen_since(court.there))
