"""Options: what an operator may choose, with every default in one place.

A configuration file, and flags above it, give values for some fields; the model
fills in the rest. To add an option, add a field to its section: its type with bounds,
its default, and a `Key` that says what it means and which other names it has.
The sections are `TlsOptions`, in a module of its own, `AuthorizationOptions`, `ClusterOptions`
and, around them, `Options` (configuration-file.md, sections 2 to 4).
"""

import re
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, InstanceOf, model_validator

from ..domain.closed_clients import CLOSED_CLIENTS
from ..domain.cluster.route_url import RouteUrl
from ..domain.limits import DELAY_BUDGET, fitting_pending
from . import foreign_keys
from .addresses import (
    AddressError,
    HostPort,
    parse_advertised,
    parse_advertised_to_servers,
    parse_route,
)
from .document import Block
from .errors import ConfigError
from .jetstream_options import JetStreamSection, StoreDirectory
from .leaf_options import LeafOptions, no_route_compression
from .permissions import PermissionsValue
from .section import (
    LARGEST_COUNT,
    AddressKey,
    Count,
    Host,
    Key,
    OptionError,
    Port,
    Seconds,
    Section,
    one_or_more,
)
from .tls_options import TlsOptions
from .unix_socket_options import UnixSocketOptions
from .user_options import SecretText, UserOptions, distinct_users
from .validation import validate

LARGEST_LINE = 2**30
LARGEST_RING = 1_000_000
GNATSD_LINE = 1024
"""`max_control_line` of gnatsd, unless it is given; that of current servers is the default."""
GNATSD_DEADLINE = 2.0
"""The same of `write_deadline`."""
LARGEST_BACKLOG = 2**40
SHORTEST_LAME_DUCK = 30.0

_FACTORY = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*:[^\W\d]\w*")


def _advertised(text: str) -> str:
    parse_advertised(text)
    return text


def _advertised_to_servers(text: str) -> str:
    parse_advertised_to_servers(text)
    return text


def _factory(name: str) -> str:
    if not _FACTORY.fullmatch(name):
        raise ValueError("must be written package.module:factory")
    return name


