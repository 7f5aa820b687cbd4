"""The answers field by field: order, names and types (monitoring-pages.md, sections 3 to 6 and 9).

A field that is None is left out of the answer. Clients and routes are in `connections`.
"""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer


def _whole_without_fraction(number: float) -> float:
    return int(number) if number.is_integer() else number


Number = Annotated[float, PlainSerializer(_whole_without_fraction, return_type=float | int, when_used="json")]
"""A float that is printed without a fraction when it has none."""

Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""RFC 3339, with up to nine digits of fraction."""

Duration = Annotated[str, Field(examples=["3m20s"], pattern=r"^(\d+y)?(\d+d)?(\d+h)?(\d+m)?\d+s$")]
Nanoseconds = Annotated[int, Field(examples=[120_000_000_000], description="In nanoseconds.")]


class PageModel(BaseModel):
    """What all answers have in common: they are frozen, and have no field beside their own."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RequestStats(PageModel):
    """Requests by page since the start, this one included."""

    index: Annotated[int, Field(serialization_alias="/")]
    connz: Annotated[int, Field(serialization_alias="/connz")]
    routez: Annotated[int, Field(serialization_alias="/routez")]
    subsz: Annotated[int, Field(serialization_alias="/subsz")]
    varz: Annotated[int, Field(serialization_alias="/varz")]
    accountz: Annotated[int | None, Field(serialization_alias="/accountz")] = None
    accstatz: Annotated[int | None, Field(serialization_alias="/accstatz")] = None
    gatewayz: Annotated[int | None, Field(serialization_alias="/gatewayz")] = None
    healthz: Annotated[int | None, Field(serialization_alias="/healthz")] = None
    leafz: Annotated[int | None, Field(serialization_alias="/leafz")] = None
    slowz: Annotated[int | None, Field(serialization_alias="/slowz")] = None
    stacksz: Annotated[int | None, Field(serialization_alias="/stacksz")] = None

    model_config = ConfigDict(serialize_by_alias=True)


class PeerCounts(PageModel):
    """How many peers, by kind."""

    clients: int
    routes: int
    gateways: int
    leafs: int


class ClusterSection(PageModel):
    """Where other servers connect."""

    addr: str
    cluster_port: int
    auth_timeout: Number
    tls_required: bool
    tls_cert_not_after: Annotated[str | None, Field(description="When the certificate expires.")] = None


class DeniedSubjects(PageModel):
    """What does not pass a link to a hub."""

    imports: list[str] | None = None
    exports: list[str] | None = None


class LeafRemoteSection(PageModel):
    """A hub that is dialled, unless it is disabled."""

    local_account: str
    urls: Annotated[list[str], Field(description="Without scheme, user and password.")]
    deny: DeniedSubjects | None = None
    disabled: Annotated[bool | None, Field(description="True if it is not dialled; else left out.")] = None


class LeafSection(PageModel):
    """Where leaf nodes connect, and the hubs that are dialled; empty without either."""

    host: str | None = None
    port: int | None = None
    auth_timeout: Number | None = None
    tls_timeout: Number | None = None
    tls_required: bool | None = None
    tls_verify: bool | None = None
    remotes: list[LeafRemoteSection] | None = None
    tls_cert_not_after: Annotated[str | None, Field(description="When the certificate expires.")] = None


class LameDuckSection(PageModel):
    """A server that sends its clients elsewhere, and will stop then."""

    began: str
    ends: Annotated[str, Field(description="When its last client will be closed, at the latest.")]


class Verdict(PageModel):
    """Whether something is allowed, and why."""

    allowed: bool
    rule: Annotated[str, Field(examples=['publish.deny "a.>"'], description="The rule that decides.")]
    left_out: Annotated[
        list[str] | None, Field(description="Subjects that the subscription covers and does not get.")
    ] = None


class DenialEntry(PageModel):
    """A message or subscription that the client had no right to."""

    at: Time
    denied: Annotated[str, Field(examples=['Publish to "a.b"'])]


class GroupEntry(PageModel):
    """A queue group, of which one member gets the message."""

    queue: str
    members: Annotated[int, Field(description="Subscriptions at this server.")]
    routes: Annotated[list[int], Field(description="Numbers of routes to servers that have members.")]


class InterestedRoute(PageModel):
    """A server that has receivers among its clients."""

    rid: int
    remote_id: str
    name: str


class ReceivingEntry(PageModel):
    """A subscription of a client of this server."""

    subject: str
    queue: Annotated[str, Field(description="Empty outside of queue groups.")]
    cid: int
    name: str


class HooksEntry(PageModel):
    """Hooks of the operator's own that see something of a subject."""

    name: Annotated[str, Field(description="What made them.", examples=["package.module:make"])]
    sees: Annotated[list[str], Field(description="publish and deliver of messages, subscribe.")]
    patterns: Annotated[list[str], Field(description="Those of their patterns that cover the subject.")]
    shadow: Annotated[bool, Field(description="Whether what they answer is logged alone.")]


