"""One server of the simulated cluster: a host, and the broker that runs on it."""

from collections import Counter
from dataclasses import replace
from functools import partial
from typing import ClassVar, Protocol

from app.adapters.auth.authenticators import AllowAll
from app.domain.broker import Broker
from app.domain.broker_needs import Membership, Needs
from app.domain.cluster.events import RouteDuplicate, RouteRegistered
from app.domain.cluster.route_url import RouteUrl
from app.domain.cluster.settings import ClusterSettings
from app.domain.dataplane.seam import MakePlane
from app.domain.events import Event, Level, SlowConsumer, StaleConnection
from app.domain.leaf.settings import LeafNeeds
from app.domain.limits import Limits
from app.domain.protocol.compatibility import Compatibility
from app.domain.protocol.encode import ServerInfo
from app.ports.event_log import EventLog
from app.ports.transport import LINGER_SECONDS
from tests.fakes.entropy import SeededEntropy
from tests.fakes.single_user import SingleUser
from tests.simulation.client import CLIENT_PORT
from tests.simulation.host import Host
from tests.simulation.leaf_needs import leaf_needs
from tests.simulation.network import Network
from tests.simulation.scenario import Scenario
from tests.simulation.topology import ServerSpec
from tests.simulation.tree import LEAF_PORT

ROUTE_PORT = 6222

LIMITS = Limits(ping_interval=5.0, ping_max=2)
"""Silent peers are closed after 15 s, so that quiet periods can be short."""

_USER, _PASSWORD = "route", "secret"


class MakeBroker(Protocol):
    """Makes a broker, as its class does."""

    def __call__(
        self,
        limits: Limits,
        info: ServerInfo,
        needs: Needs,
        membership: Membership | None,
        *,
        compatibility: Compatibility,
    ) -> Broker:
        """A broker that belongs to a cluster, to a tree, or to both."""
        ...


_COUNTED = {
    RouteRegistered: "routes registered",
    RouteDuplicate: "duplicate routes closed",
    SlowConsumer: "slow consumers closed",
    StaleConnection: "silent connections closed",
}
"""Events that are counted for the summary."""


class ServerContext(Protocol):
    """What a server uses of the simulation."""

    network: Network
    entropy: SeededEntropy
    make_plane: MakePlane
    make_broker: MakeBroker
    debug: bool
    traces: ClassVar[bool]
    servers: "list[SimulatedServer]"
    scenario: Scenario
    logged: Counter[str]


class TracingLog(EventLog):
    """Writes the events of one server into the trace."""

    debug: bool = False
    trace: bool = False

    def __init__(self, network: Network, name: str, counts: Counter[str], *, debug: bool) -> None:
        self._network = network
        self._counts = counts
        self._name = name
        self.debug = debug

    def record(self, event: Event) -> None:
        """Count the event, and add it to the trace; the digest omits it, since logs must have no effect."""
        counted = _COUNTED.get(type(event))
        if counted is not None:
            self._counts[counted] += 1
        if event.level is not Level.DEBUG or self.debug:
            link = f"{event.link.kind}:{event.link.number} " if event.link else ""
            self._network.trace.logged(self._name, link + event.text())

    def reopen(self) -> None:
        """There is no file."""

    def levels_changed(self) -> None:
        """Nothing lies beneath."""

    def close(self) -> None:
        """Nothing is held."""


