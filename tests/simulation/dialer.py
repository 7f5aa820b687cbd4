"""The dialer: a request travels to a host, and an answer, or none, comes back."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from app.ports.transport import DIAL_SECONDS, Acceptor
from tests.simulation.host import Host, HostClock

if TYPE_CHECKING:
    from tests.simulation.network import Network, NetworkLink


class SimulatedDialer:
    """Opens links from one host. Implements `Dialer`."""

    def __init__(self, network: "Network", host: Host) -> None:
        self._network = network
        self._host = host

    def dial(self, host: str, port: int, acceptor: Acceptor, refused: Callable[[str], None]) -> None:
        """Open a link; exactly one of `acceptor` and `refused` is called later."""
        self._network.dials += 1
        target = self._network.resolve(host)
        if target is None:
            self._host.clock.call_soon(partial(refused, f"no such host: {host}"))
            return
        _Attempt(self._network, self._host, (target, port), acceptor, refused).begin()

    def close(self) -> None:
        """Nothing to do: the dials of a host end with its programs."""


class _Attempt:
    """One dial: a request, then an answer or a timeout."""

    __slots__ = (
        "_acceptor",
        "_clock",
        "_network",
        "_over",
        "_port",
        "_refused",
        "_source",
        "_target",
        "_timer",
    )

    def __init__(
        self,
        network: "Network",
        source: Host,
        destination: tuple[Host, int],
        acceptor: Acceptor,
        refused: Callable[[str], None],
    ) -> None:
        self._network = network
        self._source = source
        self._clock = source.clock  # of the current run of the host: the next run has no part in it
        self._target, self._port = destination
        self._acceptor = acceptor
        self._refused = refused
        self._over = False
        self._timer = self._clock.call_later(DIAL_SECONDS, partial(self._fail, "i/o timeout"))

    def begin(self) -> None:
        """Send the request."""
        self._travel(self._source, self._target, self._arrive)

    def _travel(self, source: Host, target: Host, then: Callable[[], None]) -> None:
        path = self._network.path(source, target)
        if self._network.passes(source, target):
            jitter = path.jitter * self._network.chance.random() if path.jitter else 0.0
            self._network.clock.call_later(path.latency + jitter, then)

    def _arrive(self) -> None:
        if not self._target.up:
            return
        known = self._port in self._target.listeners
        answer = partial(self._establish, self._target.clock) if known else self._be_refused
        self._travel(self._target, self._source, partial(self._clock.run, answer))

    def _be_refused(self) -> None:
        self._fail("connection refused")

    def _fail(self, reason: str) -> None:
        if not self._over:
            self._over = True
            self._timer.cancel()
            self._network.trace.note(self._label, reason)
            self._refused(reason)

    def _establish(self, answered: HostClock) -> None:
        """The answer came from one run of the host, which may be over."""
        if self._over:
            return
        self._over = True
        self._timer.cancel()
        link = self._network.connect(self._source, self._target, self._port)
        self._network.trace.note(self._label, f"link {link.number} to port {self._port}")
        if answered.over:
            link.there.forget()
        link.there.open(partial(self._be_accepted, link))
        link.near_wire.start(self._acceptor)

    def _be_accepted(self, link: "NetworkLink") -> None:
        acceptor = self._target.listeners.get(self._port)
        if acceptor is None:
            link.far_wire.abort()
        else:
            link.far_wire.start(acceptor)

    @property
    def _label(self) -> str:
        return f"{self._source.name}>{self._target.name}"
