"""What all pages share: the broker's view, settings, clocks, and the budget of time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ...domain.permissions.configured_users import ConfiguredUsers
from ...ports.broker_view import BrokerView, Compatibility
from ...ports.streams_view import StreamsView
from .journal import Journal
from .process_figures import ProcessFigures
from .stepper import PROBES_SHARE, Stepper

_CLOCK_STEP = 0.5
"""Difference between the two clocks, in seconds, above which the wall clock counts as stepped."""


class TwoClocks(Protocol):
    """The wall clock and the monotonic clock, in seconds."""

    def time(self) -> float:
        """Seconds since the epoch."""
        ...

    def monotonic(self) -> float:
        """Seconds on the scale that the broker measures with."""
        ...


class WallTime:
    """Converts monotonic time to wall time.

    A moment keeps its wall time until the wall clock is stepped.
    """

    def __init__(self, clock: TwoClocks) -> None:
        self._clock = clock
        self._epoch = clock.time() - clock.monotonic()

    def of(self, moment: float) -> float:
        """Seconds since the epoch, for a moment on the monotonic scale."""
        epoch = self._clock.time() - self._clock.monotonic()
        if abs(epoch - self._epoch) > _CLOCK_STEP:
            self._epoch = epoch
        return self._epoch + moment

    def now(self) -> float:
        """Seconds since the epoch, now."""
        return self._clock.time()


@dataclass(frozen=True, slots=True)
class LeafRemoteSummary:
    """A hub that is dialled, or would be if it were not disabled."""

    account: str
    addresses: tuple[str, ...]
    deny_imports: tuple[str, ...] = ()
    deny_exports: tuple[str, ...] = ()
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class LeafSummary:
    """What is configured about leaf nodes. Times in seconds; 0 for what is off."""

    host: str = ""
    auth_timeout: float = 0.0
    tls_timeout: float = 0.0
    tls_required: bool = False
    tls_verify: bool = False
    remotes: tuple[LeafRemoteSummary, ...] = ()


@dataclass(frozen=True, slots=True)
class MonitorSettings:
    """Settings that pages show and the broker does not know. The port of what is off is 0."""

    tls_timeout: float
    """Time limit of a TLS handshake, in seconds."""
    http_host: str = ""
    http_port: int = 0
    https_port: int = 0
    server_name: str = ""
    """The configured name; empty where there is none but the id."""
    tags: tuple[str, ...] = ()
    """As configured."""
    data_plane: str = ""
    """Name of the twin that runs."""
    pynatsd: str = ""
    """The version of this server, beside that of the protocol."""
    python: str = ""
    """The interpreter and its version."""
    known_as: frozenset[str] = frozenset()
    """Host names that browsers may use, besides those of this machine and its network."""
    log: str = ""
    """The log's destination, in words."""
    config_file: str = ""
    """Empty where only flags configure the server."""
    loaded: float | None = None
    """When the configuration was read, on the monotonic scale; None for the start of the server."""
    certificates: Mapping[str, float] = field(default_factory=dict)
    """The expiry of each certificate, by section, in seconds since the epoch; it may change."""
    digest: str = ""
    """Of the configuration without its secrets."""
    leaf: LeafSummary = field(default_factory=LeafSummary)
    """The listener for leaf nodes, and the hubs that are dialled."""
    users: ConfiguredUsers = field(default_factory=ConfiguredUsers)
    """The users that are configured, without their secrets."""


@dataclass(slots=True)
class RequestCounts:
    """Valid requests by page since the start."""

    index: int = 0
    connz: int = 0
    routez: int = 0
    subsz: int = 0
    varz: int = 0
    accstatz: int = 0
    gatewayz: int = 0
    healthz: int = 0
    leafz: int = 0
    slowz: int = 0
    stacksz: int = 0
    jsz: int = 0
    accountz: int = 0


@dataclass(slots=True)
class MonitoringContext:
    """What the pages of one server share. Its settings are replaced when the configuration is."""

    view: BrokerView
    settings: MonitorSettings
    wall_time: WallTime
    figures: ProcessFigures = field(default_factory=ProcessFigures)
    stepper: Stepper = field(default_factory=Stepper)
    """Runs the work of pages."""
    probe_stepper: Stepper = field(default_factory=lambda: Stepper(PROBES_SHARE))
    """Runs probes, which must not wait for pages."""
    journal: Journal = field(default_factory=Journal)
    requests: RequestCounts = field(default_factory=RequestCounts)
    streams: Callable[[], StreamsView | None] = lambda: None
    """JetStream, if it is on."""

    @property
    def server_name(self) -> str:
        """The configured name, or the id."""
        return self.settings.server_name or self.view.server().info.server_id

    @property
    def is_current(self) -> bool:
        """Whether pages show what current servers show; else they are those of gnatsd 0.8.0."""
        return self.view.server().info.compatibility is Compatibility.CURRENT
