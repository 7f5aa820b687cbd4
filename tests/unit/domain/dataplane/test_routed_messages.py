"""Messages of peer servers: MSG beside PUB, within the limits of routes."""

import pytest

from app.domain.dataplane.constants import OWN_BYTES, TURN_WORK
from app.domain.dataplane.seam import Fault, Kind, MakePlane, Progress
from app.domain.limits import ROUTE_LINE, ROUTE_PAYLOAD
from tests.fakes.data_plane import MAX_LINE, MAX_PAYLOAD, ROUTES, Stage, Station

ROUTED = b"MSG foo RSID:3:7 5\r\nhello\r\n"
PUBLISH = b"PUB foo 5\r\nhello\r\n"
MESSAGE = b"MSG foo 1 5\r\nhello\r\n"

SPELLINGS = {
    "plain": (b"MSG foo RSID:1:2 2\r\nok\r\n", b"MSG foo 1 2\r\nok\r\n"),
    "reply": (b"MSG foo RSID:1:2 re 2\r\nok\r\n", b"MSG foo 1 re 2\r\nok\r\n"),
    "lower case": (b"msg foo RSID:1:2 2\r\nok\r\n", b"MSG foo 1 2\r\nok\r\n"),
    "mixed case": (b"mSg foo RSID:1:2 2\r\nok\r\n", b"MSG foo 1 2\r\nok\r\n"),
    "tab": (b"MSG\tfoo\tRSID:1:2\t2\r\nok\r\n", b"MSG foo 1 2\r\nok\r\n"),
    "runs of blanks": (b"MSG\t \tfoo \t RSID:1:2  re\t2 \t\r\nok\r\n", b"MSG foo 1 re 2\r\nok\r\n"),
    "two blanks before the size": (b"MSG foo RSID:1:2 re  2\r\nok\r\n", b"MSG foo 1 re 2\r\nok\r\n"),
    "two blanks before the reply": (b"MSG foo RSID:1:2  re 2\r\nok\r\n", b"MSG foo 1 re 2\r\nok\r\n"),
    "LF alone": (b"MSG foo RSID:1:2 2\nok\r\n", b"MSG foo 1 2\r\nok\r\n"),
    "LF alone after a reply": (b"MSG foo RSID:1:2 re 2\nok\r\n", b"MSG foo 1 re 2\r\nok\r\n"),
    "CR as a separator": (b"MSG foo\rRSID:1:2\rre\r2\r\nok\r\n", b"MSG foo 1 re 2\r\nok\r\n"),
    "leading zeros": (b"MSG foo RSID:1:2 002\r\nok\r\n", b"MSG foo 1 002\r\nok\r\n"),
    "nothing": (b"MSG foo RSID:1:2 0\r\n\r\n", b"MSG foo 1 0\r\n\r\n"),
    "a sid of any form": (b"MSG foo \xff\x00 2\r\nok\r\n", b"MSG foo 1 2\r\nok\r\n"),
    "a sid like a size": (b"MSG foo 2 2\r\nok\r\n", b"MSG foo 1 2\r\nok\r\n"),
    "a reply like a size": (b"MSG foo RSID:1:2 9 2\r\nok\r\n", b"MSG foo 1 9 2\r\nok\r\n"),
    "a mark that is cut": (b"MSG foo QRSID 2\r\nok\r\n", b"MSG foo 1 2\r\nok\r\n"),
    "a mark in small letters": (b"MSG foo qrsid:1:2 2\r\nok\r\n", b"MSG foo 1 2\r\nok\r\n"),
    "another MSG in the payload": (
        b"MSG foo RSID:1:2 15\r\nMSG f s 2\r\nok\r\n\r\n",
        b"MSG foo 1 15\r\nMSG f s 2\r\nok\r\n\r\n",
    ),
    "any byte in the payload": (
        b"MSG foo RSID:1:2 256\r\n" + bytes(range(256)) + b"\r\n",
        b"MSG foo 1 256\r\n" + bytes(range(256)) + b"\r\n",
    ),
    "PUB": (b"PUB foo 2\r\nok\r\n", b"MSG foo 1 2\r\nok\r\n"),
    "PUB with reply in lower case": (b"pub foo re 2\r\nok\r\n", b"MSG foo 1 re 2\r\nok\r\n"),
}
NO_MESSAGES = [b"MSG\r", b"MSGX foo s 1", b"MS foo s 1", b"xMSG foo s 1", b"HMSG foo s 1", b"SUB foo s", b""]

