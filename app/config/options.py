"""Options: what an operator may choose, with every default in one place.

A configuration file, and flags above it, give values for some fields; the model
fills in the rest. To add an option, add a field here: its default, its bounds, a
description, and its `Key` when the key has other names, or the value a unit.
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from app.config.addresses import Endpoint
from app.config.advertising import Advertised
from app.config.authorization_options import AuthorizationOptions
from app.config.cluster_options import ClusterOptions
from app.config.draft import Draft
from app.config.errors import ConfigError
from app.config.section import Address, Count, Host, Key, Port, Seconds, Section
from app.config.tls_options import TlsOptions
from app.config.validation import validate

LARGEST_LINE = 2**30
LARGEST_BACKLOG = 2**40

LogFormat = Literal["text", "json"]
SlowConsumer = Literal["cut", "hold"]


class Options(Section):
    """One server's settings; see `make_options` and `app.config.load`."""

    addresses: ClassVar = {
        "listen": Address("host", "port", "Where to listen for clients."),
        "http": Address("http_host", "http_port", "Where to serve monitoring pages; none unless given."),
        "https": Address("https_host", "https_port", "The same, encrypted; needs `tls`."),
    }
    idle: ClassVar = {
        "prof_port": "no profiling port is opened, since the profiler of Go is not here: "
        "use perf or py-spy instead, or the signal QUIT for stacks"
    }

    host: Annotated[
        Host,
        Field(description="Address to listen on; 0.0.0.0 is every interface."),
        Key(also=("net", "addr")),
    ] = "0.0.0.0"  # noqa: S104 - gnatsd's default
    port: Annotated[Port, Field(description="Port for clients; -1 is any free port.")] = 4222
    client_advertise: Annotated[
        Advertised | None, Field(description="Address by which clients shall reach this server.")
    ] = None
    server_name: Annotated[
        str | None, Field(pattern=r"^\S+$", description="Name of this server, for people.")
    ] = None

    http_host: Annotated[str | None, Field(description="Host of `http`."), Key(hidden=True)] = None
    http_port: Annotated[
        Port, Field(description="Port for monitoring; 0 is none."), Key(also=("monitor_port",))
    ] = 0
    https_host: Annotated[str | None, Field(description="Host of `https`."), Key(hidden=True)] = None
    https_port: Annotated[Port, Field(description="Port for encrypted monitoring; 0 is none.")] = 0

    authorization: Annotated[
        AuthorizationOptions, Field(description="Who may come in."), Key(guards=True)
    ] = AuthorizationOptions()
    tls: Annotated[
        TlsOptions | None, Field(description="Encryption of clients' connections."), Key(guards=True)
    ] = None
    cluster: Annotated[ClusterOptions, Field(description="Other servers.")] = ClusterOptions()

    debug: Annotated[bool, Field(description="Log what happens to each connection.")] = False
    trace: Annotated[bool, Field(description="Log every protocol line; this costs much speed.")] = False
    logtime: Annotated[bool, Field(description="Begin log lines with the time.")] = True
    log_file: Annotated[
        str | None, Field(description="File to append the log to; none is stderr."), Key(also=("logfile",))
    ] = None
    log_format: Annotated[LogFormat, Field(description="Log as gnatsd's text, or as json lines.")] = "text"
    syslog: Annotated[bool, Field(description="Log to the syslog daemon of this machine.")] = False
    remote_syslog: Annotated[
        str | None, Field(description="Log to this daemon: udp://host:port, tcp://host:port, unix:///path.")
    ] = None
    pid_file: Annotated[
        str | None, Field(description="File to write the process number to."), Key(also=("pidfile",))
    ] = None

    max_connections: Annotated[
        Count, Field(description="Clients at once."), Key(also=("max_conn",), unit="count")
    ] = 65_536
    max_control_line: Annotated[
        int, Field(ge=1, le=LARGEST_LINE, description="Longest argument of a line."), Key(unit="bytes")
    ] = 1024
    max_payload: Annotated[
        int, Field(ge=1, le=LARGEST_LINE, description="Largest message."), Key(unit="bytes")
    ] = 1_048_576
    max_pending_size: Annotated[
        int,
        Field(
            ge=1, le=LARGEST_BACKLOG, description="Data waiting for one client before it counts as too slow."
        ),
        Key(also=("max_pending",), unit="bytes"),
    ] = 10_485_760
    slow_consumer: Annotated[
        SlowConsumer,
        Field(
            description="What becomes of a receiver that delays others for more than `write_deadline` in "
            "total: `cut` closes it; `hold` lets publishers wait for as long as it makes progress."
        ),
    ] = "cut"
    ping_interval: Annotated[Seconds, Field(description="Time between two pings."), Key(unit="seconds")] = (
        120.0
    )
    ping_max: Annotated[
        Count, Field(description="Unanswered pings that are tolerated."), Key(unit="count")
    ] = 2
    write_deadline: Annotated[
        Seconds, Field(description="Time in which a client must take some of its data."), Key(unit="seconds")
    ] = 2.0

    @property
    def http(self) -> Endpoint | None:
        """Where to serve monitoring pages; without a host of its own, on that of clients."""
        return Endpoint(self.http_host or self.host, self.http_port) if self.http_port else None

    @property
    def https(self) -> Endpoint | None:
        """The same, encrypted."""
        return Endpoint(self.https_host or self.host, self.https_port) if self.https_port else None


def make_options(given: Mapping[str, object]) -> Options:
    """Options with these values, nested as the fields are, and defaults for all others.

    Raises `ConfigError`, which names all values that are unknown, of a wrong type or
    out of bounds.
    """
    options, problems = validate(Options, Draft(given))
    if options is None:
        raise ConfigError(problems)
    return options