class Explain(PageModel):
    """The rights to a subject, and the receivers of a message on it."""

    subject: str
    queue: str | None = None
    user: str | None = None
    cid: int | None = None
    publish: Verdict
    subscribe: Verdict
    denials: Annotated[
        list[DenialEntry] | None, Field(description="The latest of this client, oldest first.")
    ] = None
    hooks: Annotated[HooksEntry | None, Field(description="Null if none see it.")] = None
    num_subscriptions: Annotated[int, Field(description="At this server, members of queue groups too.")]
    num_queue_groups: int
    limit: Annotated[int, Field(description="Of the lists of subscriptions and queue groups.")]
    queue_groups: list[GroupEntry]
    routes: list[InterestedRoute]
    subscriptions: list[ReceivingEntry]


class Nothing(PageModel):
    """An object without fields: what a server has that does not have this."""


class SlowConsumerEntry(PageModel):
    """A receiver that was closed because it was too slow."""

    kind: Annotated[str, Field(description="cid for a client, rid for a route.")]
    cid: int
    name: str
    ip: str
    port: int
    reason: str
    pending_bytes: Annotated[int, Field(description="What waited for it.")]
    at: Time


class Varz(PageModel):
    """The server."""

    server_id: str
    version: str
    go: Annotated[str, Field(description="The interpreter and its version.")]
    host: str
    auth_required: bool
    ssl_required: Annotated[bool, Field(description="The same as tls_required.")]
    tls_required: bool
    tls_verify: bool
    max_connections: int
    ping_interval: Nanoseconds
    ping_max: int
    http_host: str
    http_port: Annotated[int, Field(description="0 is off.")]
    https_port: Annotated[int, Field(description="0 is off.")]
    max_control_line: int
    max_pending_size: int
    cluster_port: Annotated[int, Field(description="0 is off.")]
    tls_timeout: Annotated[Number, Field(description="In seconds.")]
    port: int
    max_payload: int
    start: Time
    now: Time
    uptime: Duration
    mem: Annotated[int, Field(description="Resident memory, in bytes.")]
    cores: int
    cpu: Annotated[Number, Field(description="Percent of one core, over the last second.")]
    connections: Annotated[int, Field(description="Clients now.")]
    total_connections: Annotated[int, Field(description="Clients ever.")]
    routes: int
    remotes: Annotated[int, Field(description="Distinct servers behind the routes.")]
    in_msgs: int
    out_msgs: int
    in_bytes: Annotated[int, Field(description="Payload only.")]
    out_bytes: Annotated[int, Field(description="Payload only.")]
    slow_consumers: Annotated[int, Field(description="Receivers that were cut.")]
    subscriptions: int
    http_req_stats: RequestStats
    server_name: str
    proto: Annotated[int, Field(description="Protocol number that clients are offered.")]
    auth_timeout: Annotated[Number, Field(description="In seconds.")]
    max_pending: Annotated[int, Field(description="The same as max_pending_size.")]
    write_deadline: Nanoseconds
    gomaxprocs: Annotated[int, Field(description="Cores this process may use.")]
    leafnodes: int
    connect_urls: list[str] | None = None
    config_load_time: Time
    slow_consumer_stats: PeerCounts
    cluster: ClusterSection | None = None
    http_base_path: str | None = None
    max_subscriptions: Annotated[int | None, Field(description="Of one client; only if limited.")] = None
    gateway: Annotated[Nothing | None, Field(description="There are no gateways.")] = None
    leaf: LeafSection | None = None
    mqtt: Annotated[Nothing | None, Field(description="There is no MQTT.")] = None
    websocket: Annotated[Nothing | None, Field(description="Left to the configuration.")] = None
    system_account: str | None = None
    tags: Annotated[list[str] | None, Field(description="As configured.")] = None
    jetstream: Annotated[
        dict[str, Any] | None, Field(description="Configuration and figures of JetStream; empty without it.")
    ] = None
    in_client_msgs: Annotated[int | None, Field(description="Of in_msgs those of clients.")] = None
    in_client_bytes: int | None = None
    out_client_msgs: Annotated[int | None, Field(description="Of out_msgs those to clients.")] = None
    out_client_bytes: int | None = None
    stale_connections: Annotated[
        int | None, Field(description="Peers that were closed because they left pings unanswered.")
    ] = None
    stale_connection_stats: PeerCounts | None = None
    closed_connections: Annotated[
        int | None, Field(description="Closed clients that /connz?state=closed can show.")
    ] = None
    header_violations: Annotated[
        int | None, Field(description="Messages refused for their headers, or for having some.")
    ] = None
    permission_violations: Annotated[
        int | None, Field(description="Messages and subscriptions that a client had no right to.")
    ] = None
    pynatsd: Annotated[str, Field(description="The version of this server; `version` is the protocol's.")] = (
        ""
    )
    python: Annotated[str, Field(description="The interpreter and its version.")] = ""
    data_plane: Annotated[str, Field(description="The data plane that runs, native or python.")] = ""
    tls_cert_not_after: Annotated[str | None, Field(description="When the certificate expires.")] = None
    websocket_tls_cert_not_after: Annotated[
        str | None, Field(description="The same for the certificate of websockets.")
    ] = None
    config_digest: Annotated[
        str | None, Field(description="A digest of the configuration that is in force, without its secrets.")
    ] = None
    held_publishers: Annotated[int, Field(description="Publishers that wait now for a slow receiver.")] = 0
    held_seconds: Annotated[
        Number, Field(description="For which publishers have waited for slow receivers, all together.")
    ] = 0.0
    lame_duck: Annotated[
        LameDuckSection | None, Field(description="Lame duck mode; left out unless it is on.")
    ] = None
    recent_slow_consumers: Annotated[
        list[SlowConsumerEntry], Field(description="The last receivers that were closed, the latest last.")
    ] = []
    events: Annotated[
        dict[str, int] | None, Field(description="How often what the dashboard lists has happened, by kind.")
    ] = None


