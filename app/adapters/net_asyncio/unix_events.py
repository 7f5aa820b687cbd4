"""Facts about unix sockets for the event log."""

from dataclasses import dataclass

from ...domain.events import Event, Level


@dataclass(frozen=True, slots=True)
class UnixListening(Event):
    """Clients can connect to the unix socket at this path."""

    level = Level.INFO
    sentence = "Listening for client connections on unix://{self.path}"

    path: str


@dataclass(frozen=True, slots=True)
class UnixListenFailed(Event):
    """The unix socket cannot be opened; the server ends."""

    level = Level.FATAL
    sentence = 'Error listening on unix socket: {self.path}, "{self.reason}"'

    path: str
    reason: str
