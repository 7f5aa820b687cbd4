"""Flow control: what a receiver costs others, what is reported of it, and who is looked after (ADR 0023)."""

from functools import partial

import pytest

from app.domain.limits import HOLD_SECONDS, Limits
from app.domain.sessions.congestion import DRAIN_SECONDS, REPORT_HOLD, SAMPLE, TICK
from app.domain.sessions.flow import ANSWER_HOLD, LOOK_SECONDS, QUIET_SECONDS, RECOVERY, REPORT_DELAY
from tests.fakes.flow_peer import FlowPeer
from tests.support.flow_scene import DELAYED, HOLD, LIMITS, Scene

# --- delay of others ------------------------------------------------------------------


def test_a_receiver_that_delays_others_is_cut(scene: Scene, publisher: FlowPeer, congested: FlowPeer) -> None:
    """Progress does not help a receiver that keeps its publisher from a ready one for its budget."""
    publisher.serves = [congested, scene.peer()]

    scene.crawl(congested, LIMITS.delay_budget - 2 * TICK)
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
    scene.crawl(congested, LIMITS.delay_budget - 2 * TICK)
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
        scene.crawl(congested, LIMITS.delay_budget - 2 * TICK)
        publisher.serves = [congested]
        scene.crawl(congested, LIMITS.delay_budget / RECOVERY)

    assert [] == congested.cuts


def test_a_late_check_is_not_charged(scene: Scene, publisher: FlowPeer, congested: FlowPeer) -> None:
    """What passes while the server itself was busy is no delay by the receiver."""
    publisher.serves = [congested, scene.peer()]
    congested.outbox.take(1)

    scene.clock.late = 10 * LIMITS.delay_budget
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

    scene.crawl(receiver, REPORT_HOLD + LIMITS.delay_budget + 2 * TICK)

    assert [DELAYED] == receiver.cuts


def test_a_publisher_that_left_does_not_count(scene: Scene, publisher: FlowPeer, congested: FlowPeer) -> None:
    """A publisher that connects again while it is held is still alone with its receiver."""
    scene.flow.forget(publisher)
    scene.publish(scene.peer(), congested)

    scene.crawl(congested, 60.0)

    assert ([], 1) == (congested.cuts, scene.flow.holds(congested))


def test_a_delayed_publisher_is_found_among_many(scene: Scene, receiver: FlowPeer) -> None:
    """However many wait before it, a publisher that serves others is not held for longer than the budget."""
    crowd = [scene.peer() for _ in range(10 * SAMPLE)]
    publisher = scene.peer()
    scene.congest(receiver, *crowd, publisher)
    publisher.serves.append(scene.peer())
    pace = round(HOLD / DRAIN_SECONDS * TICK) + 1

    for _ in range(round((LIMITS.delay_budget + 1.0) / TICK) + 1):
        receiver.outbox.queue(pace)
        scene.crawl(receiver, TICK, pace)

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
    """A receiver that was well for ten seconds is reported again; one that was not is not."""
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


def test_held_publishers_are_looked_after_in_turns(scene: Scene, receiver: FlowPeer) -> None:
    """Reading ahead of many lets others have turns, and leaves out who is held no more by then."""
    publishers = [scene.peer() for _ in range(3)]
    scene.congest(receiver, *publishers)

    def take_all_the_time() -> None:
        scene.clock.late += LOOK_SECONDS
        scene.clock.call_soon(partial(scene.flow.forget, publishers[1]))

    publishers[0].on_look_ahead = take_all_the_time
    scene.crawl(receiver, ANSWER_HOLD)

    assert [1, 0, 1] == [one.looks_ahead for one in publishers]


# --- full receivers -------------------------------------------------------------------


def test_a_stuck_receiver_is_waited_for_again_above_max_pending(
    scene: Scene, publisher: FlowPeer, congested: FlowPeer
) -> None:
    """A receiver that filled up while nobody waited for it has the rest of the deadline to read on."""
    scene.clock.advance(HOLD_SECONDS)
    scene.publish(publisher, congested, count=LIMITS.max_pending + 1 - congested.outbox.pending())
    held = scene.publish(publisher, congested)
    congested.outbox.take(congested.outbox.pending())
    scene.clock.advance(2 * TICK)

    assert (True, 0, []) == (held, publisher.waits, congested.cuts)


def test_a_stuck_receiver_is_cut_at_the_deadline_though_full(
    scene: Scene, publisher: FlowPeer, congested: FlowPeer
) -> None:
    """A receiver above `max_pending` that takes nothing is closed at the deadline, and no sooner."""
    scene.clock.advance(HOLD_SECONDS)
    scene.publish(publisher, congested, count=LIMITS.max_pending + 1 - congested.outbox.pending())
    scene.publish(publisher, congested)
    scene.clock.advance(LIMITS.write_deadline - HOLD_SECONDS - 2 * TICK)
    before = list(congested.cuts)
    scene.clock.advance(4 * TICK)

    assert ([], 1) == (before, len(congested.cuts))


def test_the_own_bytes_of_the_server_cut_a_stuck_receiver(scene: Scene, congested: FlowPeer) -> None:
    """Above `max_pending` there is nobody to hold for what the server itself sends."""
    scene.clock.advance(HOLD_SECONDS)
    congested.outbox.queue(LIMITS.max_pending + 1 - congested.outbox.pending())
    scene.flow.pressed(congested, own=True)

    assert ["100001 pending bytes exceed max_pending 100000"] == congested.cuts