WRONG_ARGUMENTS = [b"", b"foo", b"foo 5", b"foo RSID:1:2", b"foo RSID:1:2 re 2 2", 100 * b"x "]
WRONG_SIZES = [
    b"foo RSID:1:2 -5",
    b"foo RSID:1:2 abc",
    b"foo RSID:1:2 re +1",
    b"foo QRSID:1:2 0x10",
    b"foo s 1_0",
]
TOO_LARGE = [
    b"%d" % (ROUTE_PAYLOAD + 1),
    b"99999999999",
    b"999999999999999999",
    b"9223372036854775808",
    b"18446744073709551616",
    b"18446744073709551619",
    900 * b"9",
]


@pytest.fixture(name="route")
def _route(stage: Stage) -> Station:
    """A peer server on the `stage`."""
    return stage.route()


@pytest.mark.parametrize("bytewise", [False, True], ids=["whole", "bytewise"])
@pytest.mark.parametrize(("sent", "heard"), SPELLINGS.values(), ids=SPELLINGS.keys())
def test_a_routed_message_in_any_spelling(stage: Stage, sent: bytes, heard: bytes, *, bytewise: bool) -> None:
    """Listeners get their own sid in place of the route's, single blanks, and the payload untouched."""
    route, client = stage.route(), stage.station()
    stage.subscribe(b"foo", client.target())

    (route.feed_bytewise if bytewise else route.feed)(2 * sent)

    assert 2 * heard == client.heard()
    assert ([], []) == (route.control.lines, route.control.faults)


def test_everything_else_is_a_line(route: Station) -> None:
    """A line that is neither PUB nor MSG goes to the control plane unchanged."""
    route.feed(b"\n".join(NO_MESSAGES) + b"\n")

    assert NO_MESSAGES == route.control.lines


def test_clients_send_no_routed_messages(stage: Stage, station: Station) -> None:
    """MSG of a client is a line like any other, even right after the same line of a route."""
    route = stage.route()
    stage.subscribe(b"foo", station.target())

    for sender in (route, station, route, station):
        sender.feed(ROUTED)

    assert 2 * [b"MSG foo RSID:3:7 5\r", b"hello\r"] == station.control.lines
    assert (2, 0, 2 * MESSAGE) == (route.inlet.in_msgs, station.inlet.in_msgs, station.heard())


def test_a_client_by_name(stage: Stage, station: Station) -> None:
    """A kind that is given is the kind of the inlet, and a client is what there is without."""
    inlets = [stage.plane.inlet(station.control, station.outbox, kind) for kind in (Kind.CLIENT, Kind.ROUTE)]

    for inlet in inlets:
        inlet.publishing = True
        room = stage.plane.reserve(inlet)
        room[: len(ROUTED)] = ROUTED
        stage.plane.ingest(inlet, len(ROUTED))

    assert [0, 1] == [inlet.in_msgs for inlet in inlets]


def test_no_message_before_it_is_served(route: Station) -> None:
    """A route that may not send messages yet has its MSG and PUB judged by the control plane."""
    route.feed(ROUTED)
    route.inlet.publishing = False

    route.feed(b"MSG foo RSID:3:7 5\r\nPUB foo 5\r\n")

    assert [b"MSG foo RSID:3:7 5\r", b"PUB foo 5\r"] == route.control.lines
    assert 1 == route.inlet.in_msgs


def test_routes_and_clients_have_plans_of_their_own(stage: Stage, station: Station, route: Station) -> None:
    """The subject of a routed message is planned for the audience of its route."""
    stage.subscribe(b"foo", station.target())

    for sender in (route, station, route, station):
        sender.feed(PUBLISH)
    route.feed(ROUTED)

    assert [(ROUTES, b"foo"), (0, b"foo")] == stage.planner.asked
    assert 5 * MESSAGE == station.heard()


