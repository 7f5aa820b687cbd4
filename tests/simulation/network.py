"""A network of hosts in virtual time: delays, partitions, and all ways in which a link ends.

What goes wrong is said by rules, those of `app.adapters.faults`: each host has some for what it sends.
`link_direction` applies them.

A link is that of ``net_memory``, with a delay between write and read::

    write ──> [ in flight: delayed, or stalled ] ──> [ received, unread ] ──> reserve, received

Bytes keep their order within one direction of a link; between links there is no order. A cut
path delivers nothing; as with TCP, bytes in flight are retransmitted when it heals. A reset is
sent once, and is lost on a cut path. A host that crashed does not remember its links, and
answers their bytes with a reset.

Not simulated: acknowledgements arrive at once and are never lost, so a path that is cut in one
direction still drains the other; TCP has no timeout of its own.
"""

from collections.abc import Callable
from ipaddress import ip_address
from random import Random

from app.adapters.clock_manual import ManualClock
from app.adapters.faults.rules import OUT, FaultKind, Rule
from app.adapters.net_memory import MemoryWire
from app.domain.sessions.wire import PeerAddress
from tests.simulation.dialer import SimulatedDialer
from tests.simulation.host import Host
from tests.simulation.link_direction import LinkDirection, NetworkPath
from tests.simulation.trace import Trace

_FIRST_PORT = 40_000


class NetworkLink:
    """Two directions, and the hosts at the ends."""

    __slots__ = ("_network", "back", "far", "far_wire", "near", "near_wire", "number", "port", "there")

    def __init__(self, network: "Network", number: int, near: Host, far: Host, port: int) -> None:
        self._network = network
        self.number = number
        self.near = near
        self.far = far
        self.port = port
        """The port that the far host listened on."""
        self.near_wire = MemoryWire(near.clock, network.on_failure, PeerAddress(far.ip, port))
        peer = PeerAddress(near.ip, network.free_port())
        self.far_wire = MemoryWire(far.clock, network.on_failure, peer)
        self.there = LinkDirection(network, self.near_wire.stream, self.far_wire.stream, near, far)
        self.back = LinkDirection(network, self.far_wire.stream, self.near_wire.stream, far, near)
        self.there.link = self.back.link = self
        self.near_wire.join(self.there, self.back)
        self.far_wire.join(self.back, self.there)

    def ends_at(self, host: Host) -> list[tuple[LinkDirection, LinkDirection]]:
        """For each end at `host`, the direction it reads and the direction it writes.

        A host that dials itself has both ends.
        """
        near = [(self.back, self.there)] if host is self.near else []
        return [*near, (self.there, self.back)] if host is self.far else near

    def reset(self) -> None:
        """Reset both ends, as a middlebox would."""
        self.near_wire.stream.reset()
        self.far_wire.stream.reset()

    def check(self) -> None:
        """Remove ends that are over, and the link when both are."""
        for host in (self.near, self.far):
            if all(reads.forgotten for reads, _ in self.ends_at(host)):
                host.links.pop(self.number, None)
        if self.back.forgotten and self.there.forgotten:
            self._network.links.pop(self.number, None)


