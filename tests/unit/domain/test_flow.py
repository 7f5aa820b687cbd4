"""Flow control: each row of the table in ADR 0007, with fakes and in virtual time."""

import pytest

from app.adapters.clock_manual import ManualClock
from app.domain.flow import TICK, Flow
from app.domain.limits import HOLD_BYTES, HOLD_SECONDS, Limits
from tests.fakes.flow_peer import FlowPeer

LIMITS = Limits(max_pending=10_000, write_deadline=2.0)
HOLD = LIMITS.hold_above
LITTLE = 100
SOON = HOLD_SECONDS / 2


class Scene:
    """A flow on a manual clock, and its peers."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self.limits = limits
        self.clock = ManualClock()
        self.flow = Flow(limits, self.clock)

    def peer(self) -> FlowPeer:
        """A peer with the usual alarm."""
        peer = FlowPeer(self.flow)
        peer.outbox.alarm = self.limits.hold_above
        return peer

    def publish(self, publisher: FlowPeer, receiver: FlowPeer, count: int) -> bool:
        """Let one message of `count` bytes go to a receiver as a plane would; tell if it was a hold."""
        receiver.outbox.queue(count)
        held = receiver.outbox.pending() > receiver.outbox.alarm and self.flow.pressed(receiver)
        if held:
            self.flow.hold(publisher)
        return held


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
    assert scene.publish(publisher, receiver, HOLD + LITTLE)
    return receiver


def test_the_defaults() -> None:
    """Publishers are held above 1 MiB, and never later than at half of what a receiver may have."""
    assert HOLD_BYTES == 1024 * 1024 <= Limits().hold_above
    assert HOLD == LIMITS.max_pending // 2


def test_up_to_the_mark_nobody_waits(scene: Scene, publisher: FlowPeer, receiver: FlowPeer) -> None:
    """As many pending bytes as the mark are no congestion, and no timer runs."""
    receiver.outbox.queue(HOLD)

    assert not scene.flow.pressed(receiver)
    assert (0, 0) == (publisher.waits, scene.clock.timers_outstanding)


def test_above_the_mark_the_publisher_waits(scene: Scene, publisher: FlowPeer, congested: FlowPeer) -> None:
    """One reason to wait per congested receiver, and one timer to watch them all."""
    scene.publish(scene.peer(), scene.peer(), HOLD + 1)

    assert (1, []) == (publisher.waits, congested.cuts)
    assert 1 == scene.clock.timers_outstanding


def test_what_the_wire_takes_at_once_is_not_pending(scene: Scene, receiver: FlowPeer) -> None:
    """The outbox is flushed before it is judged, unless it need not be judged."""
    receiver.outbox.queue(HOLD)
    scene.flow.pressed(receiver)
    early = receiver.outbox.flushes

    receiver.outbox.queue(1)
    scene.flow.pressed(receiver)

    assert (0, 1) == (early, receiver.outbox.flushes)


def test_the_publisher_goes_on_when_drained(scene: Scene, publisher: FlowPeer, congested: FlowPeer) -> None:
    """When the wire says that little is pending, those who wait go on, after the current call."""
    scene.flow.drained(congested)
    at_once = publisher.waits
    scene.clock.run_pending()

    assert (1, 0) == (at_once, publisher.waits)


def test_the_timer_ends_with_the_congestion(scene: Scene, congested: FlowPeer) -> None:
    """Without congested receivers no timer runs."""
    scene.flow.drained(congested)

    scene.clock.advance(2 * TICK)

    assert 0 == scene.clock.timers_outstanding


def test_drained_without_congestion(scene: Scene, publisher: FlowPeer, receiver: FlowPeer) -> None:
    """A wire may announce what was no congestion; nothing happens."""
    scene.flow.drained(receiver)
    scene.clock.run_pending()

    assert 0 == publisher.waits


def test_the_publisher_goes_on_at_a_quarter(scene: Scene, publisher: FlowPeer, congested: FlowPeer) -> None:
    """A receiver that is down to a quarter of the mark holds nobody, even if its wire is silent."""
    congested.outbox.take(HOLD + LITTLE - HOLD // 4 - 1)
    scene.clock.advance(TICK)
    above = publisher.waits
    congested.outbox.take(1)
    scene.clock.advance(TICK)

    assert (1, 0) == (above, publisher.waits)
    assert not scene.publish(publisher, congested, LITTLE)


def test_reading_from_what_the_system_holds_is_progress(
    scene: Scene, publisher: FlowPeer, congested: FlowPeer
) -> None:
    """A receiver that reads steadily is not cut, though its system asks for more only now and then."""
    congested.outbox.queue(1_000_000)
    congested.outbox.take(1_000_000)
    congested.held = 1_000_000
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


def test_the_publisher_waits_while_there_is_progress(
    scene: Scene, publisher: FlowPeer, congested: FlowPeer
) -> None:
    """A receiver that reads, however slowly, holds its publishers and is not cut."""
    for _ in range(100):
        congested.outbox.take(1)
        scene.clock.advance(SOON)

    assert (1, []) == (publisher.waits, congested.cuts)


def test_the_publisher_goes_on_without_progress(
    scene: Scene, publisher: FlowPeer, congested: FlowPeer
) -> None:
    """After `HOLD_SECONDS` without progress publishers go on, and the receiver stays for now."""
    scene.clock.advance(HOLD_SECONDS - TICK)
    before = publisher.waits
    scene.clock.advance(2 * TICK)

    assert (1, 0, []) == (before, publisher.waits, congested.cuts)


def test_no_hold_for_a_stuck_receiver(scene: Scene, publisher: FlowPeer, congested: FlowPeer) -> None:
    """A receiver that publishers stopped waiting for may fill up, and is not even asked about."""
    scene.clock.advance(HOLD_SECONDS)

    held = scene.publish(publisher, congested, LITTLE)
    asked = scene.flow.pressed(congested)

    assert (False, False, 0, LIMITS.max_pending) == (
        held,
        asked,
        publisher.waits,
        congested.outbox.alarm,
    )


def test_holding_again_after_progress(scene: Scene, publisher: FlowPeer, congested: FlowPeer) -> None:
    """A receiver that moves again is worth waiting for again."""
    scene.clock.advance(HOLD_SECONDS)
    congested.outbox.take(1)
    scene.clock.advance(TICK)

    held = scene.publish(publisher, congested, LITTLE)

    assert (True, 1, HOLD) == (held, publisher.waits, congested.outbox.alarm)


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
    """With a short write deadline, those who wait go on when the receiver is cut."""
    scene = Scene(Limits(max_pending=10_000, write_deadline=0.5))
    publisher, receiver = scene.peer(), scene.peer()
    scene.publish(publisher, receiver, HOLD + LITTLE)

    scene.clock.advance(0.5 + TICK)

    assert (0, ["no progress within write_deadline 0.5s"]) == (publisher.waits, receiver.cuts)


def test_below_the_mark_nobody_is_cut(scene: Scene, receiver: FlowPeer) -> None:
    """A receiver that stops reading with little pending is none of our business."""
    receiver.outbox.queue(HOLD)
    scene.flow.pressed(receiver)

    scene.clock.advance(10 * LIMITS.write_deadline)

    assert [] == receiver.cuts


def test_cut_above_max_pending(scene: Scene, publisher: FlowPeer, receiver: FlowPeer) -> None:
    """One byte more than `max_pending` is too much, whatever happened before; the publisher goes on."""
    receiver.outbox.queue(LIMITS.max_pending)
    at_the_limit = scene.flow.pressed(receiver)
    receiver.outbox.queue(1)
    beyond = scene.flow.pressed(receiver)
    scene.flow.hold(publisher)

    assert (True, False, 0) == (at_the_limit, beyond, publisher.waits)
    assert ["10001 pending bytes exceed max_pending 10000"] == receiver.cuts


def test_all_who_wait_go_on(scene: Scene, publisher: FlowPeer, congested: FlowPeer) -> None:
    """Any number of publishers may wait for a receiver, and a cut lets them all go on."""
    others = [scene.peer() for _ in range(3)]
    for other in others:
        scene.publish(other, congested, 1)

    congested.cut("for this test")
    waiting = [peer.waits for peer in (publisher, *others)]
    scene.clock.run_pending()

    assert ([1, 1, 1, 1], [0, 0, 0, 0]) == (waiting, [peer.waits for peer in (publisher, *others)])


def test_waiting_for_several(scene: Scene, publisher: FlowPeer) -> None:
    """A publisher that presses several receivers at once waits until the last of them is well."""
    receivers = [scene.peer() for _ in range(3)]
    for receiver in receivers:
        receiver.outbox.queue(HOLD + LITTLE)
        scene.flow.pressed(receiver)

    scene.flow.hold(publisher)
    waits = [publisher.waits]
    for receiver in receivers:
        scene.flow.drained(receiver)
        scene.clock.run_pending()
        waits.append(publisher.waits)

    assert [3, 2, 1, 0] == waits


def test_a_receiver_that_drains_before_the_hold(
    scene: Scene, publisher: FlowPeer, receiver: FlowPeer
) -> None:
    """Nobody waits for a receiver that is well again when the ingest ends."""
    receiver.outbox.queue(HOLD + LITTLE)
    scene.flow.pressed(receiver)

    scene.flow.drained(receiver)
    scene.flow.hold(publisher)

    assert 0 == publisher.waits


def test_a_receiver_that_is_stuck_before_the_hold(
    scene: Scene, publisher: FlowPeer, receiver: FlowPeer
) -> None:
    """Nobody starts to wait for a receiver that others have given up."""
    receiver.outbox.queue(HOLD + LITTLE)
    scene.flow.pressed(receiver)

    scene.clock.advance(HOLD_SECONDS + TICK)
    scene.flow.hold(publisher)

    assert 0 == publisher.waits


def test_a_publisher_may_wait_for_itself(scene: Scene, publisher: FlowPeer) -> None:
    """Whoever publishes to itself is held by its own backlog, and for no longer than by others'."""
    scene.publish(publisher, publisher, HOLD + LITTLE)
    held = publisher.waits

    scene.clock.advance(HOLD_SECONDS + TICK)

    assert (1, 0) == (held, publisher.waits)


