"""Flow control: each rule of ADR 0023, with fakes and in virtual time."""

import pytest

from app.adapters.clock_manual import ManualClock
from app.domain.flow import (
    ANSWER_HOLD,
    DRAIN_SECONDS,
    QUIET_SECONDS,
    RECOVERY,
    REPORT_DELAY,
    REPORT_HOLD,
    TICK,
    Flow,
)
from app.domain.limits import HOLD_BYTES, HOLD_SECONDS, Limits
from tests.fakes.flow_peer import FlowPeer

LIMITS = Limits(max_pending=100_000, write_deadline=2.0)
HOLD = LIMITS.hold_above
LITTLE = 100
SOON = HOLD_SECONDS / 2
DELAYED = "publishers waited 2s (write_deadline) for it"


class LateClock(ManualClock):
    """A clock whose calls come late by `late` seconds."""

    late = 0.0

    def monotonic(self) -> float:
        """The time at which calls are made."""
        return super().monotonic() + self.late


class Scene:
    """A flow on a manual clock, and its peers."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self.limits = limits
        self.clock = LateClock()
        self.flow = Flow(limits, self.clock)

    def peer(self) -> FlowPeer:
        """A peer with the usual alarm."""
        peer = FlowPeer(self.flow)
        peer.outbox.alarm = self.limits.hold_above
        return peer

    def publish(self, publisher: FlowPeer, *receivers: FlowPeer, count: int = LITTLE) -> bool:
        """Let one message go to receivers as a plane would; answer whether the publisher was held instead."""
        self.flow.ingesting(publisher)
        publisher.serves = list(receivers)
        asked = [one.outbox.congested and self.flow.pressed(one) for one in receivers]
        held = any(asked)
        for receiver in () if held else receivers:
            receiver.outbox.queue(count)
            if receiver.outbox.pending() > receiver.outbox.alarm:
                self.flow.pressed(receiver)
        if held:
            self.flow.hold(publisher)
        self.flow.ingesting(None)
        return held

    def congest(self, receiver: FlowPeer, publisher: FlowPeer, *others: FlowPeer) -> None:
        """Fill the receiver, and let the publisher wait for it, and the others with their next message."""
        self.publish(self.peer(), receiver, count=HOLD + LITTLE)
        for one in (publisher, *others):
            assert self.publish(one, receiver)

    def crawl(self, receiver: FlowPeer, seconds: float, taken: int = 1) -> None:
        """Let the receiver take a little at each check, for that long."""
        for _ in range(round(seconds / TICK)):
            receiver.outbox.take(taken)
            self.clock.advance(TICK)


@pytest.fixture(name="scene")
def _scene() -> Scene:
    return Scene()


@pytest.fixture(name="publisher")
def _publisher(scene: Scene) -> FlowPeer:
    return scene.peer()


@pytest.fixture(name="receiver")
def _receiver(scene: Scene) -> FlowPeer:
    return scene.peer()


@pytest.fixture(name="congested")
def _congested(scene: Scene, publisher: FlowPeer, receiver: FlowPeer) -> FlowPeer:
    """A receiver for which the publisher waits since just now."""
    scene.congest(receiver, publisher)
    return receiver


# --- congestion ---------------------------------------------------------------------


def test_the_defaults() -> None:
    """Publishers are held above 1 MiB, and at the latest at half of what a receiver may have."""
    assert HOLD_BYTES == 1024 * 1024 <= Limits().hold_above
    assert HOLD == LIMITS.max_pending // 2


def test_up_to_the_mark_nobody_waits(scene: Scene, publisher: FlowPeer, receiver: FlowPeer) -> None:
    """As many pending bytes as the mark are no congestion, and no timer runs."""
    receiver.outbox.queue(HOLD)

    assert not scene.flow.pressed(receiver)
    assert (False, 0) == (receiver.outbox.congested, scene.clock.timers_outstanding)
    assert 0 == publisher.waits


def test_the_message_that_congests_holds_nobody(
    scene: Scene, publisher: FlowPeer, receiver: FlowPeer
) -> None:
    """The publisher may go on with messages for others; it waits with the next one for this receiver."""
    first = scene.publish(publisher, receiver, count=HOLD + 1)
    other = scene.publish(publisher, scene.peer())
    second = scene.publish(publisher, receiver)

    assert [False, False, True] == [first, other, second]
    assert (True, 1, []) == (receiver.outbox.congested, publisher.waits, receiver.cuts)
    assert 1 == scene.clock.timers_outstanding


def test_all_publishers_are_held_together(scene: Scene, receiver: FlowPeer) -> None:
    """However many begin at once, no more than one message above the mark is pending."""
    publishers = [scene.peer() for _ in range(300)]
    size = 6_400

    for _ in range(4):
        for publisher in publishers:
            if not publisher.waits:
                scene.publish(publisher, receiver, count=size)

    assert HOLD < receiver.outbox.pending() <= HOLD + size
    assert ([], 300) == (receiver.cuts, sum(one.waits for one in publishers))


def test_one_message_always_fits(scene: Scene, publisher: FlowPeer, receiver: FlowPeer) -> None:
    """A message larger than `max_pending` congests an idle receiver, and does not close it."""
    held = scene.publish(publisher, receiver, count=10 * LIMITS.max_pending)

    assert (False, True, []) == (held, receiver.outbox.congested, receiver.cuts)


def test_what_the_wire_takes_at_once_is_not_pending(scene: Scene, receiver: FlowPeer) -> None:
    """The outbox is flushed before it is judged."""
    receiver.outbox.queue(HOLD + 1)

    scene.flow.pressed(receiver)

    assert 1 == receiver.outbox.flushes


def test_the_servers_own_bytes_hold_nobody(scene: Scene, congested: FlowPeer) -> None:
    """Outside of any ingest there is no publisher that could wait."""
    assert not scene.flow.pressed(congested)


def test_waiting_for_several(scene: Scene, publisher: FlowPeer) -> None:
    """A publisher whose message is for several congested receivers waits until the last has drained."""
    receivers = [scene.peer() for _ in range(3)]
    scene.publish(scene.peer(), *receivers, count=HOLD + LITTLE)

    scene.publish(publisher, *receivers)
    waits = [publisher.waits]
    for receiver in receivers:
        scene.flow.drained(receiver)
        scene.clock.run_pending()
        waits.append(publisher.waits)

    assert [3, 2, 1, 0] == waits
    assert 0 == scene.flow.held_publishers


def test_a_receiver_that_drains_before_the_hold(
    scene: Scene, publisher: FlowPeer, receiver: FlowPeer
) -> None:
    """Nobody waits for a receiver that has drained when the ingest ends."""
    scene.publish(publisher, receiver, count=HOLD + LITTLE)
    scene.flow.ingesting(publisher)
    pressed = scene.flow.pressed(receiver)

    scene.flow.drained(receiver)
    scene.flow.hold(publisher)

    assert (True, 0) == (pressed, publisher.waits)


# --- release ------------------------------------------------------------------------


def test_the_publisher_continues_when_drained(scene: Scene, publisher: FlowPeer, congested: FlowPeer) -> None:
    """When the wire reports that little is pending, those who wait continue after the current call."""
    scene.flow.drained(congested)
    at_once = publisher.waits
    scene.clock.run_pending()

    assert (1, 0) == (at_once, publisher.waits)
    assert (False, HOLD) == (congested.outbox.congested, congested.outbox.alarm)


def test_the_publisher_continues_at_a_quarter(scene: Scene, publisher: FlowPeer, congested: FlowPeer) -> None:
    """A receiver that is down to a quarter of the mark holds nobody, even if its wire is silent."""
    congested.outbox.take(HOLD + LITTLE - HOLD // 4 - 1)
    scene.clock.advance(TICK)
    above = publisher.waits
    congested.outbox.take(1)
    scene.clock.advance(TICK)

    assert (1, 0) == (above, publisher.waits)
    assert not scene.publish(publisher, congested)


def test_publishers_continue_in_turn(scene: Scene, receiver: FlowPeer) -> None:
    """They continue one after another; when the receiver is congested again the rest keeps its place."""
    publishers = [scene.peer() for _ in range(4)]
    scene.congest(receiver, *publishers)
    served: list[int] = []

    def resume(number: int) -> None:
        """Publish what was held, and a large message more."""
        served.append(number)
        scene.publish(publishers[number], receiver, count=HOLD)
        scene.publish(publishers[number], receiver)
        scene.publish(publishers[number], receiver)

    for number, publisher in enumerate(publishers):
        publisher.on_go_on = lambda number=number: resume(number)  # type: ignore[misc] # a default binds it
    for _ in range(6):
        receiver.outbox.take(receiver.outbox.pending())
        scene.flow.drained(receiver)
        scene.clock.run_pending()

    assert [0, 1, 2, 3, 0, 1] == served


def test_drained_without_congestion(scene: Scene, publisher: FlowPeer, receiver: FlowPeer) -> None:
    """A wire may announce what was no congestion; nothing happens."""
    scene.flow.drained(receiver)
    scene.clock.run_pending()

    assert 0 == publisher.waits


def test_all_who_wait_continue_after_a_cut(scene: Scene, publisher: FlowPeer, congested: FlowPeer) -> None:
    """Any number of publishers may wait for a receiver, and its end lets them all continue."""
    others = [scene.peer() for _ in range(3)]
    for other in others:
        scene.publish(other, congested)

    congested.cut("for this test")
    waiting = [peer.waits for peer in (publisher, *others)]
    scene.clock.run_pending()

    assert ([1, 1, 1, 1], [0, 0, 0, 0]) == (waiting, [peer.waits for peer in (publisher, *others)])


def test_a_publisher_that_leaves_while_it_waits(
    scene: Scene, publisher: FlowPeer, congested: FlowPeer
) -> None:
    """It is not counted any more, and does not keep the others from their turn."""
    other = scene.peer()
    scene.publish(other, congested)

    scene.clock.advance(SOON)
    scene.flow.forget(publisher)
    held = scene.flow.held_publishers
    scene.flow.drained(congested)
    scene.clock.run_pending()

    assert (1, 0, 0) == (held, other.waits, scene.flow.held_publishers)
    assert pytest.approx(2 * SOON) == scene.flow.held_seconds


def test_a_connection_that_ends_in_peace(scene: Scene, publisher: FlowPeer, receiver: FlowPeer) -> None:
    """Forgetting a peer that is not congested changes nothing."""
    scene.flow.forget(receiver)
    scene.clock.run_pending()

    assert 0 == publisher.waits


# --- progress ------------------------------------------------------------------------


def test_the_pair_goes_at_the_receivers_pace(scene: Scene, publisher: FlowPeer, congested: FlowPeer) -> None:
    """One publisher waits for one receiver, however slowly it reads, as long as nobody else is affected."""
    scene.crawl(congested, 100.0)

    assert (1, []) == (publisher.waits, congested.cuts)


def test_reading_from_what_the_system_holds_is_progress(
    scene: Scene, publisher: FlowPeer, congested: FlowPeer
) -> None:
    """A receiver that reads steadily is not cut, though its system asks for more only now and then."""
    congested.outbox.queue(1_000)
    congested.outbox.take(1_000)
    congested.held = 1_000
    for _ in range(100):
        congested.held -= 1
        scene.clock.advance(SOON)

    assert (1, []) == (publisher.waits, congested.cuts)


def test_what_only_the_system_takes_is_no_progress(scene: Scene, congested: FlowPeer) -> None:
    """A receiver that does not read is cut, whatever its system still takes in."""
    deadline = scene.clock.monotonic() + LIMITS.write_deadline + 2 * TICK
    while scene.clock.monotonic() < deadline:
        congested.outbox.take(1)
        congested.held += 1
        scene.clock.advance(TICK)

    assert 1 == len(congested.cuts)


def test_the_publisher_continues_without_progress(
    scene: Scene, publisher: FlowPeer, congested: FlowPeer
) -> None:
    """After `HOLD_SECONDS` without progress publishers continue, and the receiver stays for now."""
    scene.clock.advance(HOLD_SECONDS - TICK)
    before = publisher.waits
    scene.clock.advance(2 * TICK)

    assert (1, 0, []) == (before, publisher.waits, congested.cuts)


def test_no_hold_for_a_stuck_receiver(scene: Scene, publisher: FlowPeer, congested: FlowPeer) -> None:
    """A receiver that nobody waits for may fill up, and is asked about only at `max_pending`."""
    scene.clock.advance(HOLD_SECONDS)

    held = scene.publish(publisher, congested)

    assert (False, False, LIMITS.max_pending) == (held, congested.outbox.congested, congested.outbox.alarm)


def test_a_stuck_receiver_is_cut_above_max_pending(
    scene: Scene, publisher: FlowPeer, congested: FlowPeer
) -> None:
    """One byte more than `max_pending` closes a receiver that nobody waits for."""
    scene.clock.advance(HOLD_SECONDS)
    scene.publish(publisher, congested, count=LIMITS.max_pending - congested.outbox.pending())
    before = list(congested.cuts)
    scene.publish(publisher, congested, count=1)

    assert ([], 0) == (before, publisher.waits)
    assert ["100001 pending bytes exceed max_pending 100000"] == congested.cuts


def test_holding_again_after_progress(scene: Scene, publisher: FlowPeer, congested: FlowPeer) -> None:
    """A receiver that moves again is waited for again."""
    scene.clock.advance(HOLD_SECONDS)
    congested.outbox.take(1)
    scene.clock.advance(TICK)

    assert scene.publish(publisher, congested)
    assert 1 == publisher.waits


def test_progress_starts_the_time_anew(scene: Scene, publisher: FlowPeer, congested: FlowPeer) -> None:
    """The second without progress is counted from the latest progress."""
    scene.clock.advance(SOON)
    congested.outbox.take(1)
    scene.clock.advance(TICK)
    scene.clock.advance(HOLD_SECONDS - TICK)
    before = publisher.waits
    scene.clock.advance(2 * TICK)

    assert (1, 0) == (before, publisher.waits)


def test_filling_up_is_no_progress(scene: Scene, publisher: FlowPeer, congested: FlowPeer) -> None:
    """What is added to a stuck receiver does not make it less stuck."""
    for _ in range(12):
        congested.outbox.queue(1)
        scene.clock.advance(TICK)

    assert 0 == publisher.waits


def test_cut_without_progress(scene: Scene, congested: FlowPeer) -> None:
    """A congested receiver without progress for the write deadline is a slow consumer."""
    scene.clock.advance(LIMITS.write_deadline - TICK)
    before = list(congested.cuts)
    scene.clock.advance(2 * TICK)

    assert ([], ["no progress within write_deadline 2s"]) == (before, congested.cuts)
    assert 0 == scene.clock.timers_outstanding


def test_a_deadline_shorter_than_the_hold() -> None:
    """With a short write deadline, those who wait continue when the receiver is cut."""
    scene = Scene(Limits(max_pending=10_000, write_deadline=0.5))
    publisher, receiver = scene.peer(), scene.peer()
    scene.publish(publisher, receiver, count=5_001)
    scene.publish(publisher, receiver)

    scene.clock.advance(0.5 + TICK)
    scene.clock.run_pending()

    assert (0, ["no progress within write_deadline 0.5s"]) == (publisher.waits, receiver.cuts)


def test_below_the_mark_nobody_is_cut(scene: Scene, receiver: FlowPeer) -> None:
    """A receiver that stops reading with little pending is left to the keep-alive."""
    receiver.outbox.queue(HOLD)
    scene.flow.pressed(receiver)

    scene.clock.advance(10 * LIMITS.write_deadline)

    assert [] == receiver.cuts


def test_a_publisher_may_wait_for_itself(scene: Scene, publisher: FlowPeer) -> None:
    """A client that publishes to itself is held by its own backlog, for no longer than by others'."""
    scene.congest(publisher, publisher)
    held = publisher.waits

    scene.clock.advance(HOLD_SECONDS + TICK)

    assert (1, 0) == (held, publisher.waits)


