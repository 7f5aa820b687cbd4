"""Delivery: who gets a message, in which order, how often, and until when."""

import gc
import weakref
from collections import Counter

import pytest

from app.domain.dataplane.draw import Draw
from app.domain.dataplane.seam import MakePlane, Target
from tests.fakes.data_plane import ScriptedSubscription, Stage, Station

PUBLISH = b"PUB a 2\r\nok\r\n"


def message(sid: bytes) -> bytes:
    """What a listener with this sid gets for `PUBLISH`."""
    return b"MSG a %b 2\r\nok\r\n" % sid


def messages(*sids: int) -> bytes:
    """What listeners with these sids get, in this order."""
    return b"".join(message(b"%d" % sid) for sid in sids)


def plan(stage: Stage, plain: list[Target], groups: list[list[Target]]) -> None:
    """Let these be the listeners of the subject ``a``."""
    stage.planner.listeners[b"a"] = (plain, groups)
    stage.plane.changed(b"a")


def test_plain_listeners_come_first(stage: Stage, station: Station) -> None:
    """All plain listeners get a message in their order, then one member of each group in theirs."""
    targets = [station.target(b"%d" % sid) for sid in range(5)]
    plan(stage, [targets[3], targets[1]], [[targets[4]], [targets[0]]])

    station.feed(2 * PUBLISH)

    assert 2 * messages(3, 1, 4, 0) == station.heard()


def test_one_member_of_each_group(make_plane: MakePlane) -> None:
    """Members are drawn for each message by the generator that is written down in ``draw``."""
    seed = 0x1234_5678_9ABC_DEF0
    stage = Stage(make_plane, seed=seed)
    station = stage.station()
    targets = [station.target(b"%d" % sid) for sid in range(6)]
    plan(stage, [], [targets[:3], targets[3:4], targets[4:]])
    draw = Draw(seed)

    station.feed(300 * PUBLISH)

    expected = [sid for _ in range(300) for sid in (draw.below(3), 3 + draw.below(1), 4 + draw.below(2))]
    assert messages(*expected) == station.heard()


@pytest.mark.parametrize("seed", [1, 2**32, 2**63, 2**64 - 1])
def test_members_share_the_work(make_plane: MakePlane, seed: int) -> None:
    """Each of three members gets about a third of the messages."""
    stage = Stage(make_plane, seed=seed)
    stations = [stage.station() for _ in range(3)]
    plan(stage, [], [[station.target() for station in stations]])

    stations[0].feed(3000 * PUBLISH)

    counts = [station.outbox.out_msgs for station in stations]
    assert 3000 == sum(counts)
    assert all(900 < count < 1100 for count in counts)


def test_many_members(stage: Stage, station: Station) -> None:
    """Every member of a large group is drawn now and then."""
    plan(stage, [], [[station.target(b"%d" % sid) for sid in range(200)]])

    station.feed(5000 * PUBLISH)

    sids = Counter(line.split()[2] for line in station.heard().split(b"\r\n") if line.startswith(b"MSG"))
    assert (200, 5000) == (len(sids), sids.total())


def test_a_publisher_may_hear_itself(stage: Stage, station: Station) -> None:
    """The acknowledgement of a message comes before the message itself, and lines keep their place."""
    plan(stage, [station.target()], [])
    station.inlet.verbose = True

    def answer(_line: bytes) -> bool:
        station.outbox.send(b"PONG\r\n")
        return True

    station.control.obey = answer
    station.feed(PUBLISH + PUBLISH + b"PING\r\n" + PUBLISH)

    once = b"+OK\r\n" + message(b"1")
    assert once + once + b"PONG\r\n" + once == station.heard()


def test_acknowledgements_go_to_the_publisher(stage: Stage) -> None:
    """Verbosity is the publisher's, not that of any listener."""
    sender, receiver = stage.station(), stage.station()
    receiver.inlet.verbose = True
    plan(stage, [receiver.target()], [])

    sender.feed(PUBLISH)
    sender.inlet.verbose = True
    sender.feed(PUBLISH)

    assert (b"+OK\r\n", messages(1, 1)) == (sender.heard(), receiver.heard())