@pytest.mark.parametrize("bytewise", [False, True], ids=["whole", "bytewise"])
@pytest.mark.parametrize("argument", WRONG_ARGUMENTS, ids=lambda argument: argument[:24].decode())
def test_a_wrong_number_of_words(stage: Stage, argument: bytes, *, bytewise: bool) -> None:
    """A MSG of other than three or four words is at fault, and shown with its argument."""
    route = stage.route()
    line = b"MSG " + argument + b"\r\n"

    (route.feed_bytewise if bytewise else route.feed)(line)

    assert [(Fault.ARGUMENTS, argument + b"\r")] == route.control.faults
    assert (False, 0) == (route.inlet.has_rest(), route.inlet.in_msgs)


@pytest.mark.parametrize("argument", WRONG_SIZES, ids=bytes.decode)
def test_a_size_that_is_no_number(route: Station, argument: bytes) -> None:
    """A size of other than ASCII digits is at fault, and shown with the argument."""
    progress = route.feed(b"MSG " + argument + b"\r\n" + ROUTED)

    assert (Progress.STOPPED, [(Fault.SIZE, argument + b"\r")]) == (progress, route.control.faults)
    assert (False, 0) == (route.inlet.has_rest(), route.inlet.in_msgs)


@pytest.mark.parametrize("verb", [b"PUB foo ", b"MSG foo RSID:1:2 ", b"MSG foo QRSID:1:2 re "])
@pytest.mark.parametrize("digits", TOO_LARGE, ids=lambda digits: digits[:24].decode())
def test_a_size_above_the_limit_of_routes(route: Station, verb: bytes, digits: bytes) -> None:
    """Such a size is at fault as soon as its line ends, before anything is reserved for it."""
    progress = route.feed(verb + digits + b"\r\n")

    assert (Progress.STOPPED, [(Fault.PAYLOAD, digits)]) == (progress, route.control.faults)
    assert not route.inlet.has_rest()


@pytest.mark.parametrize("ending", [b"\n", b"x", b"\rx", ROUTED])
def test_a_payload_without_its_end(route: Station, ending: bytes) -> None:
    """Bytes in place of CR LF are at fault, and shown as far as they are there."""
    progress = route.feed(ROUTED[:-2] + ending)

    assert (Progress.STOPPED, [(Fault.TERMINATOR, ending)]) == (progress, route.control.faults)
    assert 0 == route.inlet.in_msgs


@pytest.mark.parametrize(
    ("max_payload", "limit"),
    [(5, ROUTE_PAYLOAD), (ROUTE_PAYLOAD + 9, ROUTE_PAYLOAD + 9), (-1, 10**18 - 1)],
    ids=["that of routes", "that of clients", "none"],
)
def test_the_largest_payload_of_a_route(make_plane: MakePlane, max_payload: int, limit: int) -> None:
    """A route may send what clients may send, and 64 MiB at least; an announcement reserves little."""
    stage = Stage(make_plane, max_payload=max_payload)
    first, second = stage.route(), stage.route()

    first.feed(b"MSG foo s %d\r\n" % limit)
    second.feed(b"MSG foo s %d\r\n" % (limit + 1))

    assert ([], [(Fault.PAYLOAD, b"%d" % (limit + 1))]) == (first.control.faults, second.control.faults)
    assert len(stage.plane.reserve(first.inlet)) <= OWN_BYTES


@pytest.mark.parametrize(
    ("max_line", "limit"),
    [(MAX_LINE, ROUTE_LINE), (ROUTE_LINE, 2 * ROUTE_LINE + 64)],
    ids=["that of routes", "that of clients"],
)
@pytest.mark.parametrize("end", [b"\r\n", b"\n"], ids=["CR LF", "LF"])
def test_the_longest_line_of_a_route(make_plane: MakePlane, max_line: int, limit: int, end: bytes) -> None:
    """A route's line may be as long as clients can make it, and 64 KiB at least."""
    stage = Stage(make_plane, max_line=max_line)
    routes = [stage.route(), stage.route()]

    for route, length in zip(routes, (limit, limit + 1), strict=True):
        route.feed(b"MSG " + (length - 4) * b"s" + b" s 0" + end + b"\r\n")

    assert [[], [(Fault.LINE, b"")]] == [route.control.faults for route in routes]
    assert [1, 0] == [route.inlet.in_msgs for route in routes]


