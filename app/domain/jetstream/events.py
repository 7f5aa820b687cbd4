"""Log events of JetStream."""

from ..events import Event, Level
from ..value_object import value_object


@value_object
class JetStreamStarting(Event):
    """Streams will be served, with these limits, from this place."""

    level = Level.INFO
    sentence = "Starting JetStream, max memory {self.memory}, max storage {self.storage}, {self.place}"

    memory: str
    storage: str
    place: str


@value_object
class TemporaryStore(Event):
    """No directory for streams is configured."""

    level = Level.ERROR
    sentence = (
        "Temporary storage directory used, data could be lost on a system reboot: set jetstream.store_dir"
    )


@value_object
class StreamRecovered(Event):
    """A stream is as it was."""

    level = Level.INFO
    sentence = (
        "Restored {self.messages} messages and {self.consumers} consumers of stream {self.stream} "
        "in {self.milliseconds} ms"
    )

    stream: str
    messages: int
    consumers: int
    milliseconds: int


@value_object
class StreamProblem(Event):
    """Something that was stored is damaged, or was not understood."""

    level = Level.ERROR
    sentence = "JetStream: {self.where}{self.problem}"

    stream: str
    problem: str

    @property
    def where(self) -> str:
        """The stream, if it is about one."""
        return f"stream {self.stream}: " if self.stream else ""


@value_object
class JetStreamStopped(Event):
    """JetStream has stopped, and everything is written."""

    level = Level.INFO
    sentence = "JetStream stopped, {self.streams} streams are closed"

    streams: int
