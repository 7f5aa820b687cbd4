"""Flow control: each rule of ADR 0023, with fakes and in virtual time."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from app.domain.limits import HOLD_BYTES, HOLD_SECONDS, Limits
from app.domain.sessions.congestion import TICK
from app.domain.sessions.flow import CHECK_SECONDS
from tests.fakes.flow_peer import FlowPeer
from tests.support.flow_scene import HOLD, LIMITS, LITTLE, Scene

SOON = HOLD_SECONDS / 2


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


def test_a_message_whose_publisher_is_not_served_fits_as_well(scene: Scene, receiver: FlowPeer) -> None:
    """The rest of a large fan-out, delivered later, closes no idle receiver."""
    receiver.outbox.queue(LIMITS.max_pending + 1)

    scene.flow.pressed(receiver)

    assert (True, []) == (receiver.outbox.congested, receiver.cuts)


def test_a_defect_in_a_check_costs_one_receiver(
    scene: Scene, congested: FlowPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are checked, and the timer runs on."""

    def fail() -> int:
        raise MemoryError

    other = scene.peer()
    scene.congest(other, scene.peer())
    monkeypatch.setattr(congested, "untaken", fail)

    scene.clock.advance(LIMITS.write_deadline + TICK)

    assert (["MemoryError"], ["no progress within write_deadline 3s"]) == (congested.cuts, other.cuts)


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
    scene.flow.publisher = publisher
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

    congested.abort_slow("for this test")
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
    held = (scene.flow.held_publishers, scene.flow.holds(congested))
    scene.flow.drained(congested)
    scene.clock.run_pending()

    assert ((1, 1), 0, 0) == (held, other.waits, scene.flow.held_publishers)
    assert pytest.approx(2 * SOON) == scene.flow.held_seconds


def test_a_publisher_that_leaves_before_its_turn(
    scene: Scene, publisher: FlowPeer, congested: FlowPeer
) -> None:
    """The time that it was held is counted once."""
    scene.clock.advance(SOON)

    scene.flow.drained(congested)
    scene.flow.forget(publisher)
    scene.clock.run_pending()

    assert 0 == scene.flow.held_publishers
    assert pytest.approx(SOON) == scene.flow.held_seconds


def test_a_publisher_that_leaves_while_the_others_continue(scene: Scene, receiver: FlowPeer) -> None:
    """It does not wait again when the receiver is congested again before its turn."""
    publishers = [scene.peer() for _ in range(3)]
    scene.congest(receiver, *publishers)

    scene.flow.drained(receiver)
    scene.flow.forget(publishers[1])
    scene.publish(scene.peer(), receiver, count=HOLD + LITTLE)
    scene.clock.run_pending()

    assert ([publishers[0], publishers[2]], 2) == (
        [one for one in publishers if scene.flow.waits_for(one)],
        scene.flow.holds(receiver),
    )


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

    assert ([], ["no progress within write_deadline 3s"]) == (before, congested.cuts)
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
    """A receiver that has drained is congested again like any other, with all its time."""
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


class Elaborate(FlowPeer):
    """A receiver whose check takes all the time of one turn, and may do something else then."""

    checks = 0

    def untaken(self) -> int:
        """Count."""
        self.checks += 1
        self.at_check()
        return 0

    at_check: Callable[[], None] = staticmethod(lambda: None)


def elaborate(scene: Scene) -> Elaborate:
    """A congested one."""
    peer = Elaborate(scene.flow)
    peer.outbox.alarm = HOLD
    scene.congest(peer, scene.peer())
    peer.checks = 0
    return peer


def test_many_receivers_are_checked_in_turns(scene: Scene) -> None:
    """A check of thousands lets others have turns, and there is one timer for it."""
    receivers = [elaborate(scene) for _ in range(3)]

    def between() -> None:
        scene.flow.forget(receivers[1])
        scene.congest(scene.peer(), scene.peer())

    def take_all_the_time() -> None:
        scene.clock.late += CHECK_SECONDS
        scene.clock.call_soon(between)

    receivers[0].at_check = take_all_the_time
    scene.clock.advance(TICK)

    assert [1, 0, 1] == [one.checks for one in receivers]
    assert 1 == scene.clock.timers_outstanding


def test_congestion_within_a_check(scene: Scene) -> None:
    """A receiver that is congested while others are checked is watched from then on."""
    first, second = scene.peer(), scene.peer()
    scene.congest(first, scene.peer())

    first.at_end = lambda: scene.congest(second, scene.peer())
    scene.clock.advance(LIMITS.write_deadline + TICK)
    timers = scene.clock.timers_outstanding
    scene.clock.advance(LIMITS.write_deadline + TICK)

    assert (1, ["no progress within write_deadline 3s"]) == (timers, second.cuts)


def test_other_limits() -> None:
    """They hold at once: a receiver is congested, and closed, by the new ones."""
    scene = Scene()
    receiver, publisher = scene.peer(), scene.peer()
    scene.congest(receiver, publisher)
    before = scene.flow.alarm(receiver), scene.flow.alarm(publisher)

    limits = replace(LIMITS, max_pending=4 * LIMITS.max_pending, write_deadline=0.5)
    scene.flow.apply(limits)
    scene.clock.advance(0.5 + 2 * TICK)

    assert (LIMITS.max_pending, LIMITS.hold_above) == before
    assert (limits.hold_above, limits.hold_above) == (scene.flow.alarm(receiver), scene.flow.alarm(publisher))
    assert ["no progress within write_deadline 0.5s"] == receiver.cuts
