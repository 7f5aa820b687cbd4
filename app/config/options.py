"""Options: what an operator may choose, with every default in one place.

A configuration file, and flags above it, give values for some fields; the model
fills in the rest. To add an option, add a field to its section: its type with bounds,
its default, and a `Key` that says what it means and which other names it has.
`Options` is the whole; each larger section has a module of its own
(configuration-file.md, sections 2 to 4).
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from ..domain.closed_clients import CLOSED_CLIENTS
from ..domain.limits import DELAY_BUDGET, fitting_pending
from . import foreign_keys
from .addresses import HostPort
from .document import Block
from .errors import ConfigError
from .sections.authorization import AuthorizationOptions
from .sections.cluster import ClusterOptions
from .sections.jetstream import JetStreamSection, StoreDirectory
from .sections.leaf_nodes import LeafOptions
from .sections.section import (
    LARGEST_COUNT,
    LARGEST_SIZE,
    AddressKey,
    Advertised,
    Count,
    Factory,
    Host,
    Key,
    OptionError,
    Port,
    Seconds,
    Section,
    one_or_more,
)
from .sections.tls import TlsOptions
from .sections.unix_socket import UnixSocketOptions
from .sections.websocket import WebsocketOptions
from .validation import validate

LARGEST_LINE = 2**30
LARGEST_RING = 1_000_000
GNATSD_LINE = 1024
"""`max_control_line` of gnatsd, unless it is given; that of current servers is the default."""
GNATSD_DEADLINE = 2.0
"""The same of `write_deadline`."""
SHORTEST_LAME_DUCK = 30.0


CompatibleWith = Literal["current", "0.8.0"]
LogFormat = Literal["text", "json"]
SlowConsumer = Literal["cut", "hold"]
TlsReload = Literal["signal", "auto"]


def _lame_duck_duration(seconds: float) -> float:
    if seconds < SHORTEST_LAME_DUCK:
        text = f"invalid lame_duck_duration of {seconds:g}s, minimum is {SHORTEST_LAME_DUCK:g} seconds"
        raise OptionError(text)
    return seconds


def _no_limit(value: object) -> object:
    return LARGEST_COUNT if value == -1 and type(value) is int else value


class HookOptions(Section):
    """Code of the operator's own that sees what clients do. There is some when there is a factory."""

    factory: Annotated[
        Factory | None,
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
        Key("Tags, shown in monitoring."),
    ] = ()
    no_header_support: Annotated[bool, Key("Disable headers of messages; `INFO` says so.")] = False

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
    allow_non_tls: Annotated[bool, Key("Also accept clients without TLS, on the same port.", guards=True)] = (
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
    logtime_utc: Annotated[bool, Key("Use UTC for this time, not the local time zone.")] = False
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
        Field(ge=1, le=LARGEST_SIZE),
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
            "0.8.0. If it is set, a client may also delay others for this time in total; otherwise for 2 s."
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
