"""One server of the simulated cluster: a broker, and the machine it is started on again and again."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Protocol

from app.adapters.auth.authenticators import AllowAll
from app.adapters.entropy import SeededEntropy
from app.domain.broker import Broker, Membership, Needs
from app.domain.cluster.cluster import ClusterSettings
from app.domain.cluster.events import RouteDuplicate, RouteRegistered
from app.domain.cluster.route_url import RouteUrl
from app.domain.dataplane.seam import MakePlane
from app.domain.events import Event, Level, SlowConsumer, StaleConnection
from app.domain.limits import Limits
from app.domain.protocol.encode import ServerInfo
from app.ports.event_log import EventLog
from app.ports.transport import LINGER_SECONDS
from tests.fakes.single_user import SingleUser
from tests.simulation.client import CLIENT_PORT
from tests.simulation.host import Host
from tests.simulation.network import Network
from tests.simulation.scenario import Scenario, Seat

ROUTE_PORT = 6222

LIMITS = Limits(ping_interval=5.0, ping_max=2)
"""A peer that fell silent is known to be gone after 15 s, so that quiet periods can be short."""

_USER, _PASSWORD = "route", "secret"

MakeBroker = Callable[[Limits, ServerInfo, Needs, Membership], Broker]

_COUNTED = {
    RouteRegistered: "routes registered",
    RouteDuplicate: "duplicate routes closed",
    SlowConsumer: "slow consumers cut",
    StaleConnection: "silent connections closed",
}
"""Facts that are counted for the summary."""


class SessionHost(Protocol):
    """What a server is put into."""

    network: Network
    entropy: SeededEntropy
    make_plane: MakePlane
    make_broker: MakeBroker
    debug: bool
    servers: "list[Server]"
    scenario: Scenario
    logged: Counter[str]


class TracingLog(EventLog):
    """Puts the facts of one server into the trace."""

    debug: bool = False
    trace: bool = False

    def __init__(self, network: Network, name: str, counts: Counter[str], *, debug: bool) -> None:
        self._network = network
        self._counts = counts
        self._name = name
        self.debug = debug

    def record(self, event: Event) -> None:
        """Count it, and tell the trace, whose digest leaves it out: what is logged must not matter."""
        counted = _COUNTED.get(type(event))
        if counted is not None:
            self._counts[counted] += 1
        if event.level is not Level.DEBUG or self.debug:
            link = f"{event.link.kind}:{event.link.number} " if event.link else ""
            self._network.trace.told(self._name, link + event.text())

    def reopen(self) -> None:
        """There is no file."""

    def close(self) -> None:
        """Nothing is held."""


class Server:
    """A seat of the cluster, with or without a broker on it."""

    def __init__(self, around: SessionHost, number: int, host: Host, seat: Seat) -> None:
        self._around = around
        self._seat = seat
        self.number = number
        self.host = host
        self.broker: Broker | None = None
        self.stopping = False
        """Whether the broker is on its way out."""
        self.left_timers = 0
        """Timers that were outstanding after a broker had ended in good order."""

    @property
    def name(self) -> str:
        """As the trace has it."""
        return self.host.name

    @property
    def running(self) -> bool:
        """Whether a broker is there, be it frozen or on its way out."""
        return self.broker is not None

    def start(self) -> None:
        """Start a broker that knows nothing of any former one."""
        network = self._around.network
        network.start(self.host)
        self.stopping = False
        self.broker = self._make()
        network.trace.note(self.name, f"starts as {self.broker.greeting.info.server_id}")
        self.listen()
        self.broker.listening_on(CLIENT_PORT, (self.client_url,))
        if self.broker.cluster is not None:
            self.broker.cluster.solicit()

    @property
    def client_url(self) -> str:
        """Where clients find it."""
        return f"{self.host.ip}:{CLIENT_PORT}"

    def listen(self) -> None:
        """Take connections, unless it is to stop."""
        if self.broker is not None and not self.stopping:
            self.host.listeners[CLIENT_PORT] = self.broker.accept
            self.host.listeners[ROUTE_PORT] = self.broker.accept_route

    def _make(self) -> Broker:
        around = self._around
        limits = replace(LIMITS, max_pending=around.scenario.max_pending)
        info = ServerInfo(
            server_id=around.entropy.identifier(),
            version="0.8.0",
            go="simulation",
            host=self.host.ip,
            port=CLIENT_PORT,
            auth_required=False,
            tls_required=False,
            tls_verify=False,
            max_payload=limits.max_payload,
        )
        log = TracingLog(around.network, self.name, around.logged, debug=around.debug)
        needs = Needs(around.make_plane, around.entropy.seed(), self.host.clock, AllowAll(), log)
        dialer = around.network.dialer(self.host)
        guard = SingleUser(_USER, _PASSWORD) if around.scenario.guarded else AllowAll()
        return around.make_broker(limits, info, needs, Membership(self._settings(), guard, dialer))

    def _settings(self) -> ClusterSettings:
        servers = self._around.servers
        hosts = [servers[number].host for number in self._seat.routes]
        user, password = (_USER, _PASSWORD) if self._around.scenario.guarded else ("", "")
        routes = tuple(
            RouteUrl(host.name if self._seat.by_name else host.ip, ROUTE_PORT, user, password)
            for host in hosts
        )
        host = "0.0.0.0" if self._seat.anywhere else self.host.ip  # noqa: S104 - only told
        return ClusterSettings(host, ROUTE_PORT, user, password, routes=routes)

    def kill(self) -> None:
        """End the program; the machine stays."""
        self.broker = None
        self._around.network.kill(self.host)

    def power_off(self) -> None:
        """Let machine and program vanish."""
        self.broker = None
        self._around.network.power_off(self.host)

    def stop(self) -> None:
        """Ask the broker to end in good order."""
        broker = self.broker
        if broker is not None and not self.stopping:
            self.stopping = True
            self.host.listeners.clear()
            broker.shutdown(partial(self._stopped, broker))

    def _stopped(self, broker: Broker) -> None:
        """The broker is done; what it closed has a moment to be read."""
        self._around.network.clock.call_later(2 * LINGER_SECONDS, partial(self._exit, broker))

    def _exit(self, broker: Broker) -> None:
        if self.broker is broker:
            self._around.network.trace.note(self.name, "stopped")
            self.left_timers = self.host.clock.outstanding
            self.kill()