class SimulatedServer:
    """A server of the cluster; its broker may be running or not."""

    def __init__(self, context: ServerContext, number: int, host: Host, spec: ServerSpec) -> None:
        self._context = context
        self._spec = spec
        self.number = number
        self.host = host
        self.broker: Broker | None = None
        self.stopping = False
        """Whether the broker is shutting down."""
        self.left_timers = 0
        """Number of timers that were outstanding after an orderly shutdown."""

    @property
    def name(self) -> str:
        """Its name in the trace."""
        return self.host.name

    @property
    def running(self) -> bool:
        """Whether a broker runs, even frozen or shutting down."""
        return self.broker is not None

    def start(self) -> None:
        """Start a new broker, without state of an earlier one."""
        network = self._context.network
        network.start(self.host)
        self.stopping = False
        self.broker = self._make()
        network.trace.note(self.name, f"starts as {self.broker.greeting.info.server_id}")
        self.listen()
        self.broker.listening_on(CLIENT_PORT, (self.client_url,))
        if self.broker.cluster is not None:
            self.broker.cluster.solicit()
        if self.broker.leaves is not None:
            self.broker.leaves.listening_on(LEAF_PORT)
            self.broker.leaves.solicit()

    @property
    def client_url(self) -> str:
        """Address and port for clients."""
        return f"{self.host.ip}:{CLIENT_PORT}"

    def listen(self) -> None:
        """Accept connections, unless it is shutting down."""
        if self.broker is not None and not self.stopping:
            self.host.listeners[CLIENT_PORT] = self.broker.accept
            if self.broker.cluster is not None:
                self.host.listeners[ROUTE_PORT] = self.broker.accept_route
            if self.broker.leaves is not None:
                self.host.listeners[LEAF_PORT] = self.broker.accept_leaf

    def _make(self) -> Broker:
        context = self._context
        limits = replace(LIMITS, max_pending=context.scenario.max_pending)
        info = ServerInfo(
            server_id=context.entropy.identifier(),
            version="0.8.0",
            go="simulation",
            host=self.host.ip,
            port=CLIENT_PORT,
            auth_required=False,
            tls_required=False,
            tls_verify=False,
            max_payload=limits.max_payload,
            server_name=self.name if context.scenario.is_tree else "",
        )
        log = TracingLog(context.network, self.name, context.logged, debug=context.debug)
        leaves = self._leaves()
        needs = Needs(
            context.make_plane, context.entropy.seed(), self.host.clock, AllowAll(), log, leaves=leaves
        )
        if context.traces and self.is_current:
            needs = replace(needs, wall=self._wall)
        return context.make_broker(limits, info, needs, self._membership(), compatibility=self._compatibility)

    def _wall(self) -> int:
        return round(self.host.clock.time() * 1e9)

    def _membership(self) -> Membership | None:
        """None for a server of a tree that is alone in its mesh."""
        context = self._context
        if context.scenario.is_tree and not self._spec.routes:
            return None
        guard = SingleUser(_USER, _PASSWORD) if context.scenario.route_password else AllowAll()
        return Membership(self._settings(), guard, context.network.dialer(self.host))

    def _leaves(self) -> LeafNeeds | None:
        context = self._context
        if not context.scenario.is_tree:
            return None
        hubs = [context.servers[number].host for number in self._spec.hubs]
        cluster = f"mesh{self._spec.cluster}" if self._spec.routes else ""
        return leaf_needs(context.network.dialer(self.host), self.host, hubs, cluster)

    @property
    def is_current(self) -> bool:
        """Whether it is a server of today, at each of its starts."""
        return self._spec.current

    @property
    def _compatibility(self) -> Compatibility:
        return Compatibility.CURRENT if self.is_current else Compatibility.GNATSD

    def _settings(self) -> ClusterSettings:
        servers = self._context.servers
        hosts = [servers[number].host for number in self._spec.routes]
        user, password = (_USER, _PASSWORD) if self._context.scenario.route_password else ("", "")
        routes = tuple(
            RouteUrl(host.name if self._spec.by_name else host.ip, ROUTE_PORT, user, password)
            for host in hosts
        )
        host = "0.0.0.0" if self._spec.wildcard_host else self.host.ip  # noqa: S104 - announced, not bound
        return ClusterSettings(host, ROUTE_PORT, user, password, routes=routes)

    def kill(self) -> None:
        """Kill the program; the host stays up."""
        self.broker = None
        self._context.network.kill(self.host)

    def power_off(self) -> None:
        """Power the host off."""
        self.broker = None
        self._context.network.power_off(self.host)

    def stop(self) -> None:
        """Start an orderly shutdown."""
        broker = self.broker
        if broker is not None and not self.stopping:
            self.stopping = True
            self.host.listeners.clear()
            broker.shutdown(partial(self._stopped, broker))

    def _stopped(self, broker: Broker) -> None:
        """The broker has shut down; its peers get time to read the rest."""
        self._context.network.clock.call_later(2 * LINGER_SECONDS, partial(self._exit, broker))

    def _exit(self, broker: Broker) -> None:
        if self.broker is broker:
            self._context.network.trace.note(self.name, "stopped")
            self.left_timers = self.host.clock.outstanding
            self.kill()
