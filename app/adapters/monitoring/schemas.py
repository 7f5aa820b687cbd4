"""The answers, field by field: order, names and types (monitoring.md, sections 3 to 6 and 9).

A field that is None is left out of the answer.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer


def _whole_without_fraction(number: float) -> float:
    return int(number) if number.is_integer() else number


Number = Annotated[float, PlainSerializer(_whole_without_fraction, return_type=float | int, when_used="json")]
"""A float that is printed without a fraction when it has none."""

Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""RFC 3339, with up to nine digits of fraction."""

Duration = Annotated[str, Field(examples=["3m20s"], pattern=r"^(\d+y)?(\d+d)?(\d+h)?(\d+m)?\d+s$")]
Nanoseconds = Annotated[int, Field(examples=[120_000_000_000], description="In nanoseconds.")]


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RequestStats(_Answer):
    """Requests by page since the start, this one included."""

    index: Annotated[int, Field(serialization_alias="/")]
    connz: Annotated[int, Field(serialization_alias="/connz")]
    routez: Annotated[int, Field(serialization_alias="/routez")]
    subsz: Annotated[int, Field(serialization_alias="/subsz")]
    varz: Annotated[int, Field(serialization_alias="/varz")]

    model_config = ConfigDict(serialize_by_alias=True)


class SlowConsumerStats(_Answer):
    """Slow consumers by kind of peer."""

    clients: int
    routes: int
    gateways: int
    leafs: int


class Cluster(_Answer):
    """Where other servers connect."""

    addr: str
    cluster_port: int
    auth_timeout: Number
    tls_required: bool


class Waited(_Answer):
    """A receiver that a publisher waits for."""

    cid: int
    name: str


class SlowConsumer(_Answer):
    """A receiver that was closed because it was too slow."""

    kind: Annotated[str, Field(description="cid for a client, rid for a route.")]
    cid: int
    name: str
    ip: str
    port: int
    reason: str
    pending_bytes: Annotated[int, Field(description="What waited for it.")]
    at: Time


class Varz(_Answer):
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
    slow_consumer_stats: SlowConsumerStats
    cluster: Cluster | None = None
    pynatsd: Annotated[str, Field(description="The version of this server; `version` is the protocol's.")] = (
        ""
    )
    python: Annotated[str, Field(description="The interpreter and its version.")] = ""
    data_plane: Annotated[str, Field(description="The data plane that runs, native or python.")] = ""
    held_publishers: Annotated[int, Field(description="Publishers that wait now for a slow receiver.")] = 0
    held_seconds: Annotated[
        Number, Field(description="For which publishers have waited for slow receivers, all together.")
    ] = 0.0
    recent_slow_consumers: Annotated[
        list[SlowConsumer], Field(description="The last receivers that were closed, the latest last.")
    ] = []
    events: Annotated[
        dict[str, int] | None, Field(description="How often what the dashboard lists has happened, by kind.")
    ] = None


class SubscriptionDetail(_Answer):
    """One subscription."""

    subject: str
    qgroup: Annotated[str | None, Field(description="The queue group.")] = None
    sid: str
    msgs: Annotated[int, Field(description="Delivered so far.")]
    max: Annotated[int | None, Field(description="It ends after so many messages.")] = None
    cid: int


class ConnectionInfo(_Answer):
    """One client."""

    cid: int
    ip: str
    port: int
    start: Time
    last_activity: Time
    uptime: Duration
    idle: Duration
    pending_bytes: int
    in_msgs: Annotated[int, Field(description="Published by it.")]
    out_msgs: Annotated[int, Field(description="Delivered to it.")]
    in_bytes: int
    out_bytes: int
    subscriptions: int
    name: str | None = None
    lang: str | None = None
    version: str | None = None
    tls_version: str | None = None
    tls_cipher_suite: str | None = None
    authorized_user: Annotated[str | None, Field(description="Only with auth=1.")] = None
    waits_for: Annotated[
        list[Waited] | None, Field(description="The receivers that it waits for as a publisher.")
    ] = None
    subscriptions_list: Annotated[list[str] | None, Field(description="Only with subs=1.")] = None
    subscriptions_list_detail: Annotated[
        list[SubscriptionDetail] | None, Field(description="Only with subs=detail.")
    ] = None


class Connz(_Answer):
    """A page of clients."""

    now: Time
    num_connections: Annotated[int, Field(description="Entries in this page.")]
    total: Annotated[int, Field(description="All clients.")]
    offset: int
    limit: int
    connections: list[ConnectionInfo]


class RouteInfo(_Answer):
    """One route."""

    rid: int
    remote_id: Annotated[str, Field(description="Server id of the peer.")]
    did_solicit: Annotated[bool, Field(description="Whether this server dialled.")]
    is_configured: bool
    ip: str
    port: int
    pending_size: Annotated[int, Field(description="Pending bytes.")]
    in_msgs: int
    out_msgs: int
    in_bytes: int
    out_bytes: int
    subscriptions: int
    start: Time
    uptime: Duration
    remote_name: Annotated[str | None, Field(description="What the peer calls itself, or its server id.")] = (
        None
    )
    rtt: Annotated[
        str | None, Field(description="Round-trip time of the last ping.", examples=["0.412ms"])
    ] = None
    subscriptions_list: Annotated[list[str] | None, Field(description="Only with subs=1.")] = None


class UnreachableRoute(_Answer):
    """A configured server that no route leads to."""

    url: Annotated[str, Field(description="Without user and password.")]
    attempts: Annotated[int, Field(description="Failed dials in a row.")]
    error: Annotated[str, Field(description="Why the last one failed.")]
    since: Annotated[Time, Field(description="When the first one failed.")]


class Routez(_Answer):
    """The routes."""

    now: Time
    num_routes: int
    unreachable: Annotated[
        list[UnreachableRoute] | None, Field(description="Configured servers that no route leads to, if any.")
    ] = None
    routes: list[RouteInfo]


class Subsz(_Answer):
    """The subscription index; with subs=1 also a page of what clients listen to."""

    num_subscriptions: int
    num_cache: int
    num_inserts: int
    num_removes: int
    num_matches: int
    cache_hit_rate: Number
    max_fanout: int
    avg_fanout: Number
    total: int | None = None
    offset: int | None = None
    limit: int | None = None
    subscriptions_list: list[SubscriptionDetail] | None = None


class DataStats(_Answer):
    """Messages one way."""

    msgs: int
    bytes: Annotated[int, Field(description="Payload only.")]


class AccountStat(_Answer):
    """One account."""

    acc: str
    name: str
    conns: Annotated[int, Field(description="Clients now.")]
    leafnodes: int
    total_conns: Annotated[int, Field(description="Clients and leaf nodes now.")]
    num_subscriptions: int
    sent: DataStats
    received: DataStats
    slow_consumers: Annotated[int, Field(description="Receivers that were cut.")]


class Accstatz(_Answer):
    """Accounts. All clients belong to one."""

    server_id: str
    now: Time
    account_statz: list[AccountStat]


class Gatewayz(_Answer):
    """Gateways to other clusters. There are none."""

    server_id: str
    now: Time
    outbound_gateways: dict[str, str]
    inbound_gateways: dict[str, list[str]]


class Leafz(_Answer):
    """Leaf nodes. There are none."""

    server_id: str
    now: Time
    leafnodes: int
    leafs: list[str]


class Health(_Answer):
    """Whether the server does its work."""

    status: Annotated[str, Field(examples=["ok"])]
    error: str | None = None