@pytest.mark.parametrize("order", ["CRCR", "RCRC"])
@pytest.mark.parametrize(
    ("message", "faults"),
    [
        (b"PUB foo 5\r\nhello\r\n", [(Fault.PAYLOAD, b"5")]),
        (b"PUB foo" + 200 * b" " + b"4\r\ngood\r\n", [(Fault.LINE, b"")]),
        (b"PUB foo 4\r\ngood\r\n", []),
    ],
    ids=["payload", "line", "allowed"],
)
def test_each_kind_has_its_own_limits(
    make_plane: MakePlane, order: str, message: bytes, faults: list[tuple[Fault, bytes]]
) -> None:
    """The same line is judged by the limits of its sender, not by those of an earlier one."""
    stage = Stage(make_plane, max_payload=4, max_line=100)
    senders = {"C": stage.station(), "R": stage.route()}

    for letter in order:
        senders[letter].feed(message)

    assert (2 * faults, []) == (senders["C"].control.faults, senders["R"].control.faults)
    assert (0 if faults else 2, 2) == (senders["C"].inlet.in_msgs, senders["R"].inlet.in_msgs)


@pytest.mark.parametrize("size", [OWN_BYTES - 40, OWN_BYTES + 1, 300_000, MAX_PAYLOAD + 1])
@pytest.mark.parametrize("per_read", [1_000, 65_537])
def test_large_routed_messages(stage: Stage, size: int, per_read: int) -> None:
    """A large message arrives whole, and so do those around it, larger than clients may send too."""
    route, client = stage.route(), stage.station()
    stage.subscribe(b"foo", client.target())
    payload = (b"MSG foo s 1\r\n" * (size // 13 + 1))[:size]
    data = ROUTED + b"MSG foo RSID:1:2 re %d\r\n%b\r\n" % (size, payload) + ROUTED + b"PING\r\n"

    for start in range(0, len(data), per_read):
        route.feed(data[start : start + per_read])

    assert MESSAGE + b"MSG foo 1 re %d\r\n%b\r\n" % (size, payload) + MESSAGE == client.heard()
    assert [b"PING\r"] == route.control.lines
    assert not route.inlet.has_rest()


def test_runs_of_routed_messages(stage: Stage, route: Station) -> None:
    """Many messages of one line reach each listener in order, up to the first that is none."""
    clients = [stage.station(), stage.station()]
    stage.subscribe(b"foo", clients[0].target(b"1"), clients[1].target(b"22"))
    run = b"".join(b"MSG foo RSID:3:7 5\r\n%05d\r\n" % number for number in range(1000))

    route.feed(run + b"PING\r\n" + ROUTED[:-4])
    route.feed(b"lo\r\n")

    for client, sid in zip(clients, (b"1", b"22"), strict=True):
        expected = b"".join(b"MSG foo %b 5\r\n%05d\r\n" % (sid, number) for number in range(1000))
        assert expected + b"MSG foo %b 5\r\nhello\r\n" % sid == client.heard()
    assert (1001, 5005, 2002, 10_010) == (
        stage.plane.in_msgs,
        stage.plane.in_bytes,
        stage.plane.out_msgs,
        stage.plane.out_bytes,
    )


def test_counters(stage: Stage, route: Station) -> None:
    """Routed messages count for the route, the plane, and those who get them."""
    client = stage.station()
    target = client.target()
    stage.subscribe(b"foo", target)

    stage.plane.now = 3.5
    route.feed(ROUTED + b"MSG bar RSID:1:1 2\r\nok\r\n" + ROUTED)

    assert (3, 12, 3.5) == (route.inlet.in_msgs, route.inlet.in_bytes, route.inlet.last_publish)
    assert (2, 10, 3.5) == (client.outbox.out_msgs, client.outbox.out_bytes, client.outbox.last_delivery)
    assert (3, 12, 2, 10) == (
        stage.plane.in_msgs,
        stage.plane.in_bytes,
        stage.plane.out_msgs,
        stage.plane.out_bytes,
    )
    assert 2 == target.delivered


def test_tracing_gives_the_verb_of_each_message(route: Station) -> None:
    """While tracing, the control plane is given each message's verb, argument and payload."""
    route.inlet.trace = True

    route.feed(ROUTED + b"msg \t foo  RSID:1:2 re 2 \r\nno\r\npub foo re 2\r\nya\r\n" + ROUTED)

    assert [
        (b"MSG", b"foo RSID:3:7 5\r", b"hello"),
        (b"MSG", b"foo  RSID:1:2 re 2 \r", b"no"),
        (b"PUB", b"foo re 2\r", b"ya"),
        (b"MSG", b"foo RSID:3:7 5\r", b"hello"),
    ] == route.control.traces


def test_a_traced_receiver_of_routed_messages(stage: Stage, route: Station) -> None:
    """The line that a receiver is sent is traced with its own sid."""
    client = stage.station()
    client.outbox.trace = True
    stage.subscribe(b"foo", client.target())

    route.feed(2 * ROUTED + b"MSG foo  RSID:1:2 re 2\nok\r\n")

    assert [b"MSG foo 1 5", b"MSG foo 1 5", b"MSG foo 1 re 2"] == client.owner.heads


def test_a_route_is_held_by_a_receiver(stage: Stage, route: Station) -> None:
    """A receiver that a message congests ends the ingest after that message; the rest is kept."""
    slow = stage.station()
    stage.subscribe(b"foo", slow.target())
    slow.outbox.alarm = 10
    slow.owner.decide = lambda: True

    held = route.feed(3 * ROUTED + b"PING\r\n")
    early = (slow.heard(), route.inlet.in_msgs)
    slow.owner.decide = lambda: False
    last = route.go_on()

    assert (Progress.HELD, Progress.DONE, (MESSAGE, 1)) == (held, last, early)
    assert (2 * MESSAGE, [b"PING\r"]) == (slow.heard(), route.control.lines)


def test_a_turn_of_routed_messages(stage: Stage, route: Station) -> None:
    """Bytes delivered are work, once for each receiver; nothing is lost between the turns."""
    receiver = stage.station()
    stage.subscribe(b"foo", *(receiver.target(b"%d" % sid) for sid in range(100)))
    count, payload = 200, 1000 * b"x"

    turns = [route.feed(count * (b"MSG foo RSID:1:1 1000\r\n" + payload + b"\r\n"))]
    while turns[-1] is not Progress.DONE:
        turns.append(route.go_on())

    assert [Progress.TURN] * (len(turns) - 1) + [Progress.DONE] == turns
    assert len(turns) == 1 + 100 * count * 1000 // TURN_WORK
    assert 100 * count == receiver.outbox.out_msgs


@pytest.mark.parametrize("bytewise", [False, True], ids=["whole", "bytewise"])
def test_a_refusal_on_a_route(stage: Stage, *, bytewise: bool) -> None:
    """A plan that refuses is obeyed on a route as well: said once per message, and delivered to nobody."""
    route = stage.route()
    stage.planner.refused[ROUTES, b"foo"] = b"-ERR 'no'\r\n"

    (route.feed_bytewise if bytewise else route.feed)(2 * ROUTED)

    assert 2 * b"-ERR 'no'\r\n" == route.heard()
    assert (2, 0) == (route.inlet.in_msgs, stage.plane.out_msgs)


def test_routes_share_the_buffer_and_not_their_rests(stage: Stage) -> None:
    """What one connection left incomplete is not touched by what others send, of either kind."""
    client, routes = stage.station(), [stage.route(), stage.route()]
    stage.subscribe(b"foo", client.target())

    for i in range(len(ROUTED)):
        for route in routes:
            route.feed(ROUTED[i : i + 1])
        client.feed(PUBLISH[i : i + 1])

    assert 3 * MESSAGE == client.heard()
