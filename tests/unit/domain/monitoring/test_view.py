"""The view: what those see who only watch, and how little they disturb."""

from collections.abc import Callable, Iterator

import pytest

from app.adapters.auth.authenticators import AllowAll
from app.adapters.clock_manual import ManualClock
from app.domain.broker import Broker
from app.domain.broker_needs import Membership, Needs
from app.domain.cluster.settings import ClusterSettings
from app.domain.dataplane.seam import MakePlane
from app.domain.events import Link
from app.domain.limits import Limits
from app.domain.monitoring.connection_query import ConnectionQuery, ConnectionState, SortKey
from app.domain.monitoring.facts import (
    ClusterFacts,
    ConnectionPage,
    ConnectionTotals,
    Health,
    SubscriptionPage,
)
from app.domain.monitoring.view import LiveView
from app.domain.sessions.wire import Handler, Wire
from app.domain.stats import ClientStats, Closing, Profile, SubscriptionStats, Traffic
from app.domain.steps import ROW_WORK, STEP_WORK
from tests.fakes.authenticator import ManualAuthenticator
from tests.fakes.event_log import RecordingEventLog
from tests.fakes.wire import ADDRESS, FakeWire
from tests.support.steps import counted, finished
from tests.support.virtual_broker import INFO, VirtualBroker


def cids(view: LiveView, query: ConnectionQuery) -> list[int]:
    """The clients of a page, in its order."""
    return [row.connection.cid for row in finished(view.connections(query)).rows]


@pytest.fixture(name="server")
def _server(make_plane: MakePlane) -> VirtualBroker:
    """A broker in virtual time."""
    return VirtualBroker(make_plane)


@pytest.fixture(name="view")
def _view(server: VirtualBroker) -> LiveView:
    """A view of the broker under test."""
    return LiveView(server.broker)


# --- the server -------------------------------------------------------------------------


def test_a_fresh_server(server: VirtualBroker, view: LiveView) -> None:
    """The view has the broker's identity and limits, and no traffic yet."""
    facts = view.server()

    assert (INFO, Limits(), server.clock.monotonic()) == (facts.info, facts.limits, facts.started)
    assert (0, 0, 0, 0, 0, 0) == (
        facts.connections,
        facts.total_connections,
        facts.routes,
        facts.remotes,
        facts.slow_consumers,
        facts.subscriptions,
    )
    assert Traffic(0, 0, 0, 0) == facts.traffic


def test_a_busy_server(server: VirtualBroker, view: LiveView) -> None:
    """Clients now and ever, subscriptions and messages are counted; time goes on."""
    first, second = server.connect(quiet=True), server.connect(quiet=True)
    first.send(b"SUB a 1\r\nSUB b 2\r\n")
    second.send(b"PUB a 5\r\nhello\r\n")
    second.leave()
    server.advance(7.0)

    facts = view.server()

    assert (1, 2, 2) == (facts.connections, facts.total_connections, facts.subscriptions)
    assert Traffic(1, 5, 1, 5) == facts.traffic
    assert 7.0 == view.monotonic() - facts.started
    assert server.broker.interest.stats() == finished(view.index())


def test_a_lone_server(view: LiveView) -> None:
    """A server on its own has no cluster and no routes."""
    assert view.server().cluster is None
    assert () == view.unreachable_routes()
    assert () == finished(view.routes(subscriptions=True))


# --- routes -----------------------------------------------------------------------------


class Undialled:
    """A dialer in a cluster where nobody is to be dialled."""

    def dial(
        self, host: str, port: int, acceptor: Callable[[Wire], Handler], refused: Callable[[str], None]
    ) -> None:
        """Nobody is there."""
        raise AssertionError((host, port, acceptor, refused))


