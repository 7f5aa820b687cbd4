"""Facts about hooks for the event log."""

from ..events import Event, Level
from ..value_object import value_object


@value_object
class HookFailed(Event):
    """A hook raised, took too long, or gave an answer that cannot be used; `on_error` decided."""

    level = Level.ERROR
    sentence = "Hook {self.point} failed: {self.reason}"

    point: str
    reason: str


@value_object
class HookBreakerOpened(Event):
    """A hook failed repeatedly, so it is not called for a while."""

    level = Level.ERROR
    sentence = (
        "Hook {self.point} is not called for {self.seconds:g} s, because it failed repeatedly; "
        "on_error decides until then"
    )

    point: str
    seconds: float


@value_object
class HookBreakerClosed(Event):
    """A hook works again."""

    level = Level.INFO
    sentence = "Hook {self.point} works again"

    point: str


@value_object
class HookRefused(Event):
    """A hook refused something."""

    level = Level.INFO
    sentence = "Hook {self.point} refused{self.about}: {self.reason}"

    point: str
    subject: str
    reason: str

    @property
    def about(self) -> str:
        """The subject, if there is one."""
        return f' "{self.subject}"' if self.subject else ""


@value_object
class HookWouldRefuse(HookRefused):
    """A hook in shadow mode would have refused something, which happened anyway."""

    sentence = "Hook {self.point} in shadow would have refused{self.about}: {self.reason}"


@value_object
class HookWouldRewrite(Event):
    """A hook in shadow mode would have rewritten a message, which stayed unchanged."""

    level = Level.INFO
    sentence = 'Hook {self.point} in shadow would have rewritten a message on "{self.subject}"'

    point: str
    subject: str


@value_object
class HookSkipped(Event):
    """A hook in shadow mode, or `disconnect`, was not called, because the queue of calls is full."""

    level = Level.ERROR
    sentence = "Hook {self.point} was not called: too many of its calls are queued"

    point: str
