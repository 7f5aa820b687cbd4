"""Facts about leaf links, in nats-server's words where it has any (leaf-nodes.md, section 10)."""

from ..events import Event, Level
from ..value_object import value_object


@value_object
class LeafDialling(Event):
    """A hub is dialled."""

    level = Level.DEBUG
    sentence = "Trying to connect as leafnode to remote server on {self.address!r}"

    address: str


@value_object
class LeafUnreachable(Event):
    """A hub could not be reached, for the 1st, 2nd, 4th, 8th … time in a row."""

    level = Level.ERROR
    sentence = (
        'Error trying to connect as leafnode to remote server "{self.address}" '
        "(attempt {self.attempts}): {self.reason}"
    )

    address: str
    attempts: int
    reason: str


@value_object
class LeafLoginFailed(Event):
    """There are no credentials to log in with at a hub."""

    level = Level.ERROR
    sentence = 'Error logging in as leafnode to remote server "{self.address}": {self.reason}'

    address: str
    reason: str


@value_object
class LeafCreated(Event):
    """A leaf link is there: we have dialled, or a leaf node has logged in."""

    level = Level.INFO
    sentence = "Leafnode connection created{self.account}"

    solicited: bool

    @property
    def account(self) -> str:
        """For whom, where we have dialled."""
        return " for account: $G" if self.solicited else ""


@value_object
class LeafClosed(Event):
    """An established leaf link is closed."""

    level = Level.INFO
    sentence = "Leafnode connection closed: {self.reason} - Remote: {self.name}"

    reason: str
    name: str


@value_object
class LeafErrorReceived(Event):
    """The other end sent -ERR."""

    level = Level.ERROR
    sentence = "Leafnode Error {self.error}"

    error: str


@value_object
class LeafRefused(Event):
    """A link is closed because its other end is not accepted, or sent something wrong."""

    level = Level.ERROR
    sentence = "{self.reason}"

    reason: str


@value_object
class LeafReplaced(Event):
    """A leaf node has connected again; its earlier link is closed."""

    level = Level.INFO
    sentence = 'Replacing connection from same server "{self.name}"'

    name: str


@value_object
class LeafHubLeaves(Event):
    """The hub is in lame duck mode."""

    level = Level.INFO
    sentence = 'Hub "{self.name}" is in lame duck mode: {self.consequence}'

    name: str
    has_other: bool

    @property
    def consequence(self) -> str:
        """What we do about it."""
        return "another one is dialled" if self.has_other else "the link stays, as no other hub is known"


@value_object
class LeafRemoteChanged(Event):
    """A reload has added a remote, or removed one."""

    level = Level.INFO
    sentence = 'Reloaded: LeafNode Remote urls=[{self.quoted}], account="{self.account}" {self.change}'

    urls: tuple[str, ...]
    account: str
    change: str
    """``added`` or ``removed``."""

    @property
    def quoted(self) -> str:
        """The addresses, without credentials."""
        return " ".join(f'"{url}"' for url in self.urls)


@value_object
class LeafInterestSent(Event):
    """All interest was announced to the other end."""

    level = Level.DEBUG
    sentence = "Sent interest to leafnode"
