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

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from random import Random

from app.adapters.clock_manual import ManualClock
from app.adapters.net_memory import MemoryWire, Pipe
from app.domain.connection import Peer
from app.ports.clock import Timer
from app.ports.transport import DIAL_SECONDS, Acceptor
from tests.simulation.host import Host, HostClock
from tests.simulation.trace import Trace

RETRANSMIT_SECONDS = 0.5
"""Within this time after a way is mended, what stalled on it is sent again."""

_SMALL_READS = 3

_ROUNDING = 2e-9
_FIRST_PORT = 40_000


class _Mark(Enum):
    """What travels besides bytes."""

    OPEN = auto()
    """The dialler has its answer: the other end may be accepted."""
    END = auto()
    RESET = auto()


@dataclass(slots=True)
class Path:
    """The way from one machine to another; may be changed at any time. Seconds and bytes."""

    latency: float = 0.001
    jitter: float = 0.0
    """At most so much is added to the latency."""
    rate: float = 0.0
    """Bytes per second of each link; 0 for no bound."""
    capacity: int = 256 * 1024
    """Bytes of one direction that count as passed on, when a link is made."""
    grain: int = 0
    """Most bytes that one of the first reads of an arrival gets; 0 for no bound."""
    open: bool = True


class Lane(Pipe):
    """One direction of a link, from a writer to a reader on another machine."""

    __slots__ = (
        "_arrived_end",
        "_free_at",
        "_latest",
        "_network",
        "_next",
        "_queue",
        "_sent_at",
        "_shut",
        "_small_reads",
        "_started",
        "_travelling",
        "_under_way",
        "carried",
        "link",
        "path",
        "source",
        "target",
        "way",
    )

    link: "Link"

    def __init__(
        self, network: "Network", writer: MemoryWire, reader: MemoryWire, source: Host, target: Host
    ) -> None:
        self.path = network.path(source, target)
        super().__init__(self.path.capacity, writer, reader)
        self._network = network
        self.source = source
        self.target = target
        self.way = f"{source.name}>{target.name}"
        self._queue: deque[tuple[float, bytes | _Mark]] = deque()
        self._travelling = False
        """Whether a call for the next arrival is due, or the lane is stalled."""
        self._next: Timer | None = None
        self._under_way = 0
        self._sent_at = -1.0
        self._free_at = 0.0
        self._latest = 0.0
        self._shut = False
        self._arrived_end = False
        self._started: Callable[[], None] | None = None
        self._small_reads = 0
        self.carried = 0
        """Bytes that arrived, ever."""

    # --- the writer's side -----------------------------------------------------

    @property
    def pending(self) -> int:
        """Bytes that the writer still answers for."""
        return max(0, self._under_way + len(self._data) - self._capacity)

    @property
    def under_way(self) -> int:
        """Bytes that were passed on, and not read yet."""
        return self.unread - self.pending

    @property
    def unread(self) -> int:
        """Bytes written and not read yet."""
        return self._under_way + len(self._data)

    @property
    def shut(self) -> bool:
        """Whether the writer sent its end, or ended."""
        return self._shut

    def put(self, data: bytes) -> None:
        """Send bytes on their way."""
        self._under_way += len(data)
        self._launch(data, len(data))

    def finish(self) -> None:
        """Send the end of file behind them."""
        self._shut = True
        self._launch(_Mark.END, 0)

    def cut(self) -> None:
        """Send a reset; what has not left yet is lost. Where nothing passes, so is the reset."""
        self._shut = True
        if self._stalled or not self._passable:
            self._drop()
            return
        horizon = self._network.now() + self.path.latency + self.path.jitter
        while self._queue and self._queue[-1][0] > horizon:
            self._forget(self._queue.pop()[1])
        if self._queue:
            self._latest = self._queue[-1][0]
        self._launch(_Mark.RESET, 0)

    def open(self, started: Callable[[], None]) -> None:
        """Let the reader's end be accepted when the news arrives."""
        self._started = started
        self._launch(_Mark.OPEN, 0)

    # --- the reader's side -----------------------------------------------------

    @property
    def finished(self) -> bool:
        """Whether the end of file has arrived."""
        return self._arrived_end

    @property
    def forgotten(self) -> bool:
        """Whether nobody reads here any more."""
        return self._refused

    def take(self, room: memoryview) -> int:
        """Read as much as fits, or as the path grants."""
        if self._small_reads:
            self._small_reads -= 1
            room = room[: self.path.grain]
        return super().take(room)

    def refuse(self) -> None:
        """The reader's end is over: what still comes is answered with a reset."""
        if not self._refused:
            unread = bool(self._data)
            self.forget()
            if unread:
                self._answer_with_reset()

    def forget(self) -> None:
        """The reader's end is over, and its machine says nothing about it for now."""
        self._refused = True
        self._data.clear()
        self.link.check()

    # --- on the way ------------------------------------------------------------

    @property
    def _passable(self) -> bool:
        return self.path.open and self.target.up

    @property
    def _stalled(self) -> bool:
        return self in self._network.stalled

    def _launch(self, item: bytes | _Mark, size: int) -> None:
        network, path = self._network, self.path
        now = network.now()
        if now == self._sent_at and not path.rate:
            arrival = self._latest  # written in the same instant: it travels along
        else:
            departure = max(now, self._free_at) + (size / path.rate if path.rate else 0.0)
            self._free_at = departure
            delay = path.latency + (path.jitter * network.chance.random() if path.jitter else 0.0)
            arrival = max(departure + delay, self._latest)
        self._sent_at = now
        self._latest = arrival
        self._queue.append((arrival, item))
        if not self._travelling:
            self._travelling = True
            self._next = network.clock.call_later(arrival - now, self._arrive)

    def hurry(self) -> None:
        """The path is no longer slow: what is under way comes at once."""
        if not self._queue or self._stalled:
            return
        now = self._network.now()
        self._free_at = now
        self._latest = min(self._latest, now + self.path.latency)
        self._queue = deque((min(arrival, self._latest), item) for arrival, item in self._queue)
        if self._next is not None:
            self._next.cancel()
        self._next = self._network.clock.call_later(self._queue[0][0] - now, self._arrive)

    def again(self) -> None:
        """The way is mended: send again what stalled."""
        if self._passable:
            del self._network.stalled[self]
            delay = RETRANSMIT_SECONDS * self._network.chance.random()
            self._next = self._network.clock.call_later(delay, self._arrive)

    def _arrive(self) -> None:
        if not self._queue:  # dropped meanwhile
            self._travelling = False
            return
        if not self._passable:
            self._network.stalled[self] = None
            return
        now = self._network.now()
        limit = now + _ROUNDING
        data: list[bytes] = []
        marks: list[_Mark] = []
        queue = self._queue
        while queue and queue[0][0] <= limit:
            item = queue.popleft()[1]
            if isinstance(item, bytes):
                data.append(item)
            else:
                marks.append(item)
        self._travelling = bool(queue)
        if queue:
            self._next = self._network.clock.call_later(queue[0][0] - now, self._arrive)
        self._hand_over(data, marks)

    def _hand_over(self, data: list[bytes], marks: list[_Mark]) -> None:
        """Bytes come after the news of the opening, and before an end."""
        chunk = data[0] if len(data) == 1 else b"".join(data)
        self._under_way -= len(chunk)
        if self._refused:
            if _Mark.RESET not in marks:
                self._answer_with_reset()
            return
        if _Mark.OPEN in marks and self._started is not None:
            self.target.clock.run(self._started)
            self._started = None
        if chunk:
            self.carried += len(chunk)
            self._network.trace.carried(self.way, chunk)
            self._network.carried(self, chunk)
        if _Mark.RESET in marks:
            self._network.trace.note(self.way, "reset")
            self._data.clear()
            self._reader.reset()
            return
        self._data += chunk
        self._small_reads = _SMALL_READS if self.path.grain else 0
        if _Mark.END in marks:
            self._network.trace.note(self.way, "end")
            self._arrived_end = True
        self._reader.readable()

    def _answer_with_reset(self) -> None:
        """Tell the writer that nobody reads; the news may get lost."""
        back = self._network.path(self.target, self.source)
        if back.open and self.source.up and self.target.up:
            self._network.clock.call_later(back.latency, self._writer.reset)

    def _drop(self) -> None:
        if self._started is not None:  # the other end never learnt that it was to begin
            self._started = None
            self.forget()
        self._network.stalled.pop(self, None)
        self._queue.clear()
        self._under_way = 0
        self._travelling = False

    def _forget(self, item: bytes | _Mark) -> None:
        if isinstance(item, bytes):
            self._under_way -= len(item)


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
        self.there = Lane(network, self.near_wire, self.far_wire, near, far)
        self.back = Lane(network, self.far_wire, self.near_wire, far, near)
        self.there.link = self.back.link = self
        self.near_wire.join(self.there, self.back)
        self.far_wire.join(self.back, self.there)

    def ends_of(self, host: Host) -> tuple[Lane, Lane]:
        """The lane that `host` reads, and the one it writes."""
        return (self.back, self.there) if host is self.near else (self.there, self.back)

    def reset(self) -> None:
        """End it as a box on the way would: both ends are told."""
        self.near_wire.reset()
        self.far_wire.reset()

    def check(self) -> None:
        """Forget the ends that are over, and the link with the last of them."""
        if self.back.forgotten:
            self.near.links.pop(self.number, None)
        if self.there.forgotten:
            self.far.links.pop(self.number, None)
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
        """Put up a machine, known by its name and its address."""
        host = Host(self.clock, name, ip)
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
            link.ends_of(host)[0].forget()

    def kill(self, host: Host) -> None:
        """End a machine's programs; its kernel closes their links, some with a reset."""
        host.halt()
        for link in list(host.links.values()):
            reads, writes = link.ends_of(host)
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


