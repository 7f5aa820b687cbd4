"""Who gets a message, as the index has it."""

import pytest

from app.domain.dataplane.seam import MakePlane
from app.domain.interest.subscription import Subscriber
from app.domain.monitoring.receivers import (
    Receivers,
    ReceivingGroup,
    ReceivingRoute,
    ReceivingSubscription,
    receivers,
)
from app.domain.permissions.rules import Permissions, Rule, entry
from app.domain.security.credentials import Identity
from app.domain.steps import STEP_WORK
from app.domain.subjects.trie import NODES_PER_STEP
from tests.fakes.single_user import SingleUser
from tests.fakes.wire import FakeWire
from tests.support.steps import counted, finished
from tests.support.virtual_broker import QUIET, VirtualBroker, VirtualClient
from tests.unit.domain.monitoring.test_view import Seed

NAMED = b'CONNECT {"verbose":false,"pedantic":false,"name":"%b"}\r\n'


@pytest.fixture(name="server")
def _server(make_plane: MakePlane) -> VirtualBroker:
    return VirtualBroker(make_plane)


def named(server: VirtualBroker, name: bytes, lines: bytes) -> VirtualClient:
    """A client of this name that sends these lines."""
    client = server.connect()
    client.send(NAMED % name + lines)
    return client


def test_nobody(server: VirtualBroker) -> None:
    """Without subscriptions there is nobody, whatever others listen to."""
    named(server, b"n", b"SUB b 1\r\n")

    assert Receivers(0, (), 0, (), ()) == finished(receivers(server.broker, b"a", 10))


def test_clients(server: VirtualBroker) -> None:
    """Plain subscriptions and members of queue groups are listed with subject, queue group, cid and name."""
    named(server, b"one", b"SUB a.* 1\r\nSUB a.b q 2\r\nSUB c q 3\r\nSUB a.b z 4\r\n")
    named(server, b"two", b"SUB > q 1\r\nSUB x r 2\r\n")
    server.broker.connect_local("inside").subscribe(b"a.b", lambda _: None)

    found = finished(receivers(server.broker, b"a.b", 10))

    assert {
        ReceivingSubscription("a.*", "", 1, "one"),
        ReceivingSubscription("a.b", "", 3, "inside"),
        ReceivingSubscription("a.b", "q", 1, "one"),
        ReceivingSubscription("a.b", "z", 1, "one"),
        ReceivingSubscription(">", "q", 2, "two"),
    } == set(found.subscriptions)
    assert {ReceivingGroup("q", 2, ()), ReceivingGroup("z", 1, ())} == set(found.groups)
    assert (5, 2, ()) == (found.total, found.total_groups, found.routes)


def test_limit(server: VirtualBroker) -> None:
    """All are counted, and as many are listed as the limit says."""
    named(server, b"n", b"SUB a 1\r\nSUB a 2\r\nSUB a q 3\r\nSUB a r 4\r\n")

    found = finished(receivers(server.broker, b"a", 1))

    assert (4, 1, 2, 1) == (found.total, len(found.subscriptions), found.total_groups, len(found.groups))


def test_no_echo(server: VirtualBroker) -> None:
    """A publisher that gets none of its own messages is no receiver, and no member of a group."""
    client = named(server, b"n", b"SUB a 1\r\nSUB a q 2\r\n")
    named(server, b"m", b"SUB a 1\r\n")

    found = finished(receivers(server.broker, b"a", 10, client.connection.cid))

    assert (1, 0, (2,)) == (found.total, found.total_groups, tuple(one.cid for one in found.subscriptions))


def test_filters(make_plane: MakePlane) -> None:
    """A subscription that does not get what is denied is left out for it."""
    rules = Permissions(subscribe=Rule((), (entry("a.b"),)))
    server = VirtualBroker(make_plane, gatekeeper=SingleUser("derek", "s", rules))
    client = server.connect()
    client.send(b'CONNECT {"user":"derek","pass":"s"}\r\nSUB a.* 1\r\nSUB a.* 2\r\nSUB a.* q 3\r\n')

    denied = finished(receivers(server.broker, b"a.b", 10))

    assert Receivers(0, (), 0, (), ()) == denied
    assert 3 == finished(receivers(server.broker, b"a.c", 10)).total
    assert Identity("derek", permissions=rules) == server.broker.sessions[1].identity


