"""Fault injection: applies the fault steps of a scenario, and records what they affect."""

from collections.abc import Callable
from typing import ClassVar, Protocol

from app.adapters.faults.partitions import Partitions
from app.adapters.faults.rules import OUT
from tests.simulation.client import CLIENT_PORT, SimulatedClient
from tests.simulation.fault_log import FaultLog
from tests.simulation.host import Host
from tests.simulation.hostile_peer import INPUTS, LIFETIME_SECONDS, ROUTE_HANDSHAKE, HostilePeer
from tests.simulation.network import Network
from tests.simulation.scenario import Argument, Scenario, Step, amount_of, number_of
from tests.simulation.server import ROUTE_PORT, SimulatedServer
from tests.simulation.tree import LEAF_PORT


class FaultTargets(Protocol):
    """What faults are injected into."""

    network: Network
    fault_log: FaultLog
    servers: list[SimulatedServer]
    clients: dict[int, SimulatedClient]
    scenario: Scenario


class FaultInjector:
    """Applies fault steps, most of them by rules of hosts, and reverts their effects.

    A delay is not recorded in the fault log: a slow path must lose nothing. The same holds
    for a server that refuses new routes.
    """

    def __init__(self, targets: FaultTargets) -> None:
        self._targets = targets
        self._network = targets.network
        self._between_servers = Partitions(lambda: [server.host for server in targets.servers])
        self.counts: dict[str, int] = {}
        """By action, how often it had an effect."""

    def apply(self, step: Step) -> None:
        """Apply a step; one without a target has no effect."""
        if self._ACTIONS[step.action](self, *step.arguments):
            self.counts[step.action] = self.counts.get(step.action, 0) + 1

    def revert(self) -> None:
        """Revert all effects: every server runs, every path is open and fast."""
        for server in self._targets.servers:
            server.host.clock.thaw()
            if not server.running or server.stopping:
                self._start(server.number)
            server.listen()
        self._network.heal()
        self._network.restore_paths()

    # --- servers -------------------------------------------------------------------

    def _server(self, number: Argument) -> SimulatedServer:
        servers = self._targets.servers
        return servers[number_of(number) % len(servers)]

    def _record(self, server: SimulatedServer) -> None:
        self._targets.fault_log.record_host(server.host, self._network.now())

    def _power_off(self, number: Argument) -> bool:
        server = self._server(number)
        if not server.running:
            return False
        self._record(server)
        self._note(server, "loses power")
        server.power_off()
        return True

    def _kill(self, number: Argument) -> bool:
        server = self._server(number)
        if not server.running:
            return False
        self._record(server)
        self._note(server, "is killed")
        server.kill()
        return True

    def _stop(self, number: Argument) -> bool:
        server = self._server(number)
        if not server.running or server.stopping or server.host.clock.frozen:
            return False
        self._record(server)
        self._note(server, "is asked to stop")
        server.stop()
        return True

    def _start(self, number: Argument) -> bool:
        server = self._server(number)
        if server.running and not server.stopping:
            return False
        self._record(server)
        if server.running:
            server.kill()
        server.start()
        return True

    def _freeze(self, number: Argument, seconds: Argument) -> bool:
        server = self._server(number)
        if not server.running or server.host.clock.frozen:
            return False
        fault_log, host, clock = self._targets.fault_log, server.host, server.host.clock
        fault_log.record_freeze(host, self._network.now())
        self._note(server, f"freezes for {seconds} s")
        clock.freeze()

        def thaw() -> None:
            fault_log.record_thaw(host)
            clock.thaw()

        self._network.clock.call_later(amount_of(seconds), thaw)
        return True

    def _refuse_routes(self, number: Argument, seconds: Argument) -> bool:
        """In a tree, leaves are refused as well."""
        server = self._server(number)
        ports = [port for port in (ROUTE_PORT, LEAF_PORT) if port in server.host.listeners]
        if not ports:
            return False
        for port in ports:
            del server.host.listeners[port]
        self._note(server, f"refuses routes for {seconds} s")
        broker = server.broker

        def listen_again() -> None:
            if server.broker is broker:
                server.listen()

        self._network.clock.call_later(amount_of(seconds), listen_again)
        return True

    # --- paths between servers -----------------------------------------------------

    def _two(self, one: Argument, other: Argument) -> tuple[SimulatedServer, SimulatedServer]:
        return self._server(one), self._server(other)

    def _record_pair(self, one: Host, other: Host) -> None:
        self._targets.fault_log.record_pair(one, other, self._network.now())

    def _split(self, direction: Argument, *side: Argument) -> bool:
        apart = {self._server(number).number for number in side}
        if len(apart) == len(self._targets.servers):
            return False
        self._network.trace.note("network", f"cuts {direction} of {sorted(apart)}")
        rest = {server.number for server in self._targets.servers} - apart
        for one in sorted(apart):
            for other in sorted(rest):
                self._record_pair(self._server(one).host, self._server(other).host)
                if direction == "in":
                    self._between_servers.one_way(other, one)
                elif direction == "out":
                    self._between_servers.one_way(one, other)
        if direction == "both":
            self._between_servers.partition(sorted(apart), sorted(rest))
        return True

    def _heal(self) -> bool:
        self._network.trace.note("network", "heals")
        self._network.heal()
        return True

    def _reset(self, one: Argument, other: Argument) -> bool:
        """The next packet each way is lost, and its link is reset."""
        here, there = self._two(one, other)
        if not self._network.between(here.host, there.host):
            return False
        self._record_pair(here.host, there.host)
        self._note(here, f"will find a link to {there.name} reset")
        here.host.faults.cut(route=there.name, direction=OUT, times=1)
        there.host.faults.cut(route=here.name, direction=OUT, times=1)
        return True

    def _slow(self, one: Argument, other: Argument, rate: Argument) -> bool:
        here, there = self._two(one, other)
        self._record_pair(here.host, there.host)
        self._note(here, f"has {rate} B/s with {there.name}")
        for path in (self._network.path(here.host, there.host), self._network.path(there.host, here.host)):
            path.rate = amount_of(rate)
        return here is not there

    def _delay(self, one: Argument, other: Argument, seconds: Argument) -> bool:
        here, there = self._two(one, other)
        self._note(here, f"is {seconds} s away from {there.name}")
        here.host.faults.delay(route=there.name, direction=OUT, seconds=amount_of(seconds))
        there.host.faults.delay(route=here.name, direction=OUT, seconds=amount_of(seconds))
        return here is not there

    # --- clients ---------------------------------------------------------------------

    def _disconnect(self, number: Argument, seconds: Argument) -> bool:
        """Cut the path between a client and its server."""
        client = self._targets.clients.get(number_of(number))
        if client is None or client.session is None:
            return False
        server = client.server
        self._record_pair(client.host, server)
        client.note(f"has no path to {server.name} for {seconds} s")
        parted = Partitions(lambda: [client.host, server]).partition([0], [1])

        def reconnect() -> None:
            parted.clear()
            self._network.retransmit()

        self._network.clock.call_later(amount_of(seconds), reconnect)
        return True

    def _connect_hostile(self, number: Argument, port: Argument, data: Argument, seconds: Argument) -> bool:
        """Connect a hostile peer; it sends the route handshake only where a password protects routes."""
        server, which = self._server(number), number_of(data) % len(INPUTS)
        if which == ROUTE_HANDSHAKE and not self._targets.scenario.route_password:
            which = 0
        name = f"x{len(self._network.hosts)}"
        host = self._network.host(name, f"10.2.0.{len(self._network.hosts)}")
        self._note(server, f"accepts hostile peer {name} on the port for {port}: {INPUTS[which]!r}")
        others = LEAF_PORT if self._targets.scenario.is_tree and number_of(data) % 2 else ROUTE_PORT
        peer = HostilePeer(self._network, host, server.host, others if port == "routes" else CLIENT_PORT)
        peer.connect(INPUTS[which], min(amount_of(seconds), LIFETIME_SECONDS))
        return True

    def _note(self, server: SimulatedServer, what: str) -> None:
        self._network.trace.note(server.name, what)

    _ACTIONS: ClassVar[dict[str, Callable[..., bool]]] = {
        "power-off": _power_off,
        "kill": _kill,
        "stop": _stop,
        "start": _start,
        "freeze": _freeze,
        "refuse-routes": _refuse_routes,
        "split": _split,
        "heal": _heal,
        "reset": _reset,
        "slow": _slow,
        "delay": _delay,
        "disconnect": _disconnect,
        "hostile": _connect_hostile,
    }