class Network:
    """Hosts by name and address, the paths between them, and all links with a live end."""

    def __init__(self, clock: ManualClock, chance: Random, trace: Trace) -> None:
        self.clock = clock
        self.chance = chance
        self.trace = trace
        self.hosts: dict[str, Host] = {}
        self.links: dict[int, NetworkLink] = {}
        self.stalled: dict[LinkDirection, None] = {}
        self.make_path: Callable[[Host, Host], NetworkPath] = lambda _source, _target: NetworkPath()
        self.carried: Callable[[LinkDirection, bytes], None] = _ignore
        """Called with bytes that arrive."""
        self.dials = 0
        self._paths: dict[tuple[Host, Host], NetworkPath] = {}
        self._addresses: dict[str, Host] = {}
        self.opened = 0
        """Number of links made so far."""
        self._ports = _FIRST_PORT

    def now(self) -> float:
        """Virtual time in seconds."""
        return self.clock.monotonic()

    @staticmethod
    def on_failure(error: Exception) -> None:
        """A handler raised: the simulation ends here, in the call that advanced the clock."""
        raise error

    # --- hosts and paths ---------------------------------------------------------

    def host(self, name: str, ip: str) -> Host:
        """Add a host; raises `ValueError` if `ip` is no address."""
        host = Host(self.clock, name, str(ip_address(ip)))
        self.hosts[name] = self._addresses[name] = self._addresses[ip] = host
        return host

    def path(self, source: Host, target: Host) -> NetworkPath:
        """The path from one host to another, made by `make_path` on first use."""
        path = self._paths.get((source, target))
        if path is None:
            path = self._paths[source, target] = self.make_path(source, target)
        return path

    @staticmethod
    def parting(source: Host, target: Host) -> list[Rule]:
        """The rules by which nothing that one host sends arrives at the other."""
        return source.faults.against(target.server_id, FaultKind.PARTITION, FaultKind.ONE_WAY)

    def passes(self, source: Host, target: Host) -> bool:
        """Whether something that is sent arrives; if not it counts as a hit."""
        parting = self.parting(source, target)
        for rule in parting:
            rule.hits += 1
        return not parting

    @staticmethod
    def judge(source: Host, target: Host) -> list[Rule]:
        """The rules that a packet is hit by: those that cut its link, and those that delay it."""
        return source.faults.judge(
            (FaultKind.CUT, FaultKind.DELAY),
            lambda selector: selector.direction == OUT and selector.takes_link(target),
        )

    def heal(self) -> None:
        """End all partitions, and retransmit stalled bytes."""
        for host in self.hosts.values():
            host.faults.heal()
        self.retransmit()

    def restore_paths(self) -> None:
        """End all other rules, and restore the rate of every path; bytes in flight arrive at once."""
        for host in self.hosts.values():
            host.faults.clear()
        for (source, target), path in self._paths.items():
            path.rate = self.make_path(source, target).rate
        for link in self.links.values():
            link.there.expedite()
            link.back.expedite()

    def retransmit(self) -> None:
        """Retransmit stalled bytes where the path is open again."""
        for direction in list(self.stalled):
            direction.retransmit()

    def free_port(self) -> int:
        """The next port for a dialling end."""
        self._ports = self._ports + 1 if self._ports < 65_535 else _FIRST_PORT
        return self._ports

    # --- ends of hosts and links ---------------------------------------------------

    def power_off(self, host: Host) -> None:
        """Stop a host; its peers receive nothing."""
        host.halt()
        host.up = False
        for link in list(host.links.values()):
            for reads, _ in link.ends_at(host):
                reads.forget()

    def kill(self, host: Host) -> None:
        """Kill the programs of a host; its kernel closes their links, some with a reset."""
        host.halt()
        for link in list(host.links.values()):
            for reads, writes in link.ends_at(host):
                if not writes.shut:
                    if reads.holds_data or self.chance.random() < 0.5:
                        writes.cut()
                    else:
                        writes.finish()
                reads.forget()

    def start(self, host: Host) -> None:
        """Power a host on, with a new run of programs."""
        host.reboot()
        self.retransmit()

    def between(self, one: Host, other: Host) -> list[NetworkLink]:
        """The links between two hosts."""
        return [link for link in one.links.values() if other in (link.near, link.far)]

    # --- dialling --------------------------------------------------------------------

    def dialer(self, host: Host) -> "SimulatedDialer":
        """A dialer for the programs that run on a host now."""
        return SimulatedDialer(self, host)

    def connect(self, near: Host, far: Host, port: int) -> NetworkLink:
        """Make a link whose ends have no handler yet."""
        self.opened += 1
        link = NetworkLink(self, self.opened, near, far, port)
        self.links[link.number] = near.links[link.number] = far.links[link.number] = link
        return link

    def resolve(self, name: str) -> Host | None:
        """The host with this name or address."""
        return self._addresses.get(name)


def _ignore(_lane: LinkDirection, _data: bytes) -> None:
    """Ignore arriving bytes."""
