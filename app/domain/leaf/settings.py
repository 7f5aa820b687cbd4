"""Settings of leaf nodes: the listener, and the hubs to dial."""

from collections.abc import Callable
from dataclasses import field
from typing import Protocol

from ..security.credentials import Gatekeeper
from ..sessions.wire import Handler, Wire
from ..value_object import value_object
from .leaf_url import LeafUrl

GLOBAL = "$G"
"""The one account of a server."""

LOGIN_SECONDS = 2.0
"""How long a leaf may take for its CONNECT, unless configured."""

RECONNECT_SECONDS = 1.0
"""Seconds between two attempts to reach a hub, unless configured."""

FIRST_INFO_SECONDS = 1.0
"""How long a hub may take for its first INFO, unless configured."""


class LeafLoginError(Exception):
    """There are no credentials to log in with. The text names file and line, and contains no secret."""


@value_object
class LeafLogin:
    """What CONNECT shows to a hub; empty fields are left out."""

    user: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    jwt: str = field(default="", repr=False)
    nkey: str = ""
    """The public key that has signed."""
    sig: str = field(default="", repr=False)
    """The signature of the nonce, base64url without padding."""


class LeafCredentials(Protocol):
    """The login of this server at the hubs of one remote."""

    def login(self, url: LeafUrl, nonce: str) -> LeafLogin:
        """What to show the hub at `url`, whose INFO has this nonce. Raises `LeafLoginError`."""
        ...


class LeafDialer(Protocol):
    """Opens links to the hubs of one remote."""

    def dial(self, url: LeafUrl, acceptor: Callable[[Wire], Handler], refused: Callable[[str], None]) -> None:
        """Later, call `acceptor` with a link, or `refused` with a reason; never within this call.

        The handler is opened when TLS, if there is any, is over; its first input is INFO in each case.
        """
        ...

    def close(self) -> None:
        """Give up what is under way. Links that are open go on."""
        ...


@value_object
class LeafListenerSettings:
    """The listener for leaves."""

    host: str
    port: int
    auth_timeout: float = LOGIN_SECONDS
    tls_required: bool = False
    tls_verify: bool = False
    advertised: str = ""
    """Address that leaves learn of, perhaps with a port; empty for where it listens."""
    advertise: bool = True
    """Whether leaves learn of addresses at all."""
    min_version: str = ""
    """The lowest version that a leaf may have, as ``2.10.0``; empty for any."""


@value_object
class LeafRemoteSettings:
    """A hub, or several servers of one hub of which one is dialled at a time."""

    urls: tuple[LeafUrl, ...]
    account: str = GLOBAL
    deny_imports: tuple[str, ...] = ()
    """Subjects, perhaps with wildcards, of which nothing is received."""
    deny_exports: tuple[str, ...] = ()
    """The same, of which nothing is sent."""
    hub: bool = False
    """Whether this server is the hub of the link although it dials."""
    randomize: bool = True
    """Whether the order of the URLs is drawn."""
    reconnect: float = RECONNECT_SECONDS
    """Seconds between two attempts."""
    first_info_timeout: float = FIRST_INFO_SECONDS
    ignore_discovered: bool = False
    """Whether addresses that a hub names are not dialled."""


@value_object
class LeafRemote:
    """A remote, with what it takes to reach it."""

    settings: LeafRemoteSettings
    dialer: LeafDialer
    credentials: LeafCredentials


@value_object
class LeafNeeds:
    """What a broker needs to have leaf nodes, or to be one."""

    listener: LeafListenerSettings | None
    """None without a listener."""
    remotes: tuple[LeafRemote, ...]
    gatekeeper: Gatekeeper
    """Judges leaves that dial us."""
    make_nonce: Callable[[], str]
    """Makes what a leaf may sign."""
    cluster: str = ""
    """Name of the mesh, the same on all its servers; empty for the name of this server."""
    jetstream: bool = False
    """Whether this server has streams of its own, so that calls of the API stay here."""
    domain: str = ""
    """Of these streams."""