class Seed:
    """A server in a cluster, to which others come."""

    def __init__(self, make_plane: MakePlane) -> None:
        self.clock = ManualClock()
        needs = Needs(make_plane, 1, self.clock, AllowAll(), RecordingEventLog())
        settings = ClusterSettings(host="192.0.2.9", port=4248, auth_timeout=0.5, tls=True)
        self.broker = Broker(Limits(), INFO, needs, Membership(settings, AllowAll(), Undialled()))
        self.view = LiveView(self.broker)

    def welcome(self, server_id: str, *subscriptions: bytes) -> FakeWire:
        """A server that came, and introduced itself and what its clients listen to."""
        wire = FakeWire()
        wire.handler = self.broker.accept_route(wire)
        wire.handler.opened()
        wire.feed(b'CONNECT {"verbose":false}\r\nINFO {"server_id":"%b"}\r\n' % server_id.encode())
        wire.feed(b"".join(subscriptions))
        return wire


def test_a_cluster(make_plane: MakePlane) -> None:
    """The view has the address for other servers, and the number of routes."""
    seed = Seed(make_plane)
    seed.welcome("A")
    seed.welcome("B")

    facts = seed.view.server()

    assert ClusterFacts("192.0.2.9", 4248, auth_timeout=0.5, tls=True) == facts.cluster
    assert (2, 2, 0) == (facts.routes, facts.remotes, facts.connections)


def test_a_route(make_plane: MakePlane) -> None:
    """A route has the peer's id, the side that dialled and, on request, the peer's subscriptions."""
    seed = Seed(make_plane)
    seed.welcome("A", b"SUB a.* RSID:7:1\r\n", b"SUB b q QRSID:7:2\r\n")

    (row,) = finished(seed.view.routes())
    (full,) = finished(seed.view.routes(subscriptions=True))

    assert ("A", False, False, 2, ()) == (
        row.remote_id,
        row.solicited,
        row.configured,
        row.subscriptions,
        row.subscription_list,
    )
    assert (1, ADDRESS, 4000) == (row.connection.cid, row.connection.ip, row.connection.port)
    assert ("A", 0.0, ()) == (row.name, row.rtt, seed.view.unreachable_routes())
    assert ["a.*", "b"] == [one.subject for one in full.subscription_list]


def test_routes_pause(make_plane: MakePlane) -> None:
    """Routes are listed in steps, and one that ends meanwhile is left out."""
    seed = Seed(make_plane)
    count = STEP_WORK // ROW_WORK + 1
    wires = [seed.welcome(f"S{number}") for number in range(count)]
    steps = seed.view.routes()
    next(steps)

    wires[-1].lose()

    assert [f"S{number}" for number in range(count - 1)] == [row.remote_id for row in finished(steps)]


def test_health_follows_the_listeners(server: VirtualBroker, view: LiveView) -> None:
    """A broker serves from the moment it listens until it stops."""
    assert Health(serving=False, ready=False) == view.health()

    server.broker.listening_on(4222)
    assert Health(serving=True, ready=True) == view.health()

    server.broker.shutdown(lambda: None)
    assert Health(serving=False, ready=False) == view.health()


# --- connections ------------------------------------------------------------------------


def test_a_page_of_nobody(view: LiveView) -> None:
    """Without clients a page is empty."""
    assert ConnectionPage(0, ()) == finished(view.connections(ConnectionQuery()))


def test_a_row_has_the_words_about_the_client(server: VirtualBroker, view: LiveView) -> None:
    """A row has the client's own words about itself, and the number of its subscriptions."""
    client = server.connect()
    client.send(b'CONNECT {"name":"n","lang":"py","version":"3"}\r\nSUB a 1\r\n')

    (row,) = finished(view.connections(ConnectionQuery())).rows

    assert ClientStats(client.connection.stats(), Profile("n", "py", "3", ""), 1, ()) == row


def test_a_row_has_the_user(make_plane: MakePlane) -> None:
    """The row has the user of a login, but no secret, and is empty before the login."""
    gatekeeper = ManualAuthenticator()
    server = VirtualBroker(make_plane, gatekeeper=gatekeeper)
    client = server.connect()
    view = LiveView(server.broker)
    assert "" == finished(view.connections(ConnectionQuery())).rows[0].profile.user

    client.send(b'CONNECT {"user":"ann","pass":"secret"}\r\n')
    gatekeeper.admit("ann")

    (row,) = finished(view.connections(ConnectionQuery())).rows
    assert "ann" == row.profile.user
    assert "secret" not in repr(row)


