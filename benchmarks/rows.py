"""The rows of the table: what is measured, in which unit, and what we aim at."""

from dataclasses import dataclass

from benchmarks.configured import (
    CONNECT_AS_USER,
    CONNECT_WITH_HEADERS,
    Prepare,
    as_it_is,
    with_hooks,
    with_permissions,
    with_websockets,
)
from benchmarks.consuming import consuming, idle_consumers, key_value
from benchmarks.hooked import SUBJECTS
from benchmarks.latency import (
    P50,
    P99,
    P999,
    Conversation,
    round_trips,
    round_trips_across,
    round_trips_over_leaf_link,
    round_trips_over_own_leaf_link,
)
from benchmarks.load import (
    COST,
    SHARE,
    across,
    from_leaf_link,
    over_leaf_link,
    over_own_leaf_link,
    throughput,
)
from benchmarks.protected import PROCESSOR, over_tls, protected_throughput, web_throughput
from benchmarks.resources import (
    BYTES,
    GROWTH,
    PERCENT,
    RATE,
    SECONDS,
    beside,
    connecting,
    idling,
    starting,
    subscribing,
)
from benchmarks.restarting import CLEAN, EMPTY, KILLED, restarting
from benchmarks.sample import OpenProbe
from benchmarks.shape import Shape
from benchmarks.streams import (
    PublishShape,
    publishing,
    with_streams,
    with_synced_streams,
    with_unsynced_streams,
)


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table."""

    name: str
    unit: str
    goal: float | None = None
    """Ratio to the peer that the native twin aims at; above 1 means better than the peer."""
    plain_goal: float | None = None
    more_is_better: bool = False

    def ratio(self, ours: float, peer: float) -> float | None:
        """How many times better than the peer; None where it cannot be said."""
        better, worse = (ours, peer) if self.more_is_better else (peer, ours)
        return better / worse if worse > 0 and better > 0 else None


@dataclass(frozen=True, slots=True)
class Section:
    """Rows that belong together."""

    title: str
    about: str
    """What a reader must know of their figures."""


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of measurement, and the figures it yields."""

    section: Section
    title: str
    probe: OpenProbe
    figures: tuple[Figure, ...]
    once: bool = False
    """Too long for several rounds."""
    prepare: Prepare = as_it_is
    """Makes of a server the one to measure."""


THROUGHPUT = Section(
    "Throughput",
    "Nanoseconds per published message; lower is better. Every expected message arrived, and no client was"
    " closed; otherwise the row says so.",
)
TLS = Section(
    "Over TLS",
    "Nanoseconds of the server's processor time per published message, because the generator has to encrypt"
    " and decrypt as much as the server.",
)
WEB = Section(
    "Over websockets",
    "Nanoseconds of the server's processor time per published message, because the generator has to find"
    " the frames. A publisher sends 64 KiB of messages in one frame.",
)
GROWTH_SECTION = Section(
    "Growth", "As throughput, while the number of receivers, of subjects or of idle connections grows."
)
LATENCY = Section(
    "Request and reply",
    "Microseconds from request to reply; lower is better. The requesters are one process, the responder"
    " another; each client has one request under way.",
)
CLUSTER = Section(
    "Two servers", "Publishers or requesters are at one server, receivers or responders at the other."
)
CONSUMERS = Section(
    "Consumers of streams in files",
    "Nanoseconds per message from a request to its settled ack, with two requests of 500 under way;"
    " microseconds from a request of one client to its answer; resident memory.",
)
STREAMS = Section(
    "Streams in files",
    "Nanoseconds per message from its publish to its acknowledgement, with that number of them outstanding."
    " Ours are on the disk when they are acknowledged. By default those of the peer are not: it syncs every"
    " two minutes. Where both are synced, `sync_interval` is `always`.",
)
LEAF = Section(
    "Leaf links",
    "nats-server is at one end of the link in each column: with the peer, two of them are linked."
    " It works without a pause, at 600 to 1,100 ns for a message of 16 bytes, so these times are hardly ours:"
    " a program that only writes or reads prepared bytes in place of this server comes out the same"
    " ([ADR 0073](adr/0073-what-leaf-links-are-measured-by.md)). The second line of such a row is what the"
    " server at the near end takes of the processor.",
)
OWN_LEAF = Section(
    "Leaf links between servers of a kind", "Both ends of the link are the server that the column names."
)
RESOURCES = Section("Resources", "What a server takes. Memory is resident memory.")


