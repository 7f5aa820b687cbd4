"""The authenticator chosen by the operator."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ...domain.connection_type import ConnectionType
from ...domain.permissions.rules import Permissions
from ...domain.rates import PublishRate
from ...ports.authenticator import Authenticator, AuthError
from .authenticators import AllowAll, PasswordAuthenticator, TokenAuthenticator
from .certificates import CertificateAuthenticator
from .guard import CHECK_SECONDS, Report
from .hash_workers import CAPACITY, HashWorkers, RunInLoop, running_loop
from .listed_listeners import ListedListeners
from .loading import load_authenticator
from .nkeys import NkeyAuthenticator
from .rated import PacedLogins, RatedUsers


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
    mapped: Collection[ConnectionType] = ()
    """Listeners at which the names in a client's certificate say which of `users` it is."""
    anonymous: Collection[str] = ()
    """Users that clients without credentials become; they need no password."""
    permissions: Mapping[str, Permissions] = field(default_factory=dict)
    """By user or public nkey; none for those that may do everything."""
    publish_rates: Mapping[str, PublishRate] = field(default_factory=dict)
    """By user or public nkey; none for those without a limit."""
    listeners: Mapping[str, Collection[str]] = field(default_factory=dict)
    """By user or public nkey the words of the listeners that it may use; none for those that may use all."""
    logins_per_second: int = 0
    """Further ones wait; 0 is no limit."""
    token: str = field(default="", repr=False)
    """Plain or hashed; empty for none."""
    authenticator: str = ""
    """The operator's own code, as ``package.module:factory``; empty for none."""
    authenticator_seconds: float = CHECK_SECONDS
    """Time limit of that code for one check."""
    max_waiting: int = CAPACITY
    """Number of checks of hashed secrets that may wait; as many as clients may connect."""

    @property
    def required(self) -> bool:
        """Whether any client has to log in."""
        return bool(self.users or self.nkeys or self.token or self.authenticator)


def open_authenticator(
    settings: AuthSettings,
    report: Report,
    find_loop: Callable[[], RunInLoop] = running_loop,
) -> Authenticator:
    """The authenticator that `settings` describe; needs no event loop until the first check.

    `report` records failures of the operator's own code. `find_loop`: see `HashWorkers`.
    Raises `AuthError`.
    """
    made = _open(settings, report, find_loop)
    if settings.listeners:
        made = ListedListeners(made, settings.listeners)
    if settings.publish_rates:
        made = RatedUsers(made, settings.publish_rates)
    return PacedLogins(made, settings.logins_per_second) if settings.logins_per_second else made


def _open(settings: AuthSettings, report: Report, find_loop: Callable[[], RunInLoop]) -> Authenticator:
    if settings.authenticator:
        if settings.users or settings.nkeys or settings.token:
            raise AuthError("users or a token cannot be used with an authenticator of your own; remove one")
        return load_authenticator(settings.authenticator, settings.authenticator_seconds, report)
    if settings.nkeys:
        others = _open(replace(settings, nkeys=(), token=""), report, find_loop)
        if others.required:
            return NkeyAuthenticator(settings.nkeys, others, settings.permissions)
        return NkeyAuthenticator(settings.nkeys, permissions=settings.permissions)
    if not settings.users and not settings.token:
        return AllowAll()
    workers = HashWorkers(settings.max_waiting, find_loop=find_loop)
    if not settings.users:
        return TokenAuthenticator(settings.token, workers)
    return _of_users(settings, report, workers)


def _of_users(settings: AuthSettings, report: Report, workers: HashWorkers) -> Authenticator:
    """By password, and by certificate where that counts."""
    passwords = PasswordAuthenticator(settings.users, workers, settings.permissions)
    if not settings.mapped:
        return passwords
    return CertificateAuthenticator(
        settings.users, settings.mapped, passwords, report, exempt=settings.anonymous
    )
