"""A machine of the simulated network: what runs on it stops with it, and stands still with it."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from app.adapters.clock_manual import ManualClock
from app.ports.clock import Clock, Timer
from app.ports.transport import Acceptor

if TYPE_CHECKING:
    from tests.simulation.network import Link


class HostClock(Clock):
    """Time as one run of a machine's programs sees it.

    While the machine is frozen, calls that fall due wait; they are made in their order
    when it thaws, as after SIGSTOP and SIGCONT. When the run is over, none is made.
    """

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self._held: list[Callable[[], None]] = []
        self._frozen = False
        self._over = False
        self.outstanding = 0
        """Timers that are neither run nor cancelled."""

    def time(self) -> float:
        """Seconds since the epoch."""
        return self._clock.time()

    def monotonic(self) -> float:
        """Seconds since the beginning of the simulation."""
        return self._clock.monotonic()

    def call_soon(self, call: Callable[[], None]) -> None:
        """Make the call once, after the current one."""
        self._clock.call_soon(partial(self.run, call))

    def call_later(self, delay: float, call: Callable[[], None]) -> Timer:
        """Make the call once, after so many seconds."""
        self.outstanding += 1
        timer = _HostTimer(self, call)
        timer.due = self._clock.call_later(delay, timer.fire)
        return timer

    def run(self, call: Callable[[], None]) -> None:
        """Make a call that is due: now, or after the thaw, or never."""
        if self._frozen:
            self._held.append(call)
        elif not self._over:
            call()

    def freeze(self) -> None:
        """Make no call from now on."""
        self._frozen = True

    def thaw(self) -> None:
        """Make the calls that waited, and go on."""
        self._frozen = False
        held, self._held = self._held, []
        for call in held:
            self.call_soon(call)

    def stop(self) -> None:
        """End this run: what it planned never happens."""
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
        """Its time has come."""
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
    """A machine with a name, an address, listeners, and the ends of its links."""

    def __init__(self, clock: ManualClock, name: str, ip: str) -> None:
        self.name = name
        self.ip = ip
        self.up = True
        """Whether it has power: a machine without answers nothing, not even with a refusal."""
        self.listeners: dict[int, Acceptor] = {}
        """By port."""
        self.links: dict[int, Link] = {}
        """Links with an end here that its kernel knows, by their numbers."""
        self._wall = clock
        self.clock = HostClock(clock)

    def reboot(self) -> None:
        """Begin a new run of programs, with power."""
        self.clock.stop()
        self.clock = HostClock(self._wall)
        self.up = True

    def halt(self) -> None:
        """End the programs: no call of theirs is made any more, nobody listens."""
        self.clock.stop()
        self.listeners.clear()

    def __repr__(self) -> str:
        return self.name