def _route(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("must be a URL such as nats://host:port")  # noqa: TRY004 - pydantic turns this kind into a report
    try:
        return parse_route(value)
    except AddressError as error:
        raise OptionError(str(error)) from error


Advertised = Annotated[str, AfterValidator(_advertised)]
AdvertisedToServers = Annotated[str, AfterValidator(_advertised_to_servers)]
CompatibleWith = Literal["current", "0.8.0"]
LogFormat = Literal["text", "json"]
Route = Annotated[InstanceOf[RouteUrl], BeforeValidator(_route)]
SlowConsumer = Literal["cut", "hold"]
TlsReload = Literal["signal", "auto"]


def _lame_duck_duration(seconds: float) -> float:
    if seconds < SHORTEST_LAME_DUCK:
        text = f"invalid lame_duck_duration of {seconds:g}s, minimum is {SHORTEST_LAME_DUCK:g} seconds"
        raise OptionError(text)
    return seconds


def _no_limit(value: object) -> object:
    return LARGEST_COUNT if value == -1 and type(value) is int else value


class AuthorizationOptions(Section):
    """Credentials required of clients; none if nothing is set."""

    refused: ClassVar = foreign_keys.AUTHORIZATION_REFUSED
    needs: ClassVar = {"permissions": "users", "default_permission": "users"}
    """Not `default_permissions`: gnatsd starts with it, with any login."""

    user: Annotated[
        str | None, Key("User name, if there is a single user.", also=("username",), guards=True)
    ] = None
    password: Annotated[
        SecretText, Key("Password of the single user, plain or a bcrypt hash.", also=("pass",), guards=True)
    ] = ""
    token: Annotated[
        SecretText, Key("Token, plain or a bcrypt hash; has no effect if there are users.", guards=True)
    ] = ""
    users: Annotated[
        tuple[UserOptions, ...] | None,
        Field(strict=False),
        AfterValidator(distinct_users),
        Key(
            "Several users, each a map with `user` and `password`.",
            wrong="Could not parse user array properly, it must be an array of maps",
            guards=True,
        ),
    ] = None
    default_permissions: Annotated[
        PermissionsValue | None,
        Key(
            "Permissions of users that have none of their own.",
            also=("default_permission", "permissions"),
            guards=True,
        ),
    ] = None
    authenticator: Annotated[
        Annotated[str, AfterValidator(_factory)] | None,
        Key("Authenticator of your own, as `package.module:factory`.", guards=True),
    ] = None
    authenticator_timeout: Annotated[Seconds, Key("Time limit for one answer of the authenticator.")] = 2.0
    timeout: Annotated[Seconds, Key("Time limit for a client's login.")] = 1.0
    login_rate_limit: Annotated[
        int,
        Field(ge=0, le=LARGEST_COUNT),
        Key("Maximum number of logins judged within a second, further ones wait; 0 means no limit."),
    ] = 0

    @model_validator(mode="after")
    def _choose_one(self) -> Self:
        if self.user and self.users:
            raise OptionError("Can not have a single user/pass and a users array", "users")
        if self.authenticator and (self.user or self.users or self.token):
            text = "users or a token cannot be combined with an authenticator; remove one of them"
            raise OptionError(text, "authenticator")
        return self


class ClusterAuthorizationOptions(Section):
    """Credentials required of other servers; none if nothing is set."""

    refused: ClassVar = {
        "token": "Cluster authorization does not allow a token",
        "users": "Cluster authorization does not allow multiple users",
    }

    user: Annotated[
        str | None, Key("User name required of other servers.", also=("username",), guards=True)
    ] = None
    password: Annotated[
        SecretText, Key("Password of that user, plain or a bcrypt hash.", also=("pass",), guards=True)
    ] = ""
    timeout: Annotated[Seconds, Key("Time limit for a server's login.")] = 1.0


class ClusterOptions(Section):
    """Other servers. There is a cluster when there is a port."""

    addresses: ClassVar = {"listen": AddressKey("host", "port", "Address to listen on for other servers.")}
    idle: ClassVar = foreign_keys.CLUSTER_IDLE
    refused: ClassVar = foreign_keys.CLUSTER_REFUSED

    name: Annotated[str | None, Field(pattern=r"^\S+$"), Key("Name of the cluster, shown to clients.")] = None
    host: Annotated[Host, Key("Host to listen on for other servers.", also=("net",))] = "0.0.0.0"  # noqa: S104 - gnatsd's default
    port: Annotated[Port, Key("Port for other servers; 0 means no cluster, -1 picks a free port.")] = 0
    authorization: Annotated[
        ClusterAuthorizationOptions, Key("Credentials required of other servers.", guards=True)
    ] = ClusterAuthorizationOptions.unset()
    tls: Annotated[TlsOptions | None, Key("TLS between servers; off without it.", guards=True)] = None
    routes: Annotated[tuple[Route, ...], Field(strict=False), Key("URLs of servers to connect to.")] = ()
    no_advertise: Annotated[
        bool, Key("Do not advertise servers to clients, neither the others nor this one.")
    ] = False
    cluster_advertise: Annotated[
        AdvertisedToServers | None,
        Key("Numeric address to advertise to other servers.", also=("advertise",)),
    ] = None
    connect_retries: Annotated[
        int,
        Field(ge=0, le=LARGEST_COUNT),
        Key("Maximum number of attempts to reach a discovered server; 0 means no limit."),
    ] = 0
    compression: Annotated[
        str, BeforeValidator(no_route_compression), Key("Compression of routes; can only be `off`.")
    ] = "off"


def _origin(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be written https://host or https://host:port")
    return text


class WebsocketOptions(Section):
    """Where clients connect over websockets. They can when there is a port."""

    addresses: ClassVar = {"listen": AddressKey("host", "port", "Address to listen on for websockets.")}
    idle: ClassVar = foreign_keys.WEBSOCKET_IDLE
    refused: ClassVar = foreign_keys.WEBSOCKET_REFUSED

    host: Annotated[Host, Key("Host to listen on for websockets.", also=("net",))] = "0.0.0.0"  # noqa: S104 - as for clients
    port: Annotated[Port, Key("Port for websockets; 0 means none, -1 picks a free port.")] = 0
    no_tls: Annotated[bool, Key("Serve websockets without TLS; otherwise `tls` is required.")] = False
    tls: Annotated[TlsOptions | None, Key("TLS for websockets.", guards=True)] = None
    compression: Annotated[bool, Key("Compress messages if the client offers it.", also=("compress",))] = (
        False
    )
    same_origin: Annotated[
        bool, Key("Refuse web pages from hosts other than the one they connect to.", guards=True)
    ] = False
    allowed_origins: Annotated[
        tuple[Annotated[str, AfterValidator(_origin)], ...],
        Field(strict=False),
        BeforeValidator(one_or_more),
        Key(
            "Origins of web pages that may connect; all may if empty.",
            also=("allowed_origin", "allow_origins", "allow_origin", "origins", "origin"),
            guards=True,
        ),
    ] = ()
    handshake_timeout: Annotated[Seconds, Key("Time limit for the request of a websocket.")] = 2.0
    advertise: Annotated[Advertised | None, Key("Address to advertise to clients of websockets.")] = None
    no_auth_user: Annotated[
        str | None,
        Key(
            "User of clients without credentials over websockets; that of all clients if not set.",
            guards=True,
        ),
    ] = None

    @property
    def maps_certificates(self) -> bool:
        """Whether certificates say who a client is."""
        return bool(self.port) and not self.no_tls and self.tls is not None and self.tls.verify_and_map


class HookOptions(Section):
    """Code of the operator's own that sees what clients do. There is some when there is a factory."""

    factory: Annotated[
        Annotated[str, AfterValidator(_factory)] | None,
        Key("Hooks of your own, as `package.module:factory`.", guards=True),
    ] = None
    shadow: Annotated[bool, Key("Log what hooks would refuse, and refuse nothing.", guards=True)] = False
    time_limit: Annotated[
        Seconds | None, Key("Time limit for one answer of a hook; that of the hooks if not set.")
    ] = None


class Options(Section):
    """One server's settings; see `make_options` and `app.config.load`."""

    addresses: ClassVar = {
        "listen": AddressKey("host", "port", "Address to listen on for clients."),
        "http": AddressKey("http_host", "http_port", "Address for monitoring over HTTP; off by default."),
        "https": AddressKey(
            "https_host", "https_port", "Address for monitoring over HTTPS; off by default, requires `tls`."
        ),
    }
    idle: ClassVar = foreign_keys.SERVER_IDLE
    refused: ClassVar = foreign_keys.SERVER_REFUSED

    host: Annotated[
        Host, Key("Host to listen on for clients; 0.0.0.0 means all interfaces.", also=("net", "addr"))
    ] = "0.0.0.0"  # noqa: S104 - gnatsd's default
    port: Annotated[Port, Key("Port for clients; -1 picks a free port.")] = 4222
    client_advertise: Annotated[Advertised | None, Key("Address to advertise to clients.")] = None
    server_name: Annotated[
        str | None,
        Field(pattern=r"^\S+$"),
        Key("Server name, for clients, monitoring and other servers; the server ID if not set."),
    ] = None
    server_tags: Annotated[
        tuple[str, ...],
        Field(strict=False),
        BeforeValidator(one_or_more),
        Key("Words that monitoring shows."),
    ] = ()
    no_header_support: Annotated[bool, Key("Let no message have headers, and say so in `INFO`.")] = False

    compatibility: Annotated[
        CompatibleWith,
        Key("Protocol for clients: that of current servers, or of gnatsd 0.8.0 to the byte."),
    ] = "current"

    http_host: Annotated[str | None, Key("Host of `http`.", hidden=True)] = None
    http_port: Annotated[Port, Key("Port for monitoring over HTTP; 0 is off.", also=("monitor_port",))] = 0
    https_host: Annotated[str | None, Key("Host of `https`.", hidden=True)] = None
    https_port: Annotated[Port, Key("Port for monitoring over HTTPS; 0 is off.")] = 0

    authorization: Annotated[AuthorizationOptions, Key("Credentials required of clients.", guards=True)] = (
        AuthorizationOptions.unset()
    )
    no_auth_user: Annotated[
        str | None,
        Key("User of clients without credentials; one of `authorization.users`.", guards=True),
    ] = None
    tls: Annotated[TlsOptions | None, Key("TLS for clients; off without it.", guards=True)] = None
    allow_non_tls: Annotated[bool, Key("Accept clients without TLS, too, on the same port.", guards=True)] = (
        False
    )
    tls_reload: Annotated[
        TlsReload,
        Key("When certificates are read again: after a signal, or whenever their files change."),
    ] = "signal"
    cluster: Annotated[ClusterOptions, Key("Other servers.")] = ClusterOptions.unset()
    leafnodes: Annotated[
        LeafOptions, Key("Leaf nodes: links to servers outside the cluster.", also=("leaf",))
    ] = LeafOptions.unset()
    websocket: Annotated[WebsocketOptions, Key("Clients over websockets.", also=("ws",))] = (
        WebsocketOptions.unset()
    )
    unix_socket: Annotated[UnixSocketOptions, Key("Clients of the same machine.")] = UnixSocketOptions.unset()
    jetstream: JetStreamSection = None
    store_dir: StoreDirectory = None
    hooks: Annotated[HookOptions, Key("Hooks: code of your own.", guards=True)] = HookOptions.unset()

    debug: Annotated[bool, Key("Log debug lines, about each connection.")] = False
    trace: Annotated[bool, Key("Log every protocol line; slow.")] = False
    logtime: Annotated[bool, Key("Begin log lines with the time.")] = True
    logtime_utc: Annotated[bool, Key("Use UTC for that time, and not the local zone.")] = False
    log_file: Annotated[
        str | None, Key("File to append the log to; standard error if not set.", also=("logfile",))
    ] = None
    log_format: Annotated[LogFormat, Key("Format of log lines: gnatsd's text, or JSON.")] = "text"
    syslog: Annotated[bool, Key("Log to the local syslog daemon.")] = False
    remote_syslog: Annotated[
        str | None, Key("Syslog daemon to log to: udp://host:port, tcp://host:port, unix:///path.")
    ] = None
    pid_file: Annotated[str | None, Key("File to write the process ID to.", also=("pidfile",))] = None

    ports_file_dir: Annotated[
        str | None, Key("Directory of a file with the addresses of this server; none if not set.")
    ] = None

    max_connections: Annotated[
        Count,
        BeforeValidator(_no_limit),
        Key("Maximum number of client connections; -1 means no limit.", also=("max_conn",)),
    ] = 65_536
    max_control_line: Annotated[
        int,
        Field(ge=1, le=LARGEST_LINE),
        Key(
            "Maximum length of the arguments of a protocol line; 1024 by default with `compatibility` 0.8.0.",
            unit="bytes",
        ),
    ] = 4096
    max_subscriptions: Annotated[
        int,
        Field(ge=-1, le=LARGEST_COUNT),
        Key("Maximum number of subscriptions of a client; 0 and -1 mean no limit.", also=("max_subs",)),
    ] = 0
    max_closed_clients: Annotated[
        int,
        Field(ge=-1, le=LARGEST_RING),
        Key("Closed clients that `/connz?state=closed` can show; 0 and -1 mean the default."),
    ] = CLOSED_CLIENTS
    max_payload: Annotated[
        int, Field(ge=1, le=LARGEST_LINE), Key("Maximum payload of a message.", unit="bytes")
    ] = 1_048_576
    max_pending_size: Annotated[
        int,
        Field(ge=1, le=LARGEST_BACKLOG),
        Key("Maximum data pending for a client before it is too slow.", also=("max_pending",), unit="bytes"),
    ] = 10_485_760
    slow_consumer: Annotated[
        SlowConsumer,
        Key(
            "Action on a client that delays others for too long in total, see `write_deadline`: "
            "`cut` closes it; `hold` lets publishers wait for as long as it makes progress."
        ),
    ] = "cut"
    ping_interval: Annotated[Seconds, Key("Time between two pings.")] = 120.0
    ping_max: Annotated[Count, Key("Maximum number of unanswered pings.")] = 2
    write_deadline: Annotated[
        Seconds,
        Key(
            "Time limit for a client to accept some of its pending data; 2 by default with `compatibility` "
            "0.8.0. If it is given, a client may also delay others for so long in total; else for 2 seconds."
        ),
    ] = 10.0

    lame_duck_duration: Annotated[
        Seconds,
        AfterValidator(_lame_duck_duration),
        Key("Time in which lame duck mode closes all clients, its grace period included."),
    ] = 120.0
    lame_duck_grace_period: Annotated[
        Seconds, Key("Time in which lame duck mode closes no client; less than `lame_duck_duration`.")
    ] = 10.0

    @model_validator(mode="after")
    def _grace_within_duration(self) -> Self:
        grace, duration = self.lame_duck_grace_period, self.lame_duck_duration
        if grace >= duration:
            text = (
                f"lame duck grace period ({grace:g}s) should be strictly lower than "
                f"lame duck duration ({duration:g}s)"
            )
            raise OptionError(text, "lame_duck_grace_period")
        return self

    @property
    def maps_certificates(self) -> bool:
        """Whether certificates say who a client is, over websockets or otherwise, or who a leaf is."""
        listeners = self.websocket.maps_certificates or self.leafnodes.maps_certificates
        return listeners or (self.tls is not None and self.tls.verify_and_map)

    @property
    def stores_streams(self) -> bool:
        """Enable JetStream."""
        return self.jetstream is not None and self.jetstream.enabled

    @property
    def streams_dir(self) -> str | None:
        """The directory for the files of streams, as it was given; None where it was not."""
        own = self.jetstream.store_dir if self.jetstream is not None else None
        return own or self.store_dir

    @property
    def http(self) -> HostPort | None:
        """The address for monitoring over HTTP; without a host of its own, on that of clients."""
        return HostPort(self.http_host or self.host, self.http_port) if self.http_port else None

    @property
    def https(self) -> HostPort | None:
        """The same over HTTPS."""
        return HostPort(self.https_host or self.host, self.https_port) if self.https_port else None

    @property
    def pending_limit(self) -> int:
        """Bytes that may wait for one receiver: as given, or else such that one message always fits."""
        chosen = self.max_pending_size if "max_pending_size" in self.model_fields_set else None
        return fitting_pending(self.max_payload, chosen, self.line_limit)

    @property
    def line_limit(self) -> int:
        """Bytes that the argument of a line may have: as given, or that server's."""
        is_chosen = "max_control_line" in self.model_fields_set
        return self.max_control_line if is_chosen or self.compatibility == "current" else GNATSD_LINE

    @property
    def deadline(self) -> float:
        """Seconds in which a client has to accept something: as given, or that server's."""
        is_chosen = "write_deadline" in self.model_fields_set
        return self.write_deadline if is_chosen or self.compatibility == "current" else GNATSD_DEADLINE

    @property
    def delay_budget(self) -> float:
        """Seconds by which a client may delay others: `write_deadline` if it is given."""
        return self.write_deadline if "write_deadline" in self.model_fields_set else DELAY_BUDGET


Options.model_rebuild()  # once, and while this module is imported: no two threads can begin with it


def make_options(given: Mapping[str, object]) -> Options:
    """Options with these values, nested as the fields are, and defaults for all others.

    Raises `ConfigError`, which names all values that are unknown, of a wrong type or
    out of bounds.
    """
    options, problems = validate(Options, Block.of(given))
    if options is None:
        raise ConfigError(problems)
    return options
