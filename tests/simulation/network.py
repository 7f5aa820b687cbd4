"""A network of machines in virtual time: delay, loss of contact, and every ugly way a link ends.

A link is that of ``net_memory``, with a way to travel between write and read::

    write ──> [ under way: delayed, or stalled ] ──> [ at the reader's side ] ──> reserve, received

Bytes keep their order within one direction of a link, and arrive whenever they arrive
otherwise. A direction that is cut delivers nothing; as TCP would, it sends again what is
under way once it is mended. A reset is sent once, and is lost where nothing passes. An end
that its machine forgot, since it crashed, answers with a reset to whatever reaches it.

Not simulated: acknowledgements travel at once and are never lost, so a way that is cut in one
direction still drains the other; TCP never gives up by itself.
"""

from collections.abc import Callable
from ipaddress import ip_address
from random import Random

from app.adapters.clock_manual import ManualClock
from app.adapters.net_memory import MemoryWire
from app.domain.sessions.wire import Peer
from tests.simulation.dialing import Dialer
from tests.simulation.host import Host
from tests.simulation.lane import Lane, Path
from tests.simulation.trace import Trace

_FIRST_PORT = 40_000


class Link:
    """Two lanes, and the machines at their ends."""

    __slots__ = ("_network", "back", "far", "far_wire", "near", "near_wire", "number", "port", "there")

    def __init__(self, network: "Network", number: int, near: Host, far: Host, port: int) -> None:
        self._network = network
        self.number = number
        self.near = near
        self.far = far
        self.port = port
        """Where the far machine listened."""
        self.near_wire = MemoryWire(near.clock, network.on_failure, Peer(far.ip, port))
        peer = Peer(near.ip, network.free_port())
        self.far_wire = MemoryWire(far.clock, network.on_failure, peer)
        self.there = Lane(network, self.near_wire.stream, self.far_wire.stream, near, far)
        self.back = Lane(network, self.far_wire.stream, self.near_wire.stream, far, near)
        self.there.link = self.back.link = self
        self.near_wire.join(self.there, self.back)
        self.far_wire.join(self.back, self.there)

    def ends_at(self, host: Host) -> list[tuple[Lane, Lane]]:
        """For each end at `host`: the lane that it reads, and the one that it writes.

        A machine that dials itself has both.
        """
        near = [(self.back, self.there)] if host is self.near else []
        return [*near, (self.there, self.back)] if host is self.far else near

    def reset(self) -> None:
        """End it as a box on the way would: both ends are told."""
        self.near_wire.stream.reset()
        self.far_wire.stream.reset()

    def check(self) -> None:
        """Forget the ends that are over, and the link with the last of them."""
        for host in (self.near, self.far):
            if all(reads.forgotten for reads, _ in self.ends_at(host)):
                host.links.pop(self.number, None)
        if self.back.forgotten and self.there.forgotten:
            self._network.links.pop(self.number, None)


class Network:
    """Machines by name and address, the paths between them, and all links that have an end."""

    def __init__(self, clock: ManualClock, chance: Random, trace: Trace) -> None:
        self.clock = clock
        self.chance = chance
        self.trace = trace
        self.hosts: dict[str, Host] = {}
        self.links: dict[int, Link] = {}
        self.stalled: dict[Lane, None] = {}
        self.make_path: Callable[[Host, Host], Path] = lambda _source, _target: Path()
        self.carried: Callable[[Lane, bytes], None] = _nothing
        """Told of bytes that arrive."""
        self.dials = 0
        self._paths: dict[tuple[Host, Host], Path] = {}
        self._addresses: dict[str, Host] = {}
        self.opened = 0
        """Links, ever."""
        self._ports = _FIRST_PORT

    def now(self) -> float:
        """Virtual time in seconds."""
        return self.clock.monotonic()

    @staticmethod
    def on_failure(error: Exception) -> None:
        """A handler raised: the simulation ends here, in the call that moved the clock."""
        raise error

    # --- machines and ways -------------------------------------------------------

    def host(self, name: str, ip: str) -> Host:
        """Put up a machine, known by its name and its address; raises `ValueError` if it is none."""
        host = Host(self.clock, name, str(ip_address(ip)))
        self.hosts[name] = self._addresses[name] = self._addresses[ip] = host
        return host

    def path(self, source: Host, target: Host) -> Path:
        """The way from one machine to another; made by `make_path` when first asked for."""
        path = self._paths.get((source, target))
        if path is None:
            path = self._paths[source, target] = self.make_path(source, target)
        return path

    def cut(self, source: Host, target: Host) -> None:
        """Let nothing pass this way."""
        self.path(source, target).open = False

    def mend(self) -> None:
        """Let everything pass everywhere again, what stalled included."""
        for path in self._paths.values():
            path.open = True
        self.send_again()

    def calm(self) -> None:
        """Every path is as it was made: what is under way on a slow one comes at once."""
        for (source, target), path in self._paths.items():
            made = self.make_path(source, target)
            path.latency, path.rate = made.latency, made.rate
        for link in self.links.values():
            link.there.hurry()
            link.back.hurry()

    def send_again(self) -> None:
        """Some path may be open again: what stalled there is sent once more."""
        for lane in list(self.stalled):
            lane.again()

    def free_port(self) -> int:
        """The next number of an end that dialled."""
        self._ports = self._ports + 1 if self._ports < 65_535 else _FIRST_PORT
        return self._ports

    # --- ends of machines and links ------------------------------------------------

    def power_off(self, host: Host) -> None:
        """Let a machine vanish without a word."""
        host.halt()
        host.up = False
        for link in list(host.links.values()):
            for reads, _ in link.ends_at(host):
                reads.forget()

    def kill(self, host: Host) -> None:
        """End a machine's programs; its kernel closes their links, some with a reset."""
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
        """Give a machine power, and a new run of programs."""
        host.reboot()
        self.send_again()

    def between(self, one: Host, other: Host) -> list[Link]:
        """The links with an end at each of two machines."""
        return [link for link in one.links.values() if other in (link.near, link.far)]

    # --- dialling --------------------------------------------------------------------

    def dialer(self, host: Host) -> "Dialer":
        """What opens links from a machine, for the programs that run there now."""
        return Dialer(self, host)

    def connect(self, near: Host, far: Host, port: int) -> Link:
        """Make a link whose ends are not driven yet."""
        self.opened += 1
        link = Link(self, self.opened, near, far, port)
        self.links[link.number] = near.links[link.number] = far.links[link.number] = link
        return link

    def resolve(self, name: str) -> Host | None:
        """The machine of a name or an address."""
        return self._addresses.get(name)


def _nothing(_lane: Lane, _data: bytes) -> None:
    """Take no notice of what arrives."""