class SubscriptionDetail(PageModel):
    """One subscription."""

    account: Annotated[str | None, Field(description="All are of `$G`.")] = None
    account_tag: Annotated[str | None, Field(description="The same.")] = None
    subject: str
    qgroup: Annotated[str | None, Field(description="The queue group.")] = None
    sid: str
    msgs: Annotated[int, Field(description="Delivered so far.")]
    max: Annotated[int | None, Field(description="It ends after this many messages.")] = None
    cid: int


class SlowSubject(PageModel):
    """What was pending on a subject."""

    subject: str
    messages: int
    bytes: Annotated[int, Field(description="With the line of each message.")]


class SlowEntry(PageModel):
    """A receiver that was too slow."""

    action: Annotated[str, Field(description="held: publishers waited for it; cut: it was closed.")]
    kind: Annotated[str, Field(description="cid for a client, rid for a route.")]
    cid: Annotated[int, Field(description="The number of the connection.")]
    name: str
    ip: str
    port: int
    at: str
    reason: str
    behind_since: str | None = None
    pending_bytes: int
    pending_messages: Annotated[int, Field(description="Among the bytes that are known by subject.")]
    known_bytes: Annotated[
        int, Field(description="Of the pending ones, those of which the subject is known, and other lines.")
    ]
    counting: Annotated[bool | None, Field(description="The messages are still being counted.")] = None
    publishers: Annotated[int, Field(description="That waited for it then.")]
    subjects: Annotated[list[SlowSubject], Field(description="Those with most bytes first.")]


class Slowz(PageModel):
    """The latest receivers that were too slow, the latest first."""

    now: str
    held_publishers: int
    slow_consumers: Annotated[int, Field(description="Receivers that were closed, ever.")]
    total: Annotated[int, Field(description="Those that are remembered.")]
    receivers: list[SlowEntry]


class Subsz(PageModel):
    """The subscription index; with subs=1 also a page of what clients listen to."""

    server_id: str | None = None
    now: Time | None = None
    num_subscriptions: int
    num_cache: int
    num_inserts: int
    num_removes: int
    num_matches: int
    cache_hit_rate: Number
    max_fanout: int
    avg_fanout: Number
    plan_cache_bytes: int
    total: int | None = None
    offset: int | None = None
    limit: int | None = None
    subscriptions_list: list[SubscriptionDetail] | None = None


class DataStats(PageModel):
    """Messages one way."""

    msgs: int
    bytes: Annotated[int, Field(description="Payload only.")]


class AccountTraffic(DataStats):
    """Messages of an account one way, and of these what went over links to other servers."""

    gateways: DataStats
    routes: DataStats
    leafs: DataStats


class AccountStat(PageModel):
    """One account."""

    acc: str
    name: str
    conns: Annotated[int, Field(description="Clients now.")]
    leafnodes: int
    total_conns: Annotated[int, Field(description="Clients and leaf nodes now.")]
    num_subscriptions: int
    sent: AccountTraffic
    received: AccountTraffic
    slow_consumers: Annotated[int, Field(description="Receivers that were cut.")]


class Accstatz(PageModel):
    """Accounts. All clients belong to one."""

    server_id: str
    now: Time
    account_statz: list[AccountStat]


class Gatewayz(PageModel):
    """Gateways to other clusters. There are none."""

    server_id: str
    now: Time
    outbound_gateways: dict[str, str]
    inbound_gateways: dict[str, list[str]]


class HealthFault(PageModel):
    """What a probe asks for and is not there."""

    type: Annotated[str, Field(examples=["STREAM"])]
    account: str | None = None
    stream: str | None = None
    consumer: str | None = None
    error: str


class HealthAnswer(PageModel):
    """Whether the server does its work."""

    status: Annotated[str, Field(examples=["ok"])]
    status_code: int | None = None
    error: str | None = None
    errors: Annotated[list[HealthFault] | None, Field(description="With details=1.")] = None
