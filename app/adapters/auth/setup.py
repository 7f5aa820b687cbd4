"""The authenticator chosen by the operator."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from app.adapters.auth.errors import AuthError
from app.adapters.auth.guard import CHECK_SECONDS, Report
from app.adapters.auth.hash_bench import CAPACITY, HandOver, HashBench, to_running_loop
from app.adapters.auth.known import TokenBearers, Users
from app.adapters.auth.loading import load_authenticator
from app.adapters.auth.plain import OpenDoor
from app.ports.authenticator import Authenticator


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthSettings:
    """Whom to let in; with nothing set, everybody.

    Users make a token useless (configuration.md, section 6). Secrets stay out of the
    representation.
    """

    users: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Passwords by user, plain or hashed. An empty password admits with an empty or no password."""
    token: str = field(default="", repr=False)
    """Plain or hashed; empty means that there is none."""
    authenticator: str = ""
    """Code of the operator's own, as ``package.module:factory``; empty means that there is none."""
    authenticator_seconds: float = CHECK_SECONDS
    """How long that code may take over one check."""
    max_waiting: int = CAPACITY
    """Checks of hashed secrets that may wait, as a count: as many as there may be clients."""


def open_authenticator(
    settings: AuthSettings,
    report: Report,
    way_back: Callable[[], HandOver] = to_running_loop,
) -> Authenticator:
    """The authenticator that `settings` describe; needs no event loop until the first check.

    `report` is told of failures of the operator's own code. `way_back` is asked on the
    loop's thread how to return to it. Raises `AuthError`.
    """
    if settings.authenticator:
        if settings.users or settings.token:
            raise AuthError("users or a token cannot stand beside an authenticator of your own; remove one")
        return load_authenticator(settings.authenticator, settings.authenticator_seconds, report)
    if not settings.users and not settings.token:
        return OpenDoor()
    bench = HashBench(settings.max_waiting, way_back=way_back)
    return Users(settings.users, bench) if settings.users else TokenBearers(settings.token, bench)
