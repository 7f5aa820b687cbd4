"""Facts that only a server with a process and a configuration of its own reports."""

from dataclasses import dataclass

from app.domain.events import Event, Level


@dataclass(frozen=True, slots=True)
class ConfigurationQuestioned(Event):
    """Something that was configured has no effect. There is no level between these two."""

    level = Level.ERROR
    sentence = "{self.problem}"

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
