"""Messages of the server itself, under another subject than the one that is subscribed to."""

import pytest

from app.domain.dataplane.constants import MOST_CANDIDATES, REFERENCED_BYTES
from app.domain.dataplane.reach import RENAMED_AUDIENCE, SERVER_AUDIENCE, Naming, Reach
from app.domain.dataplane.seam import HookedMessage
from tests.fakes.data_plane import Stage, Station


def _marked(station: Station, *, room: bool = True) -> None:
    """Let the station be congested, with or without room below its alarm."""
    station.outbox.congested = True
    if not room:
        station.outbox.alarm = -1


def test_the_receiver_sees_the_other_subject(stage: Stage, station: Station) -> None:
    """Who subscribes to one subject gets the message under the one that it names, with its reply."""
    stage.subscribe(b"inbox", station.target(b"7"))

    reach = stage.plane.deliver(b"inbox", b"stored.x", b"ack", b"", b"hello")

    assert reach is Reach.SENT
    assert station.heard() == b"MSG stored.x 7 ack 5\r\nhello\r\n"
    assert (stage.plane.out_msgs, stage.plane.out_bytes, stage.plane.in_msgs) == (1, 5, 0)


def test_without_reply_or_payload(stage: Stage, station: Station) -> None:
    """Reply, headers and payload may be missing."""
    stage.subscribe(b"inbox", station.target())

    stage.plane.deliver(b"inbox", b"inbox")

    assert station.heard() == b"MSG inbox 1 0\r\n\r\n"


def test_headers_go_to_those_who_take_them(stage: Stage, station: Station) -> None:
    """Who takes headers gets HMSG, another one MSG without them; counts are of what it gets."""
    plain = stage.station()
    station.outbox.headers = True
    stage.subscribe(b"inbox", station.target(), plain.target(b"2"))
    block = b"NATS/1.0 100\r\n\r\n"

    stage.plane.deliver(b"inbox", b"s", b"r", block, b"body")

    assert station.heard() == b"HMSG s 1 r 16 20\r\n" + block + b"body\r\n"
    assert plain.heard() == b"MSG s 2 r 4\r\nbody\r\n"
    assert (station.outbox.out_bytes, plain.outbox.out_bytes) == (20, 4)


@pytest.mark.parametrize("size", [0, 9, 10, 99_999, REFERENCED_BYTES - 1, REFERENCED_BYTES])
def test_any_size(stage: Stage, station: Station, size: int) -> None:
    """Sizes of all lengths are written as they are."""
    other = stage.station()
    station.outbox.headers = True
    stage.subscribe(b"inbox", station.target(), other.target())

    stage.plane.deliver(b"inbox", b"s" * 900, b"r" * 300, b"h" * 12, b"x" * size)

    words = b"s" * 900 + b" 1 " + b"r" * 300
    assert station.heard() == b"HMSG %b 12 %d\r\n%b%b\r\n" % (words, 12 + size, b"h" * 12, b"x" * size)
    assert other.heard() == b"MSG %b %d\r\n%b\r\n" % (words, size, b"x" * size)


def test_nobody_listens(stage: Stage, station: Station) -> None:
    """No subscription, a closed connection and the server's own one are nobody."""
    assert stage.plane.deliver(b"inbox", b"s") is Reach.NOBODY
    stage.subscribe(b"inbox", station.target())
    station.outbox.closed = True
    assert stage.plane.deliver(b"inbox", b"s") is Reach.NOBODY
    own, retired = stage.station(), stage.station().target()
    retired.retire()
    stage.plane.server = own.outbox
    stage.subscribe(b"inbox", own.target(), retired)
    assert stage.plane.reach(b"inbox") is Reach.NOBODY
    assert stage.plane.deliver(b"inbox", b"s") is Reach.NOBODY
    assert own.heard() == b""


def test_the_server_gets_none_of_its_own(stage: Stage, station: Station) -> None:
    """Beside others the server's own connection is passed over, in queue groups too."""
    own = stage.station()
    stage.plane.server = own.outbox
    stage.planner.listeners[b"inbox"] = (
        (own.target(), station.target()),
        [[own.target(), station.target(b"2")]],
    )

    for _ in range(8):
        assert stage.plane.deliver(b"inbox", b"s") is Reach.SENT

    assert own.heard() == b""
    assert station.heard() == 8 * b"MSG s 1 0\r\n\r\nMSG s 2 0\r\n\r\n"