def test_congested_anew(scene: Scene, publisher: FlowPeer, congested: FlowPeer) -> None:
    """A receiver that has drained is congested anew like any other, with all its time."""
    scene.clock.advance(SOON)
    scene.flow.drained(congested)
    scene.clock.advance(10)
    scene.publish(publisher, congested, count=HOLD)
    scene.publish(publisher, congested)

    scene.clock.advance(HOLD_SECONDS - TICK)
    before = publisher.waits
    scene.clock.advance(2 * TICK)

    assert (1, 0) == (before, publisher.waits)


def test_a_receiver_that_goes_within_a_check(scene: Scene) -> None:
    """A check of the congested receivers passes over those that another one's end took along."""
    first, second = scene.peer(), scene.peer()
    scene.congest(first, scene.peer())
    scene.congest(second, scene.peer())

    first.at_end = lambda: scene.flow.forget(second)
    scene.clock.advance(LIMITS.write_deadline + TICK)

    assert (1, 0) == (len(first.cuts), len(second.cuts))


def test_congestion_within_a_check(scene: Scene) -> None:
    """A receiver that is congested while others are checked is watched from then on."""
    first, second = scene.peer(), scene.peer()
    scene.congest(first, scene.peer())

    first.at_end = lambda: scene.congest(second, scene.peer())
    scene.clock.advance(LIMITS.write_deadline + TICK)
    timers = scene.clock.timers_outstanding
    scene.clock.advance(LIMITS.write_deadline + TICK)

    assert (1, ["no progress within write_deadline 2s"]) == (timers, second.cuts)