def test_forgetting_who_is_not_congested(scene: Scene, publisher: FlowPeer, receiver: FlowPeer) -> None:
    """A connection that ends in peace changes nothing."""
    scene.flow.forget(receiver)
    scene.clock.run_pending()

    assert 0 == publisher.waits


def test_congested_anew(scene: Scene, publisher: FlowPeer, congested: FlowPeer) -> None:
    """A receiver that was drained is congested anew like any other, with all its time."""
    scene.clock.advance(SOON)
    scene.flow.drained(congested)
    scene.clock.advance(10)
    scene.publish(publisher, congested, LITTLE)

    scene.clock.advance(HOLD_SECONDS - TICK)
    before = publisher.waits
    scene.clock.advance(2 * TICK)

    assert (1, 0) == (before, publisher.waits)


def test_a_receiver_that_goes_within_a_look(scene: Scene) -> None:
    """A look at the congested receivers passes those over that another one's end took along."""
    first, second = scene.peer(), scene.peer()
    scene.publish(scene.peer(), first, HOLD + LITTLE)
    scene.publish(scene.peer(), second, HOLD + LITTLE)

    first.at_end = lambda: scene.flow.forget(second)
    scene.clock.advance(LIMITS.write_deadline + TICK)

    assert (1, 0) == (len(first.cuts), len(second.cuts))


def test_congestion_within_a_look(scene: Scene) -> None:
    """A receiver that is congested while others are looked at is watched from then on."""
    first, second, publisher = scene.peer(), scene.peer(), scene.peer()
    scene.publish(scene.peer(), first, HOLD + LITTLE)

    first.at_end = lambda: scene.flow.hold(publisher) if press(scene, second) else None
    scene.clock.advance(LIMITS.write_deadline + TICK)
    state = (scene.clock.timers_outstanding, publisher.waits)
    scene.clock.advance(LIMITS.write_deadline + TICK)

    assert ((1, 1), 0) == (state, publisher.waits)
    assert ["no progress within write_deadline 2s"] == second.cuts


def press(scene: Scene, receiver: FlowPeer) -> bool:
    """Congest a receiver."""
    receiver.outbox.queue(HOLD + LITTLE)
    return scene.flow.pressed(receiver)
