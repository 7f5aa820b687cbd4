"""Facts about routes, in gnatsd's words where it has any (cluster-protocol.md, section 11)."""

from dataclasses import dataclass

from app.domain.events import AddressEvent, Event, Level


@dataclass(frozen=True, slots=True)
class RouteDialling(Event):
    level = Level.DEBUG
    sentence = "Trying to connect to route on {self.address}"

    address: str


@dataclass(frozen=True, slots=True)
class RouteDialFailed(Event):
    level = Level.DEBUG
    sentence = "Error trying to connect to route: {self.reason}"

    reason: str


@dataclass(frozen=True, slots=True)
class RouteRetrying(Event):
    level = Level.DEBUG
    sentence = 'Attempting reconnect for solicited route "{self.url}"'

    url: str


@dataclass(frozen=True, slots=True)
class RouteServed(Event):
    """A URL need not be dialled: its server is reached through another route."""

    level = Level.DEBUG
    sentence = 'Not attempting reconnect for solicited route, already connected to "{self.server_id}"'

    server_id: str


@dataclass(frozen=True, slots=True)
class RouteToSelf(Event):
    level = Level.DEBUG
    sentence = 'Detected route to self, ignoring "{self.url}"'

    url: str


@dataclass(frozen=True, slots=True)
class RouteForgotten(Event):
    """A server that was learnt of has not been reached for long."""

    level = Level.DEBUG
    sentence = 'Giving up on route "{self.url}"'

    url: str


@dataclass(frozen=True, slots=True)
class RouteCreated(Event):
    level = Level.DEBUG
    sentence = "Route connection created"


@dataclass(frozen=True, slots=True)
class RouteConnectSent(Event):
    level = Level.DEBUG
    sentence = "Route connect msg sent"


@dataclass(frozen=True, slots=True)
class RouteRegistered(Event):
    level = Level.DEBUG
    sentence = 'Registering remote route "{self.server_id}"'

    server_id: str


@dataclass(frozen=True, slots=True)
class RouteDuplicate(Event):
    level = Level.DEBUG
    sentence = 'Detected duplicate remote route "{self.server_id}"'

    server_id: str


@dataclass(frozen=True, slots=True)
class RouteSilent(Event):
    """A server does not answer."""

    level = Level.DEBUG
    sentence = "Route is silent, its queue members are passed over"


@dataclass(frozen=True, slots=True)
class RouteHeard(Event):
    """A silent server has answered."""

    level = Level.DEBUG
    sentence = "Route is heard again"


@dataclass(frozen=True, slots=True)
class RouteSubscriptionsSent(Event):
    level = Level.DEBUG
    sentence = "Route sent local subscriptions"


@dataclass(frozen=True, slots=True)
class RouteErrorReceived(Event):
    """The peer said -ERR, and is closed."""

    level = Level.ERROR
    sentence = "Route Error {self.message}"

    message: str


@dataclass(frozen=True, slots=True)
class RouteRefused(Event):
    """A peer that cannot be a route of ours."""

    level = Level.ERROR
    sentence = "Route refused: {self.reason}"

    reason: str


@dataclass(frozen=True, slots=True)
class GossipIgnored(Event):
    """A peer told of a server that is not dialled."""

    level = Level.DEBUG
    sentence = "Gossip ignored: {self.reason}"

    reason: str


@dataclass(frozen=True, slots=True)
class RouteListening(AddressEvent):
    level = Level.INFO
    sentence = "Listening for route connections on {self.address}"


@dataclass(frozen=True, slots=True)
class RouteListenFailed(Event):
    """The number is the clients' port, as in gnatsd."""

    level = Level.FATAL
    sentence = "Error listening on router port: {self.client_port} - {self.reason}"

    client_port: int
    reason: str