def test_all_are_congested(stage: Stage, station: Station) -> None:
    """Where each receiver is congested, nobody gets it."""
    _marked(station)
    stage.subscribe(b"inbox", station.target())

    assert stage.plane.reach(b"inbox") is Reach.CONGESTED
    assert stage.plane.deliver(b"inbox", b"s") is Reach.CONGESTED
    assert station.heard() == b""


def test_some_are_congested(stage: Stage, station: Station) -> None:
    """Where one receiver is not, all get it, as long as they have room."""
    other = stage.station()
    _marked(station)
    stage.subscribe(b"inbox", station.target(), other.target())

    assert stage.plane.deliver(b"inbox", b"s") is Reach.SENT
    assert station.heard() == other.heard() == b"MSG s 1 0\r\n\r\n"
    assert station.owner.presses == 0


def test_a_congested_one_without_room_is_ended(stage: Stage, station: Station) -> None:
    """Its owner is asked first, and may close it."""
    other = stage.station()
    _marked(station, room=False)
    stage.subscribe(b"inbox", station.target(), other.target())

    def close() -> bool:
        station.outbox.closed = True
        return False

    station.owner.decide = close

    assert stage.plane.deliver(b"inbox", b"s") is Reach.SENT
    assert other.heard() == b"MSG s 1 0\r\n\r\n"
    assert station.wire.heard() == b""
    assert station.owner.presses == 1


def test_a_group_gives_it_to_one(stage: Stage, station: Station) -> None:
    """One member of a queue group gets it, one that is not congested."""
    slow, gone = stage.station(), stage.station()
    _marked(slow)
    gone.outbox.closed = True
    stage.planner.listeners[b"inbox"] = ((), [[gone.target(), slow.target(), station.target()]])

    for _ in range(6):
        assert stage.plane.deliver(b"inbox", b"s") is Reach.SENT

    assert station.heard() == 6 * b"MSG s 1 0\r\n\r\n"
    assert slow.heard() == b""


def test_a_group_of_the_congested(stage: Stage, station: Station) -> None:
    """A group whose members are all congested, or closed, waits; an empty one is nobody."""
    gone = stage.station()
    gone.outbox.closed = True
    _marked(station)
    stage.planner.listeners[b"inbox"] = ((), [[gone.target(), station.target()], []])
    assert stage.plane.deliver(b"inbox", b"s") is Reach.CONGESTED
    stage.planner.listeners[b"inbox"] = ((), [[], [gone.target()]])
    stage.plane.changed(b"inbox")
    assert stage.plane.deliver(b"inbox", b"s") is Reach.NOBODY


def test_few_of_a_large_group_are_examined(stage: Stage, station: Station) -> None:
    """Whether a group can take a message is judged by its first members."""
    slow = stage.station()
    _marked(slow)
    members = [slow.target(b"%d" % sid) for sid in range(MOST_CANDIDATES)]
    stage.planner.listeners[b"inbox"] = ((), [[*members, station.target()]])
    assert stage.plane.reach(b"inbox") is Reach.CONGESTED


def test_a_group_that_is_the_server_alone(stage: Stage, station: Station) -> None:
    """A group without another member gets nothing, beside those who do."""
    own = stage.station()
    stage.plane.server = own.outbox
    stage.planner.listeners[b"inbox"] = ((station.target(),), [[own.target()]])
    assert stage.plane.deliver(b"inbox", b"s") is Reach.SENT
    assert own.heard() == b""


def test_servers_are_named_the_subscription(stage: Stage) -> None:
    """A server that finds subscriptions by their sids gets the sid marked, where the subject is another."""
    route = stage.route()
    route.outbox.naming = Naming.ALL
    target = route.target(b"RSID:1:2")
    stage.planner.listeners[b"inbox"] = ((target,), [[route.target(b"QRSID:3:4")]])

    for _ in range(2):
        stage.plane.deliver(b"inbox", b"s")
    stage.plane.deliver(b"inbox", b"inbox")

    renamed = b"MSG s QRSID:1:2 0\r\n\r\nMSG s QRSID:3:4 0\r\n\r\n"
    assert route.heard() == 2 * renamed + b"MSG inbox RSID:1:2 0\r\n\r\nMSG inbox QRSID:3:4 0\r\n\r\n"
    target.retire()
    stage.planner.listeners[b"inbox"] = ((target,), ())
    stage.plane.changed(b"inbox")
    assert stage.plane.deliver(b"inbox", b"s") is Reach.NOBODY


