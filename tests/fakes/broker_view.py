"""A broker to be watched, that is whatever a test says."""

from collections.abc import Generator, Iterator
from dataclasses import replace

from app.adapters.clock_manual import ManualClock
from app.adapters.monitoring.context import MonitoringContext, MonitorSettings, WallTime
from app.adapters.monitoring.process_figures import ProcessFigures
from app.ports.broker_view import (
    BrokerView,
    ClientRights,
    ClientStats,
    ClosedClient,
    ConnectionChoice,
    ConnectionPage,
    ConnectionQuery,
    ConnectionStats,
    ConnectionTotals,
    Health,
    HookReport,
    IndexStats,
    LeafStats,
    Limits,
    Link,
    Profile,
    Receivers,
    RouteStats,
    ServerFacts,
    ServerInfo,
    SlowReceiver,
    Steps,
    SubscriptionPage,
    SubscriptionStats,
    Traffic,
    UnreachableRoute,
    Violations,
)

SERVER_ID = "kG19DsXX1UVeSyEjhl3RFw"
NOTHING = Traffic(0, 0, 0, 0)

FACTS = ServerFacts(
    info=ServerInfo(
        server_id=SERVER_ID,
        version="0.8.0",
        go="cpython3.13.1",
        host="127.0.0.1",
        port=4222,
        auth_required=False,
        tls_required=False,
        tls_verify=False,
        max_payload=1_048_576,
    ),
    limits=Limits(),
    started=0.0,
    connections=0,
    total_connections=0,
    closed_clients=0,
    routes=0,
    remotes=0,
    slow_consumers=0,
    slow_routes=0,
    stale_connections=0,
    stale_routes=0,
    violations=Violations(),
    slow_consumer_log=(),
    held_publishers=0,
    held_seconds=0.0,
    traffic=NOTHING,
    client_traffic=NOTHING,
    subscriptions=0,
    cluster=None,
)


def client(cid: int, **changes: object) -> ClientStats:
    """A client that has done nothing, but for the changes to its link."""
    link = ConnectionStats(cid, "192.0.2.1", 4000 + cid, 0.0, 0.0, 0, NOTHING)
    return ClientStats(replace(link, **changes), Profile("", "", "", ""), 0)  # type: ignore[arg-type] # a test's own


def leaf(number: int, name: str = "hub", *, is_spoke: bool = True, **changes: object) -> LeafStats:
    """A leaf link over which nothing has come, but for the changes to it."""
    link = ConnectionStats(number, "192.0.2.9", 7422, 0.0, 0.0, 0, NOTHING)
    return LeafStats(replace(link, **changes), name, is_spoke, is_spoke, "$G", 0)  # type: ignore[arg-type] # a test's own


