"""A host of the simulated network: its programs freeze and stop with it."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from app.adapters.clock_manual import ManualClock
from app.adapters.faults.rule_book import RuleBook
from app.ports.clock import Clock, Timer
from app.ports.transport import Acceptor

if TYPE_CHECKING:
    from tests.simulation.network import NetworkLink


class HostClock(Clock):
    """The clock of one run of a host's programs.

    While the host is frozen, due calls wait; they are made in order when it continues, as
    with SIGSTOP and SIGCONT. After the run no call is made.
    """

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self._held: list[Callable[[], None]] = []
        self._frozen = False
        self._over = False
        self.outstanding = 0
        """Number of timers that are neither run nor cancelled."""

    def time(self) -> float:
        """Seconds since the epoch."""
        return self._clock.time()

    def monotonic(self) -> float:
        """Seconds since the beginning of the simulation."""
        return self._clock.monotonic()

    def call_soon(self, call: Callable[[], None]) -> None:
        """Make the call once, after the current one."""
        self._clock.call_soon(partial(self.run, call))

    def input_waits(self) -> bool:
        """Whether anything at all is about to happen, here or at another host."""
        return self._clock.input_waits()

    def call_later(self, delay: float, call: Callable[[], None]) -> Timer:
        """Make the call once, after `delay` seconds."""
        self.outstanding += 1
        timer = _HostTimer(self, call)
        timer.due = self._clock.call_later(delay, timer.fire)
        return timer

    def run(self, call: Callable[[], None]) -> None:
        """Make a due call: now, or after the freeze, or never."""
        if self._frozen:
            self._held.append(call)
        elif not self._over:
            call()

    def freeze(self) -> None:
        """Make no calls until `thaw`."""
        self._frozen = True

    def thaw(self) -> None:
        """Make the calls that waited, and continue."""
        self._frozen = False
        held, self._held = self._held, []
        for call in held:
            self.call_soon(call)

    def stop(self) -> None:
        """End this run; its timers never fire."""
        self._over = True
        self._frozen = False
        self._held = []
        self.outstanding = 0

    @property
    def frozen(self) -> bool:
        """Whether calls wait."""
        return self._frozen

    @property
    def over(self) -> bool:
        """Whether the run is over."""
        return self._over


class _HostTimer(Timer):
    """One timer of a run."""

    __slots__ = ("_call", "_clock", "due")

    due: Timer

    def __init__(self, clock: HostClock, call: Callable[[], None]) -> None:
        self._clock = clock
        self._call: Callable[[], None] | None = call

    def fire(self) -> None:
        """Run the call, if it is not cancelled."""
        self._clock.run(self._make)

    def cancel(self) -> None:
        if self._take() is not None:
            self.due.cancel()

    def _make(self) -> None:
        call = self._take()
        if call is not None:
            call()

    def _take(self) -> Callable[[], None] | None:
        call, self._call = self._call, None
        if call is not None and not self._clock.over:
            self._clock.outstanding -= 1
        return call


class Host:
    """A host with a name, an address, listeners, and the ends of its links.

    To the rules of another host it is a `FaultPeer` at the end of a route, by its name.
    """

    cid = 0
    is_route = True
    user = ""
    is_running = True

    def __init__(self, clock: ManualClock, name: str, ip: str) -> None:
        self.name = self.server_id = name
        self.ip = ip
        self.faults = RuleBook()
        """What goes wrong with what it sends."""
        self.up = True
        """Whether it has power; without power it answers nothing."""
        self.listeners: dict[int, Acceptor] = {}
        """By port."""
        self.links: dict[int, NetworkLink] = {}
        """Links with an end at this host that its kernel knows, by number."""
        self._wall = clock
        self.clock = HostClock(clock)

    def queue_of(self, _sid: bytes) -> str:
        """A network knows no subscriptions."""
        return ""

    def reboot(self) -> None:
        """Power on, and begin a new run of programs."""
        self.clock.stop()
        self.clock = HostClock(self._wall)
        self.up = True

    def halt(self) -> None:
        """End the programs: their calls are dropped, and their listeners are closed."""
        self.clock.stop()
        self.listeners.clear()

    def __repr__(self) -> str:
        return self.name
