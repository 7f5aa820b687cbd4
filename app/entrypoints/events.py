"""Events of the server's process and configuration."""

from ..domain.events import Event, Level
from ..domain.value_object import value_object


@value_object
class ServerStarting(Event):
    """The program has begun, with this version."""

    level = Level.INFO
    sentence = "Starting nats-server version {self.version}"

    version: str


@value_object
class RuntimeChosen(Event):
    """Which program, interpreter, event loop and data plane this process runs."""

    level = Level.INFO
    sentence = (
        "Running {self.program} on {self.runtime}, event loop {self.event_loop}, data plane {self.data_plane}"
    )

    program: str
    """The name of this server and its own version; that of the protocol is another one."""
    runtime: str
    event_loop: str
    data_plane: str


@value_object
class ServerIdentified(Event):
    """The server has chosen its id."""

    level = Level.DEBUG
    sentence = "Server id is {self.server_id}"

    server_id: str


@value_object
class SignalTrapped(Event):
    """A signal of the system came in."""

    level = Level.DEBUG
    sentence = "Trapped Signal; {self.signal}"

    signal: str


@value_object
class MonitorListenFailed(Event):
    """The port for monitoring cannot be opened; the server ends."""

    level = Level.FATAL
    sentence = "Can't listen to the monitor port: {self.reason}"

    reason: str


@value_object
class ConfigurationQuestioned(Event):
    """An option has no effect. There is no level of warnings between ERR and INF."""

    level = Level.ERROR
    sentence = "{self.problem}"
    bounded = False

    problem: str


@value_object
class StartFailed(Event):
    """The last line of a server that could not start."""

    level = Level.FATAL
    sentence = "{self.reason}"

    reason: str


@value_object
class PortsFileFailed(Event):
    """Programs that look for the file do not find this server."""

    level = Level.ERROR
    sentence = "{self.reason}"

    reason: str


@value_object
class OptionReloaded(Event):
    """A key has another value in a running server."""

    level = Level.INFO
    sentence = "Reloaded: {self.change}"
    bounded = False

    change: str


@value_object
class ConfigurationReloaded(Event):
    """A reload is done."""

    level = Level.INFO
    sentence = "Reloaded server configuration ({self.digest})"
    bounded = False

    digest: str


@value_object
class ReloadFailed(Event):
    """Nothing has changed."""

    level = Level.ERROR
    sentence = "Failed to reload server configuration: {self.reason}"
    bounded = False

    reason: str


@value_object
class CertificatesRead(Event):
    """The files of a section ``tls`` were read again; links that are there keep what they have."""

    level = Level.INFO
    sentence = "Certificates of {self.section} read again, for new connections"

    section: str


@value_object
class CertificateEnds(Event):
    """A certificate should be replaced soon. There is no level of warnings between ERR and INF."""

    level = Level.ERROR
    sentence = "The certificate of {self.section} expires in {self.span}, on {self.date}"

    section: str
    date: str
    days: int

    @property
    def span(self) -> str:
        """The days that are left, in words."""
        if not self.days:
            return "less than a day"
        return "1 day" if self.days == 1 else f"{self.days} days"


@value_object
class CertificateEnded(Event):
    """Clients that verify the certificate do not connect any more."""

    level = Level.ERROR
    sentence = "The certificate of {self.section} has expired on {self.date}: replace it, and reload"

    section: str
    date: str


@value_object
class PlainDataPlane(Event):
    """The native data plane was to be used if built, and is not built."""

    level = Level.INFO
    sentence = (
        "The native data plane is not built, so the plain one is used, which is much slower: "
        "install a C compiler and then pynatsd again, or set PYNATSD_DATA_PLANE=python to use the plain one"
    )


@value_object
class PendingRaised(Event):
    """The bound of pending bytes follows the largest message unless it is configured."""

    level = Level.INFO
    sentence = (
        "max_pending_size is {self.max_pending} bytes, so that one message of max_payload, "
        "{self.max_payload} bytes, always fits"
    )

    max_pending: int
    max_payload: int


@value_object
class StopIncomplete(Event):
    """A part of the server failed to stop; the server ends nevertheless."""

    level = Level.ERROR
    sentence = "Cannot stop {self.part} cleanly: {self.reason}"

    part: str
    reason: str


@value_object
class JetStreamFailed(Event):
    """Streams cannot be served, so nothing is."""

    level = Level.FATAL
    sentence = "Cannot start JetStream: {self.reason}"

    reason: str
