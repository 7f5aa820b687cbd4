"""A broker in virtual time, with fake wires."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from app.adapters.auth.authenticators import AllowAll
from app.adapters.clock_manual import ManualClock
from app.domain.broker import Broker
from app.domain.broker_needs import Membership, Needs
from app.domain.connection_type import ConnectionType
from app.domain.dataplane.seam import MakePlane
from app.domain.hooks.gate import HookCaller, HookGate, HookTerms
from app.domain.leaf.settings import LeafNeeds
from app.domain.limits import Limits
from app.domain.protocol.compatibility import Compatibility
from app.domain.protocol.encode import ServerInfo
from app.domain.security.credentials import Gatekeeper, Identity
from app.domain.sessions.connection import Connection
from app.ports.transport import Acceptor
from tests.fakes.event_log import RecordingEventLog
from tests.fakes.wire import ADDRESS, FakeWire

INFO = ServerInfo(
    server_id="0123456789ABCDEFGHIJKL",
    version="0.8.0",
    go="test",
    host="0.0.0.0",  # noqa: S104 - a name in a greeting; nothing is bound
    port=4222,
    auth_required=False,
    tls_required=False,
    tls_verify=False,
    max_payload=1_048_576,
)
QUIET = b'CONNECT {"verbose":false,"pedantic":false}\r\n'


@dataclass(frozen=True, slots=True)
class BrokerSetup:
    """The identity, cluster, clock and seed of a broker."""

    info: ServerInfo = INFO
    membership: Membership | None = None
    clock: ManualClock = field(default_factory=ManualClock)
    seed: int = 1
    compatibility: Compatibility = Compatibility.GNATSD
    make_nonce: Callable[[], str] | None = None
    anonymous: Mapping[ConnectionType, Identity] = field(default_factory=dict)
    hooks: tuple[HookTerms, HookCaller] | None = None
    leaves: LeafNeeds | None = None


class VirtualClient:
    """A client as the test plays it: what it sends, and what it heard."""

    def __init__(self, owner: "VirtualBroker", connection: Connection, wire: FakeWire) -> None:
        self._owner = owner
        self.connection = connection
        self.wire = wire

    def send(self, data: bytes, size: int | None = None) -> None:
        """Send `data`, in reads of at most `size` bytes, and let the broker come to rest."""
        self.wire.feed(data, size)
        self._owner.settle(size)

    def heard(self) -> bytes:
        """What the broker sent since the last call."""
        return self.wire.heard()

    def ask(self, data: bytes, size: int | None = None) -> bytes:
        """Send, and hear."""
        self.send(data, size)
        return self.heard()

    def leave(self) -> None:
        """End the link without a word."""
        self.wire.lose()
        self._owner.settle()


class VirtualBroker:
    """A broker on a `ManualClock`; nothing happens but what a test asks for.

    Debug and trace facts are recorded only if the events it is given want them.
    """

    def __init__(
        self,
        make_plane: MakePlane,
        limits: Limits | None = None,
        *,
        gatekeeper: Gatekeeper | None = None,
        events: RecordingEventLog | None = None,
        setup: BrokerSetup | None = None,
    ) -> None:
        setup = setup or BrokerSetup()
        self.clock = setup.clock
        self.events = events or RecordingEventLog(debug=False, trace=False)
        self.limits = limits or Limits()
        needs = Needs(
            make_plane,
            setup.seed,
            self.clock,
            gatekeeper or AllowAll(),
            self.events,
            make_nonce=setup.make_nonce,
            anonymous=setup.anonymous,
            hooks=HookGate(*setup.hooks, self.clock, self.events) if setup.hooks is not None else None,
            wall=(lambda: 10**18) if setup.compatibility is Compatibility.CURRENT else None,
            leaves=setup.leaves,
        )
        self.broker = Broker(
            self.limits, setup.info, needs, setup.membership, compatibility=setup.compatibility
        )
        self.clients: list[VirtualClient] = []
        self._next_port = 4000

    def accept(self, *, opened: bool = True) -> VirtualClient:
        """A new client that has not read its INFO yet; its link is opened by default."""
        wire = self.wire()
        client = VirtualClient(self, self.drive(wire, self.broker.accept, opened=opened), wire)
        self.clients.append(client)
        return client

    def wire(self, ip: str = ADDRESS) -> FakeWire:
        """A new link from `ip`, and from a port of its own."""
        self._next_port += 1
        return FakeWire(self._next_port - 1, ip)

    @staticmethod
    def drive(wire: FakeWire, acceptor: Acceptor, *, opened: bool = True) -> Connection:
        """Give the link to the broker, as a transport does."""
        handler = acceptor(wire)
        assert isinstance(handler, Connection)
        wire.handler = handler
        if opened and not wire.is_over:
            handler.opened()
        return handler

    def connect(self, *, quiet: bool = False) -> VirtualClient:
        """A new client after its INFO; a quiet one has switched off +OK and pedantic mode."""
        client = self.accept()
        client.heard()
        if quiet:
            assert b"" == client.ask(QUIET)
        return client

    def settle(self, size: int | None = None) -> None:
        """Make all calls that are due now, and read all that can be read."""
        moved = True
        while moved:
            self.clock.run_pending()
            moved = sum(client.wire.pump(size) for client in self.clients) > 0
            moved = moved or self.clock.calls_pending > 0

    def advance(self, seconds: float) -> None:
        """Let time pass, and the broker come to rest."""
        self.clock.advance(seconds)
        self.settle()