def _cost(
    title: str, shape: Shape, goal: float, plain: float | None = None, section: Section = THROUGHPUT
) -> Row:
    return Row(section, title, throughput(shape), (Figure(COST, "ns per message", goal, plain),))


_ROUND_TRIP = (Figure(P50, "µs", 1.0), Figure(P99, "µs", 1.0), Figure(P999, "µs"))


def _latency(title: str, conversation: Conversation, figures: tuple[Figure, ...] = _ROUND_TRIP) -> Row:
    return Row(LATENCY, title, round_trips(conversation), figures)


def _across(title: str, shape: Shape, goal: float) -> Row:
    return Row(CLUSTER, title, across(shape), (Figure(COST, "ns per message", goal),))


def _linked(title: str, probe: OpenProbe, goal: float = 1.5) -> Row:
    share = Figure(SHARE, "ns of the server per message", 3.0)
    return Row(LEAF, title, probe, (Figure(COST, "ns per message", goal), share))


def _own_linked(title: str, shape: Shape, *, as_hub: bool) -> Row:
    probe = over_own_leaf_link(shape, as_hub=as_hub)
    return Row(OWN_LEAF, title, probe, (Figure(COST, "ns per message", 2.0),))


def _protected(title: str, shape: Shape, goal: float) -> Row:
    figure = Figure(PROCESSOR, "ns of the server per message", goal)
    return Row(TLS, title, protected_throughput(shape), (figure,), prepare=over_tls)


def _web(title: str, shape: Shape, goal: float) -> Row:
    figure = Figure(PROCESSOR, "ns of the server per message", goal)
    return Row(WEB, title, web_throughput(shape), (figure,), prepare=with_websockets)


def _headed(title: str, subscribers: int) -> Row:
    shape = Shape(subscribers=subscribers, headers=3, greeting=CONNECT_WITH_HEADERS)
    return _cost(title, shape, 5.0)


def _permitted() -> Row:
    shape = Shape(subscribers=1, greeting=CONNECT_AS_USER)
    figure = Figure(COST, "ns per message", 6.0)
    title = "1 → 1, 16 B, with 100 rules for publisher and subscriber"
    return Row(THROUGHPUT, title, throughput(shape), (figure,), prepare=with_permissions)


def _hooked(title: str, hook: str) -> Row:
    figure = Figure(COST, "ns per message", 1.0)
    probe = throughput(Shape(subscribers=1, subjects=SUBJECTS))
    return Row(THROUGHPUT, title, probe, (figure,), prepare=with_hooks(hook))


def _idle(count: int) -> Row:
    probe = beside(count, throughput(Shape(subscribers=1)))
    title = f"1 → 1, 16 B, beside {count:,} idle connections"
    return Row(GROWTH_SECTION, title, probe, (Figure(COST, "ns per message", 6.0),))


def _stored(title: str, shape: PublishShape, goal: float | None, prepare: Prepare = with_streams) -> Row:
    figure = Figure(COST, "ns per message", goal)
    return Row(STREAMS, title, publishing(shape), (figure,), prepare=prepare)


def all_rows() -> tuple[Row, ...]:
    """Every row, in the order of the table."""
    return (
        *_throughput_rows(),
        *_growth_rows(),
        *_latency_rows(),
        *_cluster_rows(),
        *_stream_rows(),
        *_consumer_rows(),
        *_leaf_rows(),
        *_resource_rows(),
    )


