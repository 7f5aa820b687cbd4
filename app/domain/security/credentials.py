"""Credentials that a peer shows, and the identity that a check makes of them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from ..connection_type import ConnectionType
from ..permissions.rules import Permissions
from ..rates import PublishRate
from .certificate import CertificateNames


@dataclass(frozen=True, slots=True)
class Credentials:
    """What CONNECT brought along; secrets stay out of its representation."""

    user: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    nkey: str = field(default="", repr=False)
    """The public key that the client claims as its own."""
    sig: str = field(default="", repr=False)
    """Its signature of the nonce, as text."""
    jwt: str = field(default="", repr=False)
    nonce: str = field(default="", repr=False)
    """What INFO gave this connection to sign; empty if nothing."""
    certificate: CertificateNames | None = field(default=None, repr=False)
    """The names in its certificate; None without one, and where they are not read."""
    connection_type: ConnectionType = field(default=ConnectionType.STANDARD, repr=False)

    @property
    def is_empty(self) -> bool:
        """Whether the client sends no credentials; a certificate does not count."""
        return not (self.user or self.password or self.token or self.nkey)


@dataclass(frozen=True, slots=True)
class Identity:
    """A peer that was accepted. ``user`` is empty when none is required."""

    user: str = ""
    permissions: Permissions | None = field(default=None, kw_only=True)
    """What it may publish and subscribe to; None for everything."""
    publish_rate: PublishRate | None = field(default=None, kw_only=True)
    """What it may publish within a second, over all its connections; None for any number."""


NAMELESS = Identity()
"""A peer that was accepted where no user is required; one object for all of them."""


Answer = Callable[[Identity | None], None]
"""Receives the identity, or None for a refusal."""


class PendingVerdict(Protocol):
    """A check whose answer is still to come."""

    @property
    def under_way(self) -> bool:
        """Whether it is being made, and ends in a time of its own; False while it waits for its turn."""
        ...

    def cancel(self) -> None:
        """The answer is not needed any more: drop the check. Harmless once the answer was given."""
        ...


class Gatekeeper(Protocol):
    """What a session asks of an authenticator; the contract is in ``app.ports.authenticator``."""

    @property
    def required(self) -> bool:
        """Whether peers must show credentials before anything else."""
        ...

    def check(self, credentials: Credentials, answer: Answer) -> PendingVerdict | None:
        """Judge, and answer exactly once, now or later.

        Returns how to withdraw the question; None when it was answered, or cannot be withdrawn.
        """
        ...