def test_a_row_lists_subscriptions_when_asked(server: VirtualBroker, view: LiveView) -> None:
    """With subscriptions, a row lists each: subject, group, sid, messages so far, limit."""
    client = server.connect(quiet=True)
    client.send(b"SUB a.* q 1\r\nSUB b\xff x\r\nUNSUB x 5\r\nPUB b\xff 0\r\n\r\n")

    (row,) = finished(view.connections(ConnectionQuery(subscriptions=True))).rows

    assert (
        SubscriptionStats("a.*", "q", "1", delivered=0, limit=0, number=1),
        SubscriptionStats("b\ufffd", "", "x", delivered=1, limit=5, number=1),
    ) == row.subscription_list


@pytest.mark.parametrize(
    ("offset", "limit", "expected"),
    [
        (0, 1024, [1, 2, 3, 4, 5]),
        (0, 2, [1, 2]),
        (3, 2, [4, 5]),
        (4, 2, [5]),
        (5, 2, []),
        (2**63 - 1, 2**63 - 1, []),
    ],
)
def test_pages(server: VirtualBroker, view: LiveView, offset: int, limit: int, expected: list[int]) -> None:
    """A page begins at its offset and ends at its limit; the total is that of all clients."""
    for _ in range(5):
        server.connect()

    page = finished(view.connections(ConnectionQuery(offset=offset, limit=limit)))

    assert expected == [row.connection.cid for row in page.rows]
    assert 5 == page.total


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (SortKey.CID, [1, 2, 3]),
        (SortKey.START, [1, 2, 3]),
        (SortKey.UPTIME, [1, 2, 3]),
        (SortKey.SUBS, [2, 3, 1]),
        (SortKey.PENDING, [2, 3, 1]),
        (SortKey.MSGS_TO, [2, 3, 1]),
        (SortKey.BYTES_TO, [2, 3, 1]),
        (SortKey.MSGS_FROM, [1, 3, 2]),
        (SortKey.BYTES_FROM, [3, 1, 2]),
        (SortKey.LAST, [3, 1, 2]),
        (SortKey.IDLE, [2, 1, 3]),
    ],
)
def test_order(server: VirtualBroker, view: LiveView, key: SortKey, expected: list[int]) -> None:
    """Each key sorts as its page promises: by age ascending, by amounts descending."""
    publisher, reader, other = (server.connect(quiet=True) for _ in range(3))
    reader.send(b"SUB a 1\r\nSUB a 2\r\n")
    other.send(b"SUB a 1\r\n")
    for client in (reader, other):
        client.wire.stall()
    publisher.send(b"PUB a 1\r\nx\r\nPUB a 1\r\nx\r\n")
    server.advance(1.0)
    publisher.send(b"PUB nobody 1\r\nx\r\n")
    server.advance(1.0)
    other.send(b"PUB nobody 9\r\n123456789\r\n")

    assert expected == cids(view, ConnectionQuery(sort=key))
    assert expected[1:2] == cids(view, ConnectionQuery(sort=key, offset=1, limit=1))


# --- slices ----------------------------------------------------------------------------


@pytest.mark.parametrize("key", [SortKey.CID, SortKey.SUBS])
def test_a_long_page_pauses(server: VirtualBroker, view: LiveView, key: SortKey) -> None:
    """Thousands of rows are made in steps of bounded work, and all of them are there."""
    count = 10 * STEP_WORK // ROW_WORK
    for _ in range(count):
        server.broker.accept(FakeWire())

    pauses, page = counted(view.connections(ConnectionQuery(sort=key, limit=count)))

    assert list(range(1, count + 1)) == [row.connection.cid for row in page.rows]
    assert 10 <= pauses <= 20


def test_passing_by_pauses(server: VirtualBroker, view: LiveView) -> None:
    """A page that comes after many clients is not made in one go either."""
    for _ in range(3 * STEP_WORK):
        server.broker.accept(FakeWire())

    pauses, page = counted(view.connections(ConnectionQuery(offset=3 * STEP_WORK)))

    assert (3, 3 * STEP_WORK, ()) == (pauses, page.total, page.rows)


