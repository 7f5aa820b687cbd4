"""How one server takes part in a cluster."""

from dataclasses import field

from ..value_object import value_object
from .route_url import RouteUrl


@value_object
class ClusterSettings:
    """How one server takes part."""

    host: str = "0.0.0.0"  # noqa: S104 - gnatsd's default
    port: int = 0
    """Where it listens for routes."""
    user: str = ""
    password: str = field(default="", repr=False)
    """The credentials of servers among each other, if they need some."""
    auth_timeout: float = 1.0
    tls: bool = False
    routes: tuple[RouteUrl, ...] = ()
    """Servers to dial."""
    advertised: str = ""
    """Address for other servers in place of the one they see, perhaps with a port; empty for none."""
    advertise: bool = True
    """Whether INFO names other servers to clients, and this one to their clients."""
    name: str = ""
    """The name of this server for people; empty for its id."""
    connect_retries: int = 0
    """Failures in a row after which a server known from gossip is given up; 0 leaves it to time."""