# --- delay of others ------------------------------------------------------------------


def test_a_receiver_that_delays_others_is_cut(scene: Scene, publisher: FlowPeer, congested: FlowPeer) -> None:
    """Progress does not help a receiver that keeps its publisher from a ready one for the write deadline."""
    publisher.serves = [congested, scene.peer()]

    scene.crawl(congested, LIMITS.write_deadline - 2 * TICK)
    before = list(congested.cuts)
    scene.crawl(congested, 3 * TICK)

    assert ([], [DELAYED], 0) == (before, congested.cuts, publisher.waits)


def test_others_that_are_busy_are_not_delayed(scene: Scene, publisher: FlowPeer, congested: FlowPeer) -> None:
    """As long as the other receivers have enough to read, the slowest one sets the pace."""
    busy = scene.peer()
    busy.outbox.queue(HOLD // 4 + 1)
    publisher.serves = [congested, busy]

    scene.crawl(congested, 100.0)

    assert [] == congested.cuts


def test_delay_is_forgiven_slowly(scene: Scene, publisher: FlowPeer, congested: FlowPeer) -> None:
    """Delay adds up over several congestions, and a time without any gives back half of it."""
    ready = scene.peer()
    publisher.serves = [congested, ready]
    scene.crawl(congested, LIMITS.write_deadline - 2 * TICK)
    scene.flow.drained(congested)
    scene.clock.advance(1.0)

    congested.outbox.queue(HOLD)
    scene.congest(congested, publisher)
    publisher.serves = [congested, ready]
    scene.crawl(congested, 2 * TICK + RECOVERY - TICK)
    before = list(congested.cuts)
    scene.crawl(congested, 3 * TICK)

    assert ([], [DELAYED]) == (before, congested.cuts)


def test_delay_is_forgiven_within_a_congestion(
    scene: Scene, publisher: FlowPeer, congested: FlowPeer
) -> None:
    """While nobody else is delayed the budget recovers."""
    ready = scene.peer()
    for _ in range(5):
        publisher.serves = [congested, ready]
        scene.crawl(congested, LIMITS.write_deadline - 2 * TICK)
        publisher.serves = [congested]
        scene.crawl(congested, LIMITS.write_deadline / RECOVERY)

    assert [] == congested.cuts


def test_a_late_check_is_not_charged(scene: Scene, publisher: FlowPeer, congested: FlowPeer) -> None:
    """What passes while the server itself was busy is no delay by the receiver."""
    publisher.serves = [congested, scene.peer()]
    congested.outbox.take(1)

    scene.clock.late = 10 * LIMITS.write_deadline
    scene.clock.advance(TICK)

    assert [] == congested.cuts


def test_hold_at_any_price() -> None:
    """With ``slow_consumer: hold`` everybody waits for a receiver that reads, and it is never closed."""
    scene = Scene(Limits(max_pending=100_000, slow_consumer="hold"))
    publisher, receiver = scene.peer(), scene.peer()
    scene.congest(receiver, publisher)
    publisher.serves = [receiver, scene.peer()]

    scene.crawl(receiver, 60.0)

    assert ([], 1) == (receiver.cuts, publisher.waits)


def test_several_publishers_wait_for_a_crawling_receiver(scene: Scene, receiver: FlowPeer) -> None:
    """A receiver that needs more than 10 s for what is pending may not stop several publishers."""
    scene.congest(receiver, scene.peer(), scene.peer())

    scene.crawl(receiver, REPORT_HOLD + LIMITS.write_deadline + 2 * TICK)

    assert [DELAYED] == receiver.cuts


def test_several_publishers_wait_for_a_steady_receiver(scene: Scene, receiver: FlowPeer) -> None:
    """Any number of publishers wait for a receiver that takes what is pending within 10 s."""
    scene.congest(receiver, scene.peer(), scene.peer())
    pace = round(HOLD / DRAIN_SECONDS * TICK) + 1

    for _ in range(100):
        receiver.outbox.queue(pace)
        scene.crawl(receiver, TICK, pace)

    assert [] == receiver.cuts


# --- reports and figures --------------------------------------------------------------


def test_a_costly_hold_is_reported_once(scene: Scene, publisher: FlowPeer, congested: FlowPeer) -> None:
    """The log says for whom publishers wait when others have been delayed for half a second."""
    publisher.serves = [congested, scene.peer()]

    scene.crawl(congested, REPORT_DELAY - TICK)
    before = list(congested.reports)
    scene.crawl(congested, 1.0)

    assert ([], 1) == (before, len(congested.reports))
    assert 1 == congested.reports[0][0]


def test_a_long_hold_is_reported(scene: Scene, publisher: FlowPeer, congested: FlowPeer) -> None:
    """A hold that delays nobody else is reported as well, after a second."""
    scene.crawl(congested, REPORT_HOLD - TICK)
    before = list(congested.reports)
    scene.crawl(congested, 2 * TICK)

    assert ([], 1, 1) == (before, len(congested.reports), publisher.waits)


def test_a_report_comes_again_after_a_quiet_time(scene: Scene, publisher: FlowPeer) -> None:
    """A receiver that was well for ten seconds is reported anew; one that was not is not."""
    receiver = scene.peer()
    for pause in (QUIET_SECONDS / 2, QUIET_SECONDS + 2 * TICK, 0.0):
        receiver.outbox.take(receiver.outbox.pending())
        scene.congest(receiver, publisher)
        scene.crawl(receiver, REPORT_HOLD + TICK)
        scene.flow.drained(receiver)
        scene.clock.advance(pause)

    assert 2 == len(receiver.reports)


def test_the_timer_ends_with_the_records(scene: Scene, congested: FlowPeer) -> None:
    """Without congested receivers, past and present, no timer runs."""
    scene.flow.drained(congested)
    soon = scene.clock.timers_outstanding

    scene.clock.advance(QUIET_SECONDS + 2 * TICK)

    assert (1, 0) == (soon, scene.clock.timers_outstanding)


def test_figures_of_holds(scene: Scene, congested: FlowPeer) -> None:
    """How many wait, how long they have waited, and who waits for whom."""
    other = scene.peer()
    scene.clock.advance(0.5)
    scene.publish(other, congested)
    scene.clock.advance(0.25)
    figures = (scene.flow.held_publishers, scene.flow.held_seconds)
    scene.flow.drained(congested)
    scene.clock.run_pending()

    waiting, seconds = figures
    assert (2, 0) == (waiting, scene.flow.held_publishers)
    assert [pytest.approx(1.0)] * 2 == [seconds, scene.flow.held_seconds]


def test_who_waits_for_whom(scene: Scene, publisher: FlowPeer, congested: FlowPeer) -> None:
    """A publisher knows the receivers it waits for, and a receiver how many wait for it."""
    assert ([congested], 1) == (scene.flow.waits_for(publisher), scene.flow.holds(congested))
    assert ([], 0) == (scene.flow.waits_for(congested), scene.flow.holds(publisher))


def test_a_publisher_that_is_held_for_long_is_looked_after(
    scene: Scene, publisher: FlowPeer, congested: FlowPeer
) -> None:
    """After a while its input is read ahead, so that its PINGs are answered."""
    scene.crawl(congested, ANSWER_HOLD - TICK)
    before = publisher.looks_ahead
    scene.crawl(congested, 2 * TICK)

    assert 0 == before < publisher.looks_ahead