def test_a_long_list_pauses(server: VirtualBroker, view: LiveView) -> None:
    """One client with thousands of subscriptions is listed in steps."""
    client = server.connect(quiet=True)
    client.send(b"".join(b"SUB a.%d %d\r\n" % (i, i) for i in range(2 * STEP_WORK)))

    pauses, page = counted(view.connections(ConnectionQuery(subscriptions=True)))

    assert 2 * STEP_WORK == len(page.rows[0].subscription_list)
    assert 2 < pauses


@pytest.mark.parametrize("key", [SortKey.CID, SortKey.IDLE])
def test_who_leaves_between_steps_is_left_out(server: VirtualBroker, view: LiveView, key: SortKey) -> None:
    """A client that left since the page was begun, or is leaving, does no harm."""
    clients = [server.connect() for _ in range(STEP_WORK)]
    steps = view.connections(ConnectionQuery(sort=key, limit=STEP_WORK))
    next(steps)

    clients[-1].leave()
    clients[-2].connection.close()

    assert list(range(1, STEP_WORK - 1)) == [row.connection.cid for row in finished(steps).rows]


def test_who_left_before_its_turn_is_not_measured(server: VirtualBroker, view: LiveView) -> None:
    """Sorting, summing and listing pass by clients that left between two steps."""
    clients = [server.connect(quiet=True) for _ in range(STEP_WORK + 1)]
    clients[-1].send(b"SUB a 1\r\n")
    page = view.connections(ConnectionQuery(sort=SortKey.SUBS, limit=STEP_WORK + 1))
    totals, subscriptions = view.totals(), view.subscriptions(0, 10)
    for steps in (page, totals, subscriptions):
        next(steps)

    clients[-1].leave()

    assert STEP_WORK == len(finished(page).rows)
    assert (STEP_WORK, 0) == (finished(totals).connections, len(finished(subscriptions).rows))


# --- rights and receivers -----------------------------------------------------------------


def test_rights_and_receivers(server: VirtualBroker, view: LiveView) -> None:
    """The view has what decides for a client that is here, and who gets a message."""
    server.connect(quiet=True).send(b"SUB a 1\r\n")

    rights = view.rights(1, b"a")

    assert rights is not None
    assert (True, None) == (rights.admitted, rights.permissions)
    assert view.rights(2, b"a") is None
    assert [1] == [one.cid for one in finished(view.receivers(b"a", 10)).subscriptions]
    assert 0 == finished(view.receivers(b"a", 10, 1)).total


# --- sums ------------------------------------------------------------------------------


def test_totals(server: VirtualBroker, view: LiveView) -> None:
    """Sums run over all clients that are here."""
    reader, publisher = server.connect(quiet=True), server.connect(quiet=True)
    reader.send(b"SUB a 1\r\nSUB b 2\r\n")
    reader.wire.stall()
    publisher.send(b"PUB a 5\r\nhello\r\nPUB c 1\r\nx\r\n")

    totals = finished(view.totals())

    pending = len(b"MSG a 1 5\r\nhello\r\n")
    assert ConnectionTotals(2, pending, 2, Traffic(2, 6, 1, 5)) == totals


def test_totals_pause(server: VirtualBroker, view: LiveView) -> None:
    """The sum over thousands of clients is taken in steps."""
    for _ in range(STEP_WORK):
        server.broker.accept(FakeWire())

    pauses, totals = counted(view.totals())

    assert (ROW_WORK, STEP_WORK) == (pauses, totals.connections)