class Dialer:
    """Opens links from one machine."""

    def __init__(self, network: Network, host: Host) -> None:
        self._network = network
        self._host = host

    def dial(self, host: str, port: int, acceptor: Acceptor, refused: Callable[[str], None]) -> None:
        """Open a link; later, exactly one of `acceptor` and `refused` is called."""
        self._network.dials += 1
        target = self._network.resolve(host)
        if target is None:
            self._host.clock.call_soon(partial(refused, f"no such host: {host}"))
            return
        _Attempt(self._network, self._host, (target, port), acceptor, refused).begin()

    def close(self) -> None:
        """Nothing to give up: what a host dials ends with its programs."""


class _Attempt:
    """One dial: a question travels, an answer travels, or time runs out."""

    __slots__ = ("_acceptor", "_network", "_over", "_port", "_refused", "_source", "_target", "_timer")

    def __init__(
        self,
        network: Network,
        source: Host,
        destination: tuple[Host, int],
        acceptor: Acceptor,
        refused: Callable[[str], None],
    ) -> None:
        self._network = network
        self._source = source
        self._target, self._port = destination
        self._acceptor = acceptor
        self._refused = refused
        self._over = False
        self._timer = source.clock.call_later(DIAL_SECONDS, partial(self._give_up, "i/o timeout"))

    def begin(self) -> None:
        """Send the question."""
        self._travel(self._source, self._target, self._ask)

    def _travel(self, source: Host, target: Host, then: Callable[[], None]) -> None:
        path = self._network.path(source, target)
        if path.open:
            jitter = path.jitter * self._network.chance.random() if path.jitter else 0.0
            self._network.clock.call_later(path.latency + jitter, then)

    def _ask(self) -> None:
        if not self._target.up:
            return
        known = self._port in self._target.listeners
        answer = partial(self._establish, self._target.clock) if known else self._be_refused
        self._travel(self._target, self._source, partial(self._source.clock.run, answer))

    def _be_refused(self) -> None:
        self._give_up("connection refused")

    def _give_up(self, reason: str) -> None:
        if not self._over:
            self._over = True
            self._timer.cancel()
            self._network.trace.note(self._way, reason)
            self._refused(reason)

    def _establish(self, answered: HostClock) -> None:
        """The answer came from one run of the machine, which may be over."""
        if self._over:
            return
        self._over = True
        self._timer.cancel()
        link = self._network.connect(self._source, self._target, self._port)
        self._network.trace.note(self._way, f"link {link.number} to port {self._port}")
        if answered.over:
            link.there.forget()
        link.there.open(partial(self._be_accepted, link))
        link.near_wire.start(self._acceptor)

    def _be_accepted(self, link: Link) -> None:
        acceptor = self._target.listeners.get(self._port)
        if acceptor is None:
            link.far_wire.abort()
        else:
            link.far_wire.start(acceptor)

    @property
    def _way(self) -> str:
        return f"{self._source.name}>{self._target.name}"


def _nothing(_lane: Lane, _data: bytes) -> None:
    """Take no notice of what arrives."""