def test_other_names_stay(stage: Stage, station: Station) -> None:
    """A sid that names no plain subscription is not marked; a target that is gone is passed over."""
    route = stage.route()
    route.outbox.naming = Naming.ALL
    gone = route.target(b"RSID:5:6")
    stage.subscribe(b"inbox", route.target(b"LSID:1"), gone, station.target())
    gone.retire()

    stage.plane.deliver(b"inbox", b"s")

    assert route.heard() == b"MSG s LSID:1 0\r\n\r\n"
    assert station.heard() == b"MSG s 1 0\r\n\r\n"


def test_servers_that_find_members_alone(stage: Stage, station: Station) -> None:
    """A server that finds no plain subscription by its sid gets nothing under another subject."""
    route = stage.route()
    route.outbox.naming = Naming.MEMBERS
    stage.subscribe(b"inbox", route.target(b"RSID:1:2"))
    assert stage.plane.deliver(b"inbox", b"s") is Reach.NOBODY
    assert stage.plane.deliver(b"inbox", b"inbox") is Reach.SENT

    stage.subscribe(b"both", route.target(b"RSID:1:2"), station.target())
    assert stage.plane.deliver(b"both", b"s") is Reach.SENT
    assert route.heard() == b"MSG inbox RSID:1:2 0\r\n\r\n"


def test_plans_are_shared_with_messages_past_the_hooks(stage: Stage, station: Station) -> None:
    """A plan is decided once, however many turns that takes, for the server and for such messages alike."""
    stage.planner.turns = 3
    station.inlet.audience = SERVER_AUDIENCE
    stage.subscribe(b"inbox", station.target())

    stage.plane.deliver(b"inbox", b"inbox")
    stage.plane.deliver(b"inbox", b"inbox")
    station.feed(b"PUB inbox 0\r\n\r\n")
    stage.plane.deliver(b"inbox", b"s")

    assert stage.planner.asked == [(SERVER_AUDIENCE, b"inbox"), (RENAMED_AUDIENCE, b"inbox")]


def test_a_plan_for_one_message(stage: Stage, station: Station) -> None:
    """Where subscriptions changed meanwhile, the plan is not kept."""
    stage.planner.decide = lambda _subject: -1
    stage.subscribe(b"inbox", station.target())

    stage.plane.deliver(b"inbox", b"s")
    stage.plane.deliver(b"inbox", b"s")

    assert len(stage.planner.asked) == 2


def test_a_limit_counts_them(stage: Stage, station: Station) -> None:
    """A subscription that ends after a number of messages ends after these, too."""
    target = station.target()
    target.limit = 2
    stage.subscribe(b"inbox", target)

    for _ in range(2):
        stage.plane.deliver(b"inbox", b"s")

    assert target.delivered == 2


def test_receivers_under_another_subject(stage: Stage, station: Station) -> None:
    """They are named as `deliver` would name them: nobody who is closed, skipped or cannot be found."""
    route, old, own, gone = stage.route(), stage.route(), stage.station(), stage.station()
    route.outbox.naming, old.outbox.naming = Naming.ALL, Naming.MEMBERS
    plain = [
        route.target(b"RSID:1:2"),
        old.target(b"RSID:1:3"),
        own.target(),
        gone.target(),
        station.target(),
    ]
    gone.outbox.closed = True
    stage.planner.listeners[b"inbox"] = (plain, [[old.target(b"QRSID:3:4")]])

    assert len(stage.plane.receivers_of(b"inbox")) == 4
    stage.plane.server = own.outbox
    receivers = stage.plane.receivers_of(b"inbox")
    for target in receivers:
        stage.plane.deliver_to(target, HookedMessage(b"s", b"", 0, b"x"))

    assert len(receivers) == 3
    assert route.heard() == b"MSG s QRSID:1:2 1\r\nx\r\n"
    assert old.heard() == b"MSG s QRSID:3:4 1\r\nx\r\n"
    assert station.heard() == b"MSG s 1 1\r\nx\r\n"