# --- subscriptions -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offset", "limit", "expected"),
    [
        (0, 10, ["a1", "a2", "a3", "c1", "c2"]),
        (0, 3, ["a1", "a2", "a3"]),
        (0, 2, ["a1", "a2"]),
        (2, 2, ["a3", "c1"]),
        (4, 9, ["c2"]),
        (5, 9, []),
        (2**63 - 1, 2**63 - 1, []),
        (0, 0, []),
    ],
)
def test_pages_of_subscriptions(
    server: VirtualBroker, view: LiveView, offset: int, limit: int, expected: list[str]
) -> None:
    """A page of subscriptions goes over the borders between clients."""
    for letter, count in (("a", 3), ("b", 0), ("c", 2)):
        client = server.connect(quiet=True)
        for number in range(1, count + 1):
            client.send(f"SUB {letter}{number} {number}\r\n".encode())

    page = finished(view.subscriptions(offset, limit))

    assert expected == [row.subject for row in page.rows]
    assert 5 == page.total
    assert SubscriptionPage(5, page.rows) == page


# --- page by page, and part by part --------------------------------------------------------


def parts(listed: Iterator[tuple[SubscriptionStats, ...]]) -> list[list[str]]:
    """The subjects of each part."""
    return [[one.subject for one in part] for part in listed]


def test_a_page_without_rows(server: VirtualBroker, view: LiveView) -> None:
    """The cids of a page come without its rows, and a row when it is asked for, as long as there is one."""
    clients = [server.connect(quiet=True) for _ in range(3)]
    choice = finished(view.choose(ConnectionQuery(offset=1)))
    clients[1].leave()

    assert (3, (2, 3)) == (choice.total, choice.chosen)
    assert view.client(2) is None
    row = view.client(3)
    assert row is not None
    assert 3 == row.connection.cid


def test_subscriptions_of_a_route(make_plane: MakePlane) -> None:
    """What the clients of a peer listen to comes in parts, too."""
    seed = Seed(make_plane)
    seed.welcome("A", b"SUB a.* RSID:7:1\r\n", b"SUB b q QRSID:7:2\r\n")

    assert [["a.*", "b"]] == parts(seed.view.subscriptions_of_route("A"))
    assert [] == parts(seed.view.subscriptions_of_route("B"))


def test_no_routes_without_a_cluster(view: LiveView) -> None:
    """A server that stays alone has no peers to ask about."""
    assert [] == parts(view.subscriptions_of_route("A"))


def test_a_client_that_is_not_here(view: LiveView) -> None:
    """Who is not here has no subscriptions."""
    assert [] == parts(view.subscriptions_of(7))


def test_all_subscriptions_in_parts(server: VirtualBroker, view: LiveView) -> None:
    """A page of them begins and ends where it should; clients that have gone are passed by."""
    clients = [server.connect(quiet=True) for _ in range(4)]
    for client, letter in zip(clients, "abcd", strict=True):
        client.send(f"SUB {letter}1 1\r\nSUB {letter}2 2\r\n".encode())
    listed, counting = view.all_subscriptions(1, 4), view.count_subscriptions()
    first = next(listed)
    clients[1].leave()

    assert ["a2"] == [one.subject for one in first]
    assert [["c1", "c2"], ["d1"]] == parts(listed)
    assert 6 == finished(counting)
    assert [] == parts(view.all_subscriptions(0, 0))


def test_counting_pauses(server: VirtualBroker, view: LiveView) -> None:
    """Thousands of clients are passed by in steps, and who leaves meanwhile does not count."""
    clients = [server.connect(quiet=True) for _ in range(STEP_WORK + 1)]
    clients[-1].send(b"SUB a 1\r\n")
    counting = view.count_subscriptions()
    listed = view.all_subscriptions(0, 9)
    next(counting)
    assert () == next(listed)

    clients[-1].leave()

    assert (0, []) == (finished(counting), parts(listed))


def test_the_index_pauses(server: VirtualBroker, view: LiveView) -> None:
    """The figures of the index are there in one step, however many answers are kept."""
    client = server.connect(quiet=True)
    client.send(b"".join(b"SUB a.%d %d\r\nPUB a.%d 0\r\n\r\n" % (i, i, i) for i in range(5)))

    pauses, stats = counted(view.index())

    assert 1 >= pauses
    assert server.broker.interest.stats() == stats


def test_the_name_of_a_link(server: VirtualBroker, view: LiveView) -> None:
    """A live client has the name it gave; others have none."""
    server.connect(quiet=True).send(b'CONNECT {"verbose":false,"name":"billing"}\r\n')
    [session] = server.broker.sessions.values()

    assert "billing" == view.name_of(session.connection.link)
    assert not view.name_of(Link("cid", 99, "192.0.2.1:4"))