def test_deliveries_are_counted_everywhere(stage: Stage) -> None:
    """Each delivery counts for its target, its connection and the plane, by its payload."""
    sender, first, second = stage.station(), stage.station(), stage.station()
    targets = [first.target(b"1"), first.target(b"2"), second.target(b"1")]
    plan(stage, targets[:2], [targets[2:]])

    sender.feed(3 * PUBLISH)

    assert [3, 3, 3] == [target.delivered for target in targets]
    assert (6, 12) == (first.outbox.out_msgs, first.outbox.out_bytes)
    assert (3, 6) == (second.outbox.out_msgs, second.outbox.out_bytes)
    assert (3, 6, 9, 18) == (
        stage.plane.in_msgs,
        stage.plane.in_bytes,
        stage.plane.out_msgs,
        stage.plane.out_bytes,
    )


def test_a_retired_target_gets_nothing(stage: Stage, station: Station) -> None:
    """Even a plan that was made before passes a retired target over, and counts nothing for it."""
    first, second = station.target(b"1"), station.target(b"2")
    plan(stage, [first, second], [[first]])
    station.feed(PUBLISH)

    first.retire()
    station.feed(PUBLISH)

    assert messages(1, 2, 1, 2) == station.heard()
    assert (2, 2) == (first.delivered, second.delivered)


def test_retiring_lets_go(stage: Stage, station: Station) -> None:
    """A retired target keeps neither its subscription nor its outbox, though plans may still know it."""
    gone = stage.station()
    subscription = ScriptedSubscription()
    target = gone.target(b"1", subscription)
    subscribed, wire = weakref.ref(subscription), weakref.ref(gone.wire)
    plan(stage, [target], [[target]])
    station.feed(PUBLISH)
    stage.plane.flush()

    gc.disable()
    try:
        target.retire()
        del gone, subscription
        remaining = (subscribed(), wire())
    finally:
        gc.enable()

    assert (None, None) == remaining


def test_retiring_twice(stage: Stage, station: Station) -> None:
    """A second time changes nothing."""
    target = station.target()
    plan(stage, [target], [])

    target.retire()
    target.retire()
    station.feed(PUBLISH)

    assert (b"", 0) == (station.heard(), target.delivered)


def test_the_last_message(stage: Stage, station: Station) -> None:
    """A subscription hears after its last message, once, that it was the last."""
    subscription = ScriptedSubscription()
    target = station.target(b"1", subscription)
    plan(stage, [target, station.target(b"2")], [])
    target.limit = 3
    subscription.act = target.retire

    station.feed(2 * PUBLISH)
    early = subscription.expirations
    station.feed(3 * PUBLISH)

    assert messages(1, 2, 1, 2, 1, 2, 2, 2) == station.heard()
    assert (0, 1, 3) == (early, subscription.expirations, target.delivered)


def test_the_last_message_of_a_member(stage: Stage, station: Station) -> None:
    """A member that is retired after its last message misses what it is drawn for until the plan changes."""
    subscription = ScriptedSubscription()
    member, other = station.target(b"1", subscription), station.target(b"2")
    plan(stage, [], [[member, other]])
    member.limit = 1

    def leave() -> None:
        member.retire()
        plan(stage, [], [[other]])

    subscription.act = leave
    station.feed(20 * PUBLISH)

    assert (1, 19, 1) == (member.delivered, other.delivered, subscription.expirations)


def test_a_limit_that_has_passed(stage: Stage, station: Station) -> None:
    """Only the delivery that makes the count equal to the limit is the last."""
    subscription = ScriptedSubscription()
    target = station.target(b"1", subscription)
    plan(stage, [target], [])

    station.feed(3 * PUBLISH)
    target.limit = 2
    station.feed(3 * PUBLISH)

    assert (0, 6) == (subscription.expirations, target.delivered)


def test_limits_may_move(stage: Stage, station: Station) -> None:
    """The limit that stands when a message is delivered counts."""
    subscription = ScriptedSubscription()
    target = station.target(b"1", subscription)
    plan(stage, [target], [])

    target.limit = 2
    station.feed(PUBLISH)
    target.limit = 4
    station.feed(2 * PUBLISH)
    target.limit = 0
    station.feed(2 * PUBLISH)
    never = subscription.expirations
    target.limit = 6
    station.feed(PUBLISH)

    assert (0, 1) == (never, subscription.expirations)


def test_expiry_in_the_middle_of_a_message(stage: Stage) -> None:
    """What one subscription does when it expires does not keep the message from the others."""
    sender, first, second = stage.station(), stage.station(), stage.station()
    subscription = ScriptedSubscription()
    target, others = first.target(b"1", subscription), [second.target(b"2"), first.target(b"3")]
    plan(stage, [target, *others], [])
    target.limit = 1

    def leave() -> None:
        target.retire()
        plan(stage, list(others), [])

    subscription.act = leave
    sender.feed(2 * PUBLISH)

    assert messages(1, 3, 3) == first.heard()
    assert messages(2, 2) == second.heard()