class FakeBrokerView(BrokerView):
    """Answers with its attributes, one pause before each long answer; `asked` keeps the queries."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.facts = FACTS
        self.figures = IndexStats(0, 0, 0, 0, 0, 0.0, 0, 0.0, 0)
        self.state = Health(serving=True, ready=True)
        self.clients: list[ClientStats] = []
        self.closed: list[ClosedClient] = []
        """Those of a page that is too long to be held."""
        self.sums = ConnectionTotals(0, 0, 0, NOTHING)
        self.links: list[RouteStats] = []
        self.leaf_links: list[LeafStats] = []
        self.slow: list[SlowReceiver] = []
        self.gone: list[ClientStats] = []
        self.hooks: HookReport | None = None
        self.unreached: list[UnreachableRoute] = []
        self.listened: list[SubscriptionStats] = []
        self.client_rights: dict[int, ClientRights] = {}
        self.receiving = Receivers(0, (), 0, (), ())
        self.asked: list[object] = []

    def monotonic(self) -> float:
        """The time of the test's clock."""
        return self._clock.monotonic()

    def health(self) -> Health:
        """As the test says."""
        return self.state

    def server(self) -> ServerFacts:
        """As the test says."""
        return self.facts

    def index(self) -> Steps[IndexStats]:
        """As the test says."""
        yield
        return self.figures

    def connections(self, query: ConnectionQuery) -> Steps[ConnectionPage]:
        """The clients, unsorted, as far as the query's offset and limit go."""
        self.asked.append(query)
        yield
        rows = self.clients[query.offset : query.offset + query.limit]
        return ConnectionPage(len(self.clients), tuple(rows))

    def choose(self, query: ConnectionQuery) -> Steps[ConnectionChoice]:
        """Which clients `connections` would give."""
        page = yield from self.connections(query)
        return ConnectionChoice(page.total, (*(row.connection.cid for row in page.rows), *self.closed))

    def client(self, cid: int) -> ClientStats | None:
        """The client of this number."""
        return next((one for one in self.clients if one.connection.cid == cid), None)

    def rights(self, cid: int, subject: bytes) -> ClientRights | None:
        """Those of the client of this number."""
        self.asked.append(subject)
        return self.client_rights.get(cid)

    def receivers(self, subject: bytes, limit: int, skipped: int = 0) -> Steps[Receivers]:
        """As the test says."""
        self.asked.append((subject, limit, skipped))
        yield
        return self.receiving

    def subscriptions_of(self, cid: int) -> Iterator[tuple[SubscriptionStats, ...]]:
        """What it listens to, in two parts and an empty one."""
        return _parts(next(one.subscription_list for one in self.clients if one.connection.cid == cid))

    def subscriptions_of_route(self, remote_id: str) -> Iterator[tuple[SubscriptionStats, ...]]:
        """The same of a route."""
        return _parts(next(one.subscription_list for one in self.links if one.remote_id == remote_id))

    def subscriptions_of_leaf(self, number: int) -> Iterator[tuple[SubscriptionStats, ...]]:
        """The same of a leaf link."""
        return _parts(next(one.subscription_list for one in self.leaf_links if one.connection.cid == number))

    def name_of(self, link: Link) -> str:
        """The name of the client of that number."""
        found = (client for client in self.clients if client.connection.cid == link.number)
        return next((client.profile.name for client in found), "")

    def totals(self) -> Steps[ConnectionTotals]:
        """As the test says."""
        yield
        return self.sums

    def routes(self, *, subscriptions: bool = False) -> Steps[tuple[RouteStats, ...]]:
        """As the test says."""
        self.asked.append(subscriptions)
        yield
        return tuple(self.links)

    def leaves(self) -> Steps[tuple[LeafStats, ...]]:
        """As the test says."""
        yield
        return tuple(self.leaf_links)

    def slow_receivers(self) -> tuple[SlowReceiver, ...]:
        """As the test says."""
        return tuple(self.slow)

    def hooks_on(self, subject: bytes) -> HookReport | None:
        """As the test says."""
        del subject
        return self.hooks

    def closed_lately(self, count: int) -> tuple[ClientStats, ...]:
        """As the test says."""
        return tuple(self.gone[:count])

    def unreachable_routes(self) -> tuple[UnreachableRoute, ...]:
        """As the test says."""
        return tuple(self.unreached)

    def subscriptions(self, offset: int, limit: int) -> Steps[SubscriptionPage]:
        """The subscriptions, as far as offset and limit go."""
        self.asked.append((offset, limit))
        yield
        return SubscriptionPage(len(self.listened), tuple(self.listened[offset : offset + limit]))

    def count_subscriptions(self) -> Steps[int]:
        """How many there are."""
        yield
        return len(self.listened)

    def all_subscriptions(self, offset: int, limit: int) -> Iterator[tuple[SubscriptionStats, ...]]:
        """The subscriptions, as far as offset and limit go, in two parts and an empty one."""
        self.asked.append((offset, limit))
        return _parts(tuple(self.listened[offset : offset + limit]))


def _parts(listed: tuple[SubscriptionStats, ...]) -> Iterator[tuple[SubscriptionStats, ...]]:
    return iter((listed[:1], (), listed[1:]))


class FakeProcessFigures(ProcessFigures):
    """A process that takes always the same."""

    def __init__(self) -> None:
        super().__init__()
        self.cpu = 12.5

    def memory(self) -> int:
        """Twenty megabytes."""
        return 21_131_264

    def open_descriptors(self) -> Generator[None, None, int | None]:
        """Nine."""
        yield
        return 9

    def max_descriptors(self) -> int:
        """A thousand."""
        return 1000

    def cores(self) -> int:
        """Eight."""
        return 8

    def usable_cores(self) -> int:
        """Half of them."""
        return 4


class Watched:
    """A broker that does what a test says, a clock, and the context that pages are made from."""

    def __init__(self) -> None:
        self.clock = ManualClock(wall=1_461_703_187.332681)
        """April 26 of 2016, 20:39:47 in universal time."""
        self.view = FakeBrokerView(self.clock)
        self.context = MonitoringContext(
            self.view,
            MonitorSettings(tls_timeout=0.5, http_host="0.0.0.0", http_port=8222),  # noqa: S104 - a name to show
            WallTime(self.clock),
            FakeProcessFigures(),
        )