def test_the_name_of_a_route(make_plane: MakePlane) -> None:
    """A peer without a name of its own is called by its id."""
    seed = Seed(make_plane)
    seed.welcome("A")
    cluster = seed.broker.cluster
    assert cluster is not None
    [session] = cluster.routes.values()

    assert "A" == seed.view.name_of(session.connection.link)
    assert not seed.view.name_of(Link("rid", 99, "192.0.2.1:4"))


# --- closed clients ----------------------------------------------------------------------


def left(server: VirtualBroker, count: int) -> None:
    """Let as many clients come, publish and leave, one second apart."""
    for _ in range(count):
        client = server.connect(quiet=True)
        client.send(b"PUB a 2\r\nhi\r\nSUB a 1\r\n")
        server.advance(1.0)
        client.leave()


def test_closed_clients(server: VirtualBroker, view: LiveView) -> None:
    """Those that have left are on their own pages, with what they had at the end; all have one page, too."""
    left(server, 2)
    server.connect()
    asked = [ConnectionQuery(state=state) for state in ConnectionState]

    pages = [finished(view.connections(query)) for query in asked]
    choices = [finished(view.choose(query)) for query in asked]

    assert [[3], [1, 2], [1, 2, 3]] == [[row.connection.cid for row in page.rows] for page in pages]
    assert [1, 2, 3] == [page.total for page in pages]
    assert [1, 2, 3] == [choice.total for choice in choices]
    assert [3] == [one for one in choices[2].chosen if isinstance(one, int)]
    assert 2 == view.server().closed_clients
    assert 1 == len(view.closed_lately(1)) < len(view.closed_lately(9))
    row = pages[1].rows[0]
    assert Closing(1.0, "Client Closed") == row.closing
    assert (Traffic(1, 2, 0, 0), 1) == (row.connection.traffic, row.subscriptions)


def test_closed_clients_have_no_lists(server: VirtualBroker, view: LiveView) -> None:
    """What a closed client listened to is not kept."""
    left(server, 1)
    server.connect(quiet=True).send(b"SUB b 1\r\n")
    query = ConnectionQuery(state=ConnectionState.ALL, subscriptions=True)

    rows = finished(view.connections(query)).rows

    assert [[], ["b"]] == [[one.subject for one in row.subscription_list] for row in rows]


def test_a_page_of_closed_clients_pauses(server: VirtualBroker, view: LiveView) -> None:
    """Thousands of them are sorted and listed in steps of bounded work."""
    count = 10 * STEP_WORK // ROW_WORK
    for _ in range(count):
        server.broker.accept(FakeWire()).connection_lost(None)

    query = ConnectionQuery(sort=SortKey.STOP, limit=count, state=ConnectionState.CLOSED)
    pauses, page = counted(view.connections(query))

    assert count == len(page.rows)
    assert 10 <= pauses <= 20


def test_filters(make_plane: MakePlane) -> None:
    """Clients of one user are found, here or closed; the total is of all in that state."""
    gatekeeper = ManualAuthenticator()
    server = VirtualBroker(make_plane, gatekeeper=gatekeeper)
    view = LiveView(server.broker)
    clients = [server.connect() for _ in range(3)]
    for client, user in zip(clients, ("ann", "bob", "ann"), strict=True):
        client.send(b'CONNECT {"verbose":false}\r\n')
        gatekeeper.admit(user)
    clients[-1].leave()

    found = [
        (page.total, [row.connection.cid for row in page.rows])
        for query in (
            ConnectionQuery(user="ann"),
            ConnectionQuery(user="ann", state=ConnectionState.ALL),
            ConnectionQuery(user="bob", state=ConnectionState.CLOSED),
            ConnectionQuery(cid=2, account="$G"),
            ConnectionQuery(account="other"),
        )
        for page in [finished(view.connections(query))]
    ]

    assert [(2, [1]), (3, [1, 3]), (1, []), (2, [2]), (2, [])] == found