def test_routes(make_plane: MakePlane) -> None:
    """Other servers are listed once, and groups say which of them have members."""
    seed = Seed(make_plane)
    seed.welcome("A", b"SUB a.* RSID:7:1\r\n", b"SUB a.b q QRSID:7:2\r\n")
    seed.welcome("B", b"SUB a.b RSID:1:1\r\n")

    found = finished(receivers(seed.broker, b"a.b", 10))

    assert (ReceivingGroup("q", 0, (1,)),) == found.groups
    assert {ReceivingRoute(1, "A", "A"), ReceivingRoute(2, "B", "B")} == set(found.routes)
    assert (0, ()) == (found.total, found.subscriptions)


def test_a_route_that_ends(make_plane: MakePlane) -> None:
    """A server whose route ends between two steps is left out."""
    seed = Seed(make_plane)
    route = seed.welcome("A", b"SUB a RSID:7:1\r\n")
    wire = FakeWire()
    wire.handler = seed.broker.accept(wire)
    wire.handler.opened()
    wire.feed(QUIET + b"".join(b"SUB a %d\r\n" % sid for sid in range(STEP_WORK)))
    steps = receivers(seed.broker, b"a", 1)
    next(steps)

    route.lose()
    found = finished(steps)

    assert (STEP_WORK, ()) == (found.total, found.routes)


def test_it_pauses(server: VirtualBroker) -> None:
    """Many receivers are listed in steps, and clients that leave meanwhile are left out."""
    clients = [named(server, b"n", b"SUB a 1\r\nSUB a q 2\r\n") for _ in range(STEP_WORK)]
    steps = receivers(server.broker, b"a", 2)
    next(steps)
    clients[-1].leave()

    pauses, found = counted(steps)

    assert pauses > 3
    assert 2 * (STEP_WORK - 1) == found.total


def test_pauses_at_each_kind_of_work(server: VirtualBroker) -> None:
    """Groups, sessions and subscriptions that do not match are passed by in steps, too."""
    lines = b"".join(b"SUB a q%d %d\r\n" % (number, number) for number in range(STEP_WORK))
    named(server, b"n", lines + b"".join(b"SUB z y%d\r\n" % number for number in range(2 * STEP_WORK)))
    for _ in range(STEP_WORK + 1):
        server.connect(quiet=True)

    pauses, found = counted(receivers(server.broker, b"a", 1))

    assert (STEP_WORK, STEP_WORK) == (found.total, found.total_groups)
    assert pauses > 10


def test_crossed_patterns(server: VirtualBroker) -> None:
    """A search among very many patterns is made in steps."""
    tokens = 10
    assert 2 ** (tokens - 1) > NODES_PER_STEP
    patterns = (
        b".".join(b"*" if mask >> place & 1 else b"a" for place in range(tokens)) for mask in range(2**tokens)
    )
    named(server, b"n", b"".join(b"SUB %b %d\r\n" % (each, sid) for sid, each in enumerate(patterns)))

    pauses, found = counted(receivers(server.broker, b".".join([b"a"] * tokens), 1))

    assert 2**tokens == found.total
    assert pauses > 1


def test_a_receiver_is_a_subscriber(server: VirtualBroker) -> None:
    """Sessions of clients are found by their number, inside the process too."""
    client = named(server, b"n", b"")
    local = server.broker.connect_local("inside")
    sessions: list[Subscriber] = list(server.broker.sessions_of_clients())

    assert [client.connection.cid, local.connection.cid] == [one.number for one in sessions]
    assert local.session is server.broker.session_of(local.connection.cid)
    assert server.broker.session_of(99) is None
