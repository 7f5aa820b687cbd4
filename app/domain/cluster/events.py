"""Facts about routes, in gnatsd's words where it has any (cluster-protocol.md, section 11)."""

from ..events import AddressEvent, Event, Level
from ..value_object import value_object


@value_object
class RouteDialling(Event):
    """A server is dialled."""

    level = Level.DEBUG
    sentence = "Trying to connect to route on {self.address}"

    address: str


@value_object
class RouteDialFailed(Event):
    """A dial led to no link."""

    level = Level.DEBUG
    sentence = "Error trying to connect to route: {self.reason}"

    reason: str


@value_object
class RouteRetrying(Event):
    """A server is dialled again."""

    level = Level.DEBUG
    sentence = 'Attempting reconnect for solicited route "{self.url}"'

    url: str


@value_object
class RouteServed(Event):
    """A URL need not be dialled: its server is reached through another route."""

    level = Level.DEBUG
    sentence = 'Not attempting reconnect for solicited route, already connected to "{self.server_id}"'

    server_id: str


@value_object
class RouteToSelf(Event):
    """A dial led to this server itself."""

    level = Level.DEBUG
    sentence = 'Detected route to self, ignoring "{self.url}"'

    url: str


@value_object
class RouteForgotten(Event):
    """A discovered server has not been reached for a long time."""

    level = Level.DEBUG
    sentence = 'Giving up on route "{self.url}"'

    url: str


@value_object
class RouteCreated(Event):
    """A link to another server is open; it is not a route yet."""

    level = Level.DEBUG
    sentence = "Route connection created"


@value_object
class RouteConnectSent(Event):
    """Our CONNECT went out on a link that we dialled."""

    level = Level.DEBUG
    sentence = "Route connect msg sent"


@value_object
class RouteRegistered(Event):
    """The peer has introduced itself and belongs to the cluster."""

    level = Level.DEBUG
    sentence = 'Registering remote route "{self.server_id}"'

    server_id: str


@value_object
class RouteUp(Event):
    """A route has lasted for a moment; both servers use it from now on."""

    level = Level.INFO
    sentence = 'Route to "{self.server}" is up, {self.direction}'

    server: str
    """The peer's name, or its id."""
    solicited: bool

    @property
    def direction(self) -> str:
        """Who dialled whom."""
        return "dialled by this server" if self.solicited else "dialled by the other server"


@value_object
class RouteDown(Event):
    """A route that was up is lost."""

    level = Level.INFO
    sentence = 'Route to "{self.server}" is down: {self.reason}'

    server: str
    reason: str


@value_object
class RouteUnreachable(Event):
    """A configured route could not be made, for the 1st, 2nd, 4th, 8th … time in a row."""

    level = Level.INFO
    sentence = "Route to {self.address} cannot be reached: {self.reason} (attempt {self.attempts})"

    address: str
    reason: str
    attempts: int


@value_object
class RouteReached(Event):
    """There is a route to a configured address again, or at last."""

    level = Level.INFO
    sentence = "Route to {self.address} is reached, failed attempts before: {self.attempts}"

    address: str
    attempts: int


@value_object
class RouteDuplicate(Event):
    """A second route led to a server that has one, and is closed."""

    level = Level.DEBUG
    sentence = 'Detected duplicate remote route "{self.server_id}"'

    server_id: str


@value_object
class RouteSilent(Event):
    """A server does not answer."""

    level = Level.INFO
    sentence = "Route is silent, its queue members are skipped"


@value_object
class RouteHeard(Event):
    """A silent server has answered."""

    level = Level.INFO
    sentence = "Route answers again"


@value_object
class RouteSubscriptionsSent(Event):
    """A new route has been sent all local subscriptions."""

    level = Level.DEBUG
    sentence = "Route sent local subscriptions"


@value_object
class RouteErrorReceived(Event):
    """The peer sent -ERR, and is closed."""

    level = Level.ERROR
    sentence = "Route Error {self.message}"

    message: str


@value_object
class RouteRefused(Event):
    """A peer is refused as a route."""

    level = Level.ERROR
    sentence = "Route refused: {self.reason}"

    reason: str


@value_object
class GossipIgnored(Event):
    """A peer sent INFO of a server that is not dialled."""

    level = Level.DEBUG
    sentence = "Gossip ignored: {self.reason}"

    reason: str


@value_object
class RouteListening(AddressEvent):
    """Other servers can connect at this address."""

    level = Level.INFO
    sentence = "Listening for route connections on {self.address}"


@value_object
class RouteListenFailed(AddressEvent):
    """gnatsd names the clients' port here."""

    level = Level.FATAL
    sentence = "Error listening on router port: {self.address} - {self.reason}"

    reason: str


@value_object
class RouteLeaving(Event):
    """The peer is in lame duck mode: its clients go elsewhere, and the route will end."""

    level = Level.INFO
    sentence = "Server {self.server} has entered lame duck mode"

    server: str
