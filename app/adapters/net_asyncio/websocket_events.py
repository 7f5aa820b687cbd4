"""Facts about websockets for the event log."""

from ...domain.address import joined
from ...domain.events import Event, Level
from ...domain.value_object import value_object


@value_object
class WebsocketRefused(Event):
    """A peer at the websocket address got no websocket; its link was closed."""

    level = Level.ERROR
    sentence = "websocket handshake error: {self.peer}: {self.reason}"

    peer: str
    reason: str


@value_object
class WebsocketBroken(Event):
    """What came in on an open websocket breaks the rules; it was closed with a status that says so."""

    level = Level.ERROR
    sentence = "websocket error: {self.reason}"

    reason: str


@value_object
class WebsocketListening(Event):
    """Clients can connect over websockets at this address."""

    level = Level.INFO
    sentence = "Listening for websocket clients on {self.scheme}://{self.address}"

    host: str
    port: int
    scheme: str

    @property
    def address(self) -> str:
        """Host and port."""
        return joined(self.host, self.port)
