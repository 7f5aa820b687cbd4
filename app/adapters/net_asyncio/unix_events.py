"""Facts about unix sockets for the event log."""

from ...domain.events import Event, Level
from ...domain.value_object import value_object


@value_object
class UnixListening(Event):
    """Clients can connect to the unix socket at this path."""

    level = Level.INFO
    sentence = "Listening for client connections on unix://{self.path}"

    path: str


@value_object
class UnixListenFailed(Event):
    """The unix socket cannot be opened; the server ends."""

    level = Level.FATAL
    sentence = 'Error listening on unix socket: {self.path}, "{self.reason}"'

    path: str
    reason: str
