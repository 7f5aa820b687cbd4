"""Facts that only a server with a process and a configuration of its own reports."""

from dataclasses import dataclass

from app.domain.events import Event, Level


@dataclass(frozen=True, slots=True)
class ConfigurationQuestioned(Event):
    """Something that was configured has no effect. There is no level between these two."""

    level = Level.ERROR
    sentence = "{self.problem}"
    bounded = False

    problem: str


@dataclass(frozen=True, slots=True)
class StartFailed(Event):
    """The last line of a server that never served."""

    level = Level.FATAL
    sentence = "{self.reason}"

    reason: str


@dataclass(frozen=True, slots=True)
class ReloadIgnored(Event):
    level = Level.INFO
    sentence = "Reload ignored: it is not available yet; restart the server to apply a changed configuration"


@dataclass(frozen=True, slots=True)
class PlainDataPlane(Event):
    level = Level.INFO
    sentence = (
        "The native data plane is not built, so the plain one serves, which is much slower: "
        "install a C compiler and then pynatsd again, or set PYNATSD_DATA_PLANE=python to have it so"
    )


@dataclass(frozen=True, slots=True)
class PendingRaised(Event):
    """The bound of pending bytes follows the largest message where nobody has chosen it."""

    level = Level.INFO
    sentence = (
        "max_pending_size is {self.max_pending} bytes, so that one message of max_payload, "
        "{self.max_payload} bytes, always fits"
    )

    max_pending: int
    max_payload: int


@dataclass(frozen=True, slots=True)
class StopIncomplete(Event):
    """A part of the server did not end in order; the server ends nevertheless."""

    level = Level.ERROR
    sentence = "Cannot stop {self.part} in order: {self.reason}"

    part: str
    reason: str
