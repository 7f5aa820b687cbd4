"""Host: the broker's interface for connections, sessions and the cluster."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Protocol

from ..closed_clients import PeerHistory
from ..connection_type import ConnectionType
from ..dataplane.seam import Plane
from ..events import EventSink
from ..fair_queue import FairQueue
from ..hooks.gate import HookGate
from ..interest.interest import Interest
from ..interest.subscription import Subscription
from ..limits import Limits
from ..peer_kind import PeerKind
from ..protocol.compatibility import Compatibility
from ..security.credentials import Gatekeeper, Identity
from ..timers import Scheduler
from .closing import Removals
from .deferred_flush import DeferredFlush
from .flow import Flow
from .greeting import Greeting
from .publish_meter import PublishMeter
from .slow_peers import SlowPeers

if TYPE_CHECKING:
    from .connection import Connection
    from .message_tracing import MessageTracing
    from .user_info import UserInfo


class Host(Protocol):
    """What connections, their sessions and the cluster ask of the broker."""

    @property
    def plane(self) -> Plane:
        """The data plane that all share."""
        ...

    @property
    def interest(self) -> Interest:
        """All subscriptions."""
        ...

    @property
    def compatibility(self) -> Compatibility:
        """Which server's wire clients find."""
        ...

    @property
    def limits(self) -> Limits:
        """The current limits: they may be replaced, so callers keep no copy."""
        ...

    @property
    def gatekeeper(self) -> Gatekeeper:
        """Judges clients."""
        ...

    @property
    def anonymous(self) -> Mapping[ConnectionType, Identity]:
        """The identity of clients without credentials, where a login is required but they may do without."""
        ...

    @property
    def hooks(self) -> HookGate | None:
        """Code of an operator that sees what clients do; None for the most servers."""
        ...

    @property
    def tracing(self) -> "MessageTracing | None":
        """Traces messages of clients; None where none are."""
        ...

    @property
    def user_info(self) -> "UserInfo | None":
        """Answers clients that ask for their user and permissions; None where this is not served."""
        ...

    @property
    def flow(self) -> Flow:
        """Flow control: waiting publishers and their receivers."""
        ...

    @property
    def slow(self) -> SlowPeers:
        """Receivers that are too slow, for those who watch."""
        ...

    @property
    def turns(self) -> FairQueue:
        """The time of the event loop."""
        ...

    @property
    def scheduler(self) -> Scheduler:
        """The clock, and calls that are due later."""
        ...

    @property
    def events(self) -> EventSink:
        """The log."""
        ...

    @property
    def greeting(self) -> Greeting:
        """INFO for clients."""
        ...

    @property
    def deferred(self) -> DeferredFlush:
        """Hands over what a flush had no time for."""
        ...

    @property
    def removals(self) -> Removals:
        """Takes the subscriptions of closed connections."""
        ...

    @property
    def history(self) -> PeerHistory:
        """What is kept of peers that were refused something, or have gone."""
        ...

    def next_number(self) -> int:
        """A number for a new connection; all kinds share a counter."""
        ...

    def subscriptions_of(self, kinds: Iterable[PeerKind]) -> Iterable[Mapping[bytes, Subscription]]:
        """What the peers of these kinds listen to, by sid, peer by peer."""
        ...

    def opened(self, connection: "Connection") -> None:
        """Its link may carry traffic: time runs for its peer; called at most once."""
        ...

    def meter_of(self, identity: Identity, connection: "Connection") -> PublishMeter | None:
        """What holds a connection of this client to its publish rate; None if it has none."""
        ...

    def login_due(self, connection: "Connection") -> None:
        """A client that needed no login needs one now: time runs for it."""
        ...

    def login_pending(self, connection: "Connection") -> None:
        """A client's CONNECT is complete, and its verdict to come: time runs for that from now on."""
        ...

    def client_in(self, connection: "Connection") -> None:
        """A client is let in for the first time."""
        ...

    def login_over(self, connection: "Connection") -> None:
        """A client's login has a verdict: no time runs for it any more."""
        ...

    def closed(self, connection: "Connection") -> None:
        """The connection is closed; called once."""
        ...

    def connection_lost(self) -> None:
        """A connection's wire is lost; called once for each that was accepted."""
        ...
