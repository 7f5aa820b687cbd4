"""The authenticator chosen by the operator."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ...ports.authenticator import Authenticator, AuthError
from .authenticators import AllowAll, PasswordAuthenticator, TokenAuthenticator
from .guard import CHECK_SECONDS, Report
from .hash_workers import CAPACITY, HashWorkers, RunInLoop, running_loop
from .loading import load_authenticator
from .nkeys import NkeyAuthenticator


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthSettings:
    """Who may connect; everybody when nothing is set.

    Users take precedence over a token (configuration-file.md, section 6). Secrets stay out of the
    representation.
    """

    users: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Passwords by user, plain or hashed. An empty password admits with an empty or no password."""
    nkeys: Sequence[str] = ()
    """Public keys of users that sign a nonce."""
    token: str = field(default="", repr=False)
    """Plain or hashed; empty for none."""
    authenticator: str = ""
    """The operator's own code, as ``package.module:factory``; empty for none."""
    authenticator_seconds: float = CHECK_SECONDS
    """Time limit of that code for one check."""
    max_waiting: int = CAPACITY
    """Number of checks of hashed secrets that may wait; as many as clients may connect."""


def open_authenticator(
    settings: AuthSettings,
    report: Report,
    find_loop: Callable[[], RunInLoop] = running_loop,
) -> Authenticator:
    """The authenticator that `settings` describe; needs no event loop until the first check.

    `report` records failures of the operator's own code. `find_loop`: see `HashWorkers`.
    Raises `AuthError`.
    """
    if settings.authenticator:
        if settings.users or settings.nkeys or settings.token:
            raise AuthError("users or a token cannot stand beside an authenticator of your own; remove one")
        return load_authenticator(settings.authenticator, settings.authenticator_seconds, report)
    if settings.nkeys:
        others = open_authenticator(replace(settings, nkeys=(), token=""), report, find_loop)
        if others.required:
            return NkeyAuthenticator(settings.nkeys, others)
        return NkeyAuthenticator(settings.nkeys)
    if not settings.users and not settings.token:
        return AllowAll()
    workers = HashWorkers(settings.max_waiting, find_loop=find_loop)
    return (
        PasswordAuthenticator(settings.users, workers)
        if settings.users
        else TokenAuthenticator(settings.token, workers)
    )
