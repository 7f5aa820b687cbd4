"""Facts about hooks for the event log."""

from dataclasses import dataclass

from ..events import Event, Level


@dataclass(frozen=True, slots=True)
class HookFailed(Event):
    """A hook raised, took too long, or gave an answer that cannot be used; `on_error` decided."""

    level = Level.ERROR
    sentence = "Hook {self.point} failed: {self.reason}"

    point: str
    reason: str


@dataclass(frozen=True, slots=True)
class HookBreakerOpened(Event):
    """A hook failed repeatedly, so it is not called for a while."""

    level = Level.ERROR
    sentence = (
        "Hook {self.point} is not called for {self.seconds:g} s, because it failed repeatedly; "
        "on_error decides until then"
    )

    point: str
    seconds: float


@dataclass(frozen=True, slots=True)
class HookBreakerClosed(Event):
    """A hook works again."""

    level = Level.INFO
    sentence = "Hook {self.point} works again"

    point: str


@dataclass(frozen=True, slots=True)
class HookRefused(Event):
    """A hook did not let something happen."""

    level = Level.INFO
    sentence = "Hook {self.point} refused{self.about}: {self.reason}"

    point: str
    subject: str
    reason: str

    @property
    def about(self) -> str:
        """The subject, if there is one."""
        return f' "{self.subject}"' if self.subject else ""


@dataclass(frozen=True, slots=True)
class HookWouldRefuse(HookRefused):
    """The same of a hook in shadow: it happens nevertheless."""

    sentence = "Hook {self.point} in shadow would have refused{self.about}: {self.reason}"


@dataclass(frozen=True, slots=True)
class HookWouldRewrite(Event):
    """A hook in shadow asked for another message, in vain."""

    level = Level.INFO
    sentence = 'Hook {self.point} in shadow would have rewritten a message on "{self.subject}"'

    point: str
    subject: str


@dataclass(frozen=True, slots=True)
class HookSkipped(Event):
    """A hook that nobody waits for was not called, because too many calls are in line."""

    level = Level.ERROR
    sentence = "Hook {self.point} was not called: too many of its calls are queued"

    point: str
