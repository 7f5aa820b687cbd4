"""What the pages share: the broker, watched, and what else is told of the server."""

from dataclasses import dataclass, field

from app.adapters.monitoring.calendar import Calendar
from app.adapters.monitoring.journal import Journal
from app.adapters.monitoring.process_figures import ProcessFigures
from app.adapters.monitoring.turns import PROBES_SHARE, FairQueue
from app.ports.broker_view import BrokerView


@dataclass(frozen=True, slots=True)
class Settings:
    """What the broker does not know of itself. Ports that are off are 0."""

    tls_timeout: float
    """Seconds for a handshake."""
    http_host: str = ""
    http_port: int = 0
    https_port: int = 0
    server_name: str = ""
    """Name for people; empty where there is none but the id."""
    data_plane: str = ""
    """Name of the twin that runs."""
    pynatsd: str = ""
    """The version of this server, beside that of the protocol."""
    python: str = ""
    """The interpreter and its version."""
    known_as: frozenset[str] = frozenset()
    """Names by which browsers may ask for pages, besides those that only this machine or its network has."""
    log: str = ""
    """Where the event log goes, in words."""
    config_file: str = ""
    """Empty where flags alone configure the server."""


@dataclass(slots=True)
class RequestCounts:
    """Good requests by page since the start."""

    index: int = 0
    connz: int = 0
    routez: int = 0
    subsz: int = 0
    varz: int = 0


@dataclass(frozen=True, slots=True)
class Watch:
    """One server, watched."""

    view: BrokerView
    settings: Settings
    calendar: Calendar
    figures: ProcessFigures = field(default_factory=ProcessFigures)
    turns: FairQueue = field(default_factory=FairQueue)
    """For pages."""
    probes: FairQueue = field(default_factory=lambda: FairQueue(PROBES_SHARE))
    """For probes, which must not wait for pages."""
    journal: Journal = field(default_factory=Journal)
    requests: RequestCounts = field(default_factory=RequestCounts)