def test_an_end_within_the_last_message(stage: Stage) -> None:
    """A receiver that is cut by its last message is gone already, and gets no notice of it."""
    sender, receiver = stage.station(), stage.station()
    subscription = ScriptedSubscription()
    target = receiver.target(b"1", subscription)
    plan(stage, [target], [])
    target.limit = 1
    receiver.outbox.alarm = 0

    def cut() -> bool:
        receiver.outbox.closed = True
        target.retire()
        return False

    receiver.owner.decide = cut
    sender.feed(2 * PUBLISH)

    assert (0, 1) == (subscription.expirations, receiver.outbox.out_msgs)


def test_a_receiver_that_ends_within_a_message(stage: Stage) -> None:
    """A receiver that is closed by one delivery gets no further copies of the same message."""
    sender, receiver, other = stage.station(), stage.station(), stage.station()
    plan(stage, [receiver.target(b"1"), receiver.target(b"2"), other.target(b"3")], [])
    receiver.outbox.alarm = 0

    def close() -> bool:
        receiver.outbox.closed = True
        return False

    receiver.owner.decide = close
    sender.feed(PUBLISH)

    assert (1, 1) == (receiver.outbox.out_msgs, other.outbox.out_msgs)


def test_every_listener_gets_the_message_that_presses(stage: Stage) -> None:
    """A hold waits for the end of the message that caused it."""
    sender, slow, quick = stage.station(), stage.station(), stage.station()
    plan(stage, [slow.target(b"1"), quick.target(b"2")], [[quick.target(b"3")]])
    slow.outbox.alarm = 0
    slow.owner.decide = lambda: True

    sender.feed(PUBLISH + PUBLISH)

    assert (messages(1), messages(2, 3)) == (slow.heard(), quick.heard())


def test_sids_stay_as_they_are(stage: Stage, station: Station) -> None:
    """A sid may be of any length and hold any byte that is no blank."""
    sids = [b"0", b"\xff\x00", 300 * b"s", b"1.2", b"*"]
    plan(stage, [station.target(sid) for sid in sids], [])

    station.feed(PUBLISH)

    assert b"".join(message(sid) for sid in sids) == station.heard()


def test_many_receivers_of_large_messages(stage: Stage) -> None:
    """A large message reaches many receivers whole, with the sid of each."""
    sender = stage.station()
    receivers = [stage.station() for _ in range(20)]
    plan(stage, [receiver.target(b"%d" % i) for i, receiver in enumerate(receivers)], [])
    payload = bytes(range(256)) * 400

    sender.feed(b"PUB a reply %d\r\n%b\r\n" % (len(payload), payload))

    expected = [b"MSG a %d reply %d\r\n%b\r\n" % (i, len(payload), payload) for i in range(20)]
    assert expected == [receiver.heard() for receiver in receivers]


def test_several_subscriptions_of_one_connection(stage: Stage, station: Station) -> None:
    """Each of a connection's listeners gets its own copy, message by message."""
    plan(stage, [station.target(b"%d" % sid) for sid in range(3)], [])

    station.feed(3 * PUBLISH)

    assert 3 * messages(0, 1, 2) == station.heard()


def test_several_subscriptions_of_one_connection_press_together(stage: Stage) -> None:
    """The alarm counts what all of a connection's listeners got."""
    sender, receiver = stage.station(), stage.station()
    plan(stage, [receiver.target(b"%d" % sid) for sid in range(10)], [])
    receiver.outbox.alarm = 500 * len(message(b"1"))
    receiver.owner.decide = lambda: True

    sender.feed(100 * PUBLISH)

    assert (51, 510) == (sender.inlet.in_msgs, receiver.outbox.out_msgs)


@pytest.mark.parametrize("leaves", ["closed", "retired"])
def test_a_run_passes_over_those_who_left(stage: Stage, station: Station, leaves: str) -> None:
    """Messages that come many at once reach those who stay, even while a plan still knows those who left."""
    other = stage.station()
    gone, stays = other.target(b"1"), station.target(b"2")
    plan(stage, [gone, stays], [])
    station.feed(PUBLISH)
    heard = (other.heard(), station.heard())

    if leaves == "closed":
        other.outbox.closed = True
    else:
        gone.retire()
    station.feed(3 * PUBLISH)

    assert (message(b"1"), message(b"2")) == heard
    assert (b"", 3 * message(b"2")) == (other.heard(), station.heard())
    assert (4, 5) == (stage.plane.in_msgs, stage.plane.out_msgs)