def _throughput_rows() -> tuple[Row, ...]:
    return (
        _cost("publish 16 B, nobody listens", Shape(), 3.0),
        _cost("publish 1 KiB, nobody listens", Shape(size=1024), 1.2),
        _cost("1 → 1, 16 B", Shape(subscribers=1), 6.0, 0.5),
        _cost("same connection publishes and receives, 16 B", Shape(echoing=True), 3.0),
        _cost("1 → 4 in one queue group, 16 B", Shape(subscribers=4, grouped=True), 3.0),
        _cost("10 → 10, 16 B", Shape(publishers=10, subscribers=10), 3.0),
        _cost("1 → 1, 1 KiB", Shape(subscribers=1, size=1024), 1.2),
        _cost("1 → 1, 8 KiB", Shape(subscribers=1, size=8192), 1.2),
        _cost("1 → 1, 64 KiB", Shape(subscribers=1, size=65536), 1.0),
        _headed("three headers of 40 B, 1 → 1, 16 B", 1),
        _headed("three headers of 40 B, 1 → 10, 16 B", 10),
        _permitted(),
        _cost("1 → 1, 16 B, 100 subjects", Shape(subscribers=1, subjects=SUBJECTS), 5.0),
        _hooked("the same, with a publish hook on 1 % of subjects", "PlainHook"),
        _hooked("the same, with an async publish hook on 1 % of subjects", "AsyncHook"),
        _protected("1 → 1, 16 B, over TLS", Shape(subscribers=1), 3.0),
        _protected("1 → 1, 1 KiB, over TLS", Shape(subscribers=1, size=1024), 1.0),
        _web("1 → 1, 16 B, over a websocket", Shape(subscribers=1), 3.0),
        _web("1 → 1, 1 KiB, over a websocket", Shape(subscribers=1, size=1024), 3.0),
    )


def _growth_rows() -> tuple[Row, ...]:
    return (
        _cost("1 → 10, 16 B", Shape(subscribers=10), 6.0, 1.0, GROWTH_SECTION),
        _cost("1 → 100, 16 B", Shape(subscribers=100), 6.0, None, GROWTH_SECTION),
        _cost("1 → 1,000, 16 B", Shape(subscribers=1000), 3.0, None, GROWTH_SECTION),
        _cost(
            "1 subject, one wildcard subscriber", Shape(subscribers=1, subjects=1), 6.0, None, GROWTH_SECTION
        ),
        _cost("10,000 subjects", Shape(subscribers=1, subjects=10_000), 5.0, None, GROWTH_SECTION),
        _cost("1,000,000 subjects", Shape(subscribers=1, subjects=1_000_000), 3.0, None, GROWTH_SECTION),
        _idle(1_000),
        _idle(10_000),
    )


def _latency_rows() -> tuple[Row, ...]:
    return (
        _latency("1 client", Conversation()),
        _latency("50 clients", Conversation(clients=50)),
        _latency("1 client, a subscription per request", Conversation(old_style=True)),
        _latency(
            "1 client, nobody serves the subject", Conversation(unheard=True), (Figure(P50, "µs", 1.0),)
        ),
    )


def _cluster_rows() -> tuple[Row, ...]:
    return (
        _across("one route, 1 → 1, 16 B", Shape(subscribers=1), 2.0),
        _across("one route, 1 → 1, 1 KiB", Shape(subscribers=1, size=1024), 1.2),
        _across("one route, 1 → 4 in one queue group, 16 B", Shape(subscribers=4, grouped=True), 2.0),
        _across("one route, 1 → 10, 16 B", Shape(subscribers=10), 2.0),
        _across("one route, 10,000 subjects", Shape(subscribers=1, subjects=10_000), 2.0),
        Row(CLUSTER, "one route, 1 client", round_trips_across(Conversation()), _ROUND_TRIP),
        Row(CLUSTER, "one route, 50 clients", round_trips_across(Conversation(clients=50)), _ROUND_TRIP),
    )


def _consumer_rows() -> tuple[Row, ...]:
    cost = Figure(COST, "ns per message", 1.5)
    memory = Figure(BYTES, "bytes per consumer", 1.0)
    put = "key-value put, both synced every two minutes"
    return (
        Row(CONSUMERS, "pull, an ack for each message, 128 B", consuming(), (cost,), prepare=with_streams),
        Row(CONSUMERS, put, key_value(reads=False), _ROUND_TRIP, prepare=with_unsynced_streams),
        Row(CONSUMERS, "key-value get", key_value(reads=True), _ROUND_TRIP, prepare=with_unsynced_streams),
        Row(CONSUMERS, "idle consumers", idle_consumers(), (memory,), once=True, prepare=with_streams),
    )


