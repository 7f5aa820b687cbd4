"""Reauthorization: which connected clients a reload of users keeps, changes or closes (ADR 0052).

Credentials are not kept, so nobody is asked for a password again. A `Judge` knows from the old and
the new users whether a login holds; a client whose login does not is closed, and comes back with its
credentials if it has good ones.
"""

from collections.abc import Callable, Mapping
from enum import Enum, auto
from typing import Protocol

from ..connection_type import ConnectionType
from ..value_object import value_object
from .credentials import Identity


@value_object
class Login:
    """How a client came in."""

    user: str
    connection_type: ConnectionType
    is_anonymous: bool
    """Whether it sent no credentials, or none were required."""


class Dismissal(Enum):
    """Why a login does not hold any more, which decides what the client hears (nats-server 2.15)."""

    REMOVED = auto()
    """Its user is gone: it is closed without a text."""
    CHANGED = auto()
    """What it showed, or that it showed nothing, is not good enough now: Authorization Violation."""


Judge = Callable[[Login], Identity | Dismissal]
"""Who a client is from now on, if it may stay."""


class AuthorizedClient(Protocol):
    """A client's session, as far as it matters here."""

    @property
    def awaits_verdict(self) -> bool:
        """Whether its credentials are being checked."""
        ...

    def login(self) -> Login:
        """How the client came in."""
        ...

    def reauthorize(self, verdict: Identity | Dismissal) -> bool:
        """Obey the verdict; whether the client's rules are others than before."""
        ...


class ReauthorizationHost(Protocol):
    """The broker, as far as it matters here."""

    @property
    def sessions(self) -> Mapping[int, AuthorizedClient]:
        """Those of all clients that are here."""
        ...

    def rights_changed(self) -> None:
        """What was decided about messages holds no longer."""
        ...


def reauthorize(host: ReauthorizationHost, switch: Callable[[], None], judge: Judge) -> None:
    """Let other users be known from `switch` on; judge all clients before any of them is obeyed again."""
    logins = [(session, session.login(), session.awaits_verdict) for session in host.sessions.values()]
    switch()
    verdicts: dict[Login, Identity | Dismissal] = {}
    changed = False
    for session, login, waited in logins:
        if waited and not session.awaits_verdict:
            continue  # the new users have judged it with its credentials
        verdict = verdicts.get(login)
        if verdict is None:
            verdict = verdicts[login] = judge(login)
        changed = session.reauthorize(verdict) or changed
    if changed:
        host.rights_changed()