def _stream_rows() -> tuple[Row, ...]:
    alone = PublishShape(outstanding=1)
    crowd = PublishShape(outstanding=1, publishers=100)
    return (
        _stored("publish 128 B, 1,000 outstanding, the peer not synced", PublishShape(), 1.5),
        _stored("publish 1 KiB, 1,000 outstanding, the peer not synced", PublishShape(1024), 1.0),
        _stored("publish 128 B, one outstanding, the peer not synced", alone, None),
        _stored("publish 128 B, 100 publishers, one outstanding each, the peer not synced", crowd, None),
        _stored("publish 128 B, 1,000 outstanding, both synced", PublishShape(), 50.0, with_synced_streams),
        _stored("publish 128 B, one outstanding, both synced", alone, None, with_synced_streams),
        _restart(),
    )


def _restart() -> Row:
    figures = (
        Figure(EMPTY, "s to the first PONG, without messages"),
        Figure(CLEAN, "s more, after an orderly end", 1.0),
        Figure(KILLED, "s more, after kill -9", 1.0),
    )
    return Row(STREAMS, "restart with 1,000,000 messages of 128 B", restarting(), figures, once=True)


def _leaf_rows() -> tuple[Row, ...]:
    one, kilobyte = Shape(subscribers=1), Shape(subscribers=1, size=1024)
    group = Shape(subscribers=4, grouped=True)
    alone = round_trips_over_own_leaf_link(Conversation())
    crowd = round_trips_over_own_leaf_link(Conversation(clients=50))
    return (
        _linked("to the hub, 1 → 1, 16 B", over_leaf_link(one, as_hub=False)),
        _linked("from the hub, 1 → 1, 16 B", from_leaf_link(one, as_hub=False)),
        _linked("to the hub, 1 → 1, 1 KiB", over_leaf_link(kilobyte, as_hub=False), 1.0),
        _linked("to the hub, 1 → 4 in one queue group, 16 B", over_leaf_link(group, as_hub=False)),
        _linked("to a leaf, 1 → 1, 16 B", over_leaf_link(one, as_hub=True)),
        _linked("from a leaf, 1 → 1, 16 B", from_leaf_link(one, as_hub=True)),
        Row(LEAF, "leaf link, 1 client", round_trips_over_leaf_link(Conversation()), _ROUND_TRIP),
        Row(LEAF, "leaf link, 50 clients", round_trips_over_leaf_link(Conversation(clients=50)), _ROUND_TRIP),
        _own_linked("from a leaf to its hub, 1 → 1, 16 B", one, as_hub=False),
        _own_linked("from a hub to its leaf, 1 → 1, 16 B", one, as_hub=True),
        _own_linked("from a leaf to its hub, 1 → 4 in one queue group, 16 B", group, as_hub=False),
        _own_linked(
            "from a leaf to its hub, 10,000 subjects", Shape(subscribers=1, subjects=10_000), as_hub=False
        ),
        Row(OWN_LEAF, "from a leaf to its hub, 1 client", alone, _ROUND_TRIP),
        Row(OWN_LEAF, "from a leaf to its hub, 50 clients", crowd, _ROUND_TRIP),
    )


def _resource_rows() -> tuple[Row, ...]:
    return (
        Row(
            RESOURCES,
            "1,000,000 subscriptions of one client",
            subscribing(1_000_000),
            (
                Figure(RATE, "SUB per second", more_is_better=True),
                Figure(BYTES, "bytes per subscription", 1.0),
                Figure(GROWTH, "% more memory in a second round"),
            ),
            once=True,
        ),
        Row(
            RESOURCES,
            "5,000 connections",
            connecting(5_000),
            (
                Figure(RATE, "connects per second", more_is_better=True),
                Figure(BYTES, "bytes per idle connection", 1.0),
            ),
            once=True,
        ),
        Row(RESOURCES, "start to first PONG", starting(), (Figure(SECONDS, "s"),)),
        Row(
            RESOURCES,
            "5,000 idle connections",
            idling(5_000, 5.0),
            (Figure(PERCENT, "% of a core"),),
            once=True,
        ),
    )
