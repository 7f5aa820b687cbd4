"""Route URL: host, port and credentials of another server."""

from dataclasses import field
from ipaddress import IPv4Address, IPv6Address, ip_address

from ..address import HIGHEST_PORT, joined
from ..value_object import value_object

_SCHEMES = ("nats-route://", "nats://")
_LONGEST = 256


@value_object
class RouteUrl:
    """A server's address for routes. Equal when host and port are; it shows no credentials."""

    host: str
    port: int
    user: str = field(default="", compare=False, repr=False)
    password: str = field(default="", compare=False, repr=False)

    @property
    def address(self) -> str:
        """``host:port``, an IPv6 address in brackets."""
        return joined(self.host, self.port)

    def __str__(self) -> str:
        return f"nats-route://{self.address}/"


def read_gossip(text: str) -> RouteUrl | None:
    """The URL in a piece of gossip; None unless it is a numeric address and a port.

    A name is not looked up for a peer's sake, and an address that no server can have,
    such as a multicast one, is not dialled.
    """
    scheme = next((scheme for scheme in _SCHEMES if text.startswith(scheme)), None)
    if scheme is None or len(text) > _LONGEST:
        return None
    host, colon, port = text[len(scheme) :].removesuffix("/").rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or not 0 < int(port) <= HIGHEST_PORT:
        return None
    host = host.removeprefix("[").removesuffix("]")
    address = _numeric(host)
    if address is None or address.is_multicast or address.is_unspecified:
        return None
    return RouteUrl(host, int(port))


def is_near(host: str) -> bool:
    """Whether an address reaches only this machine or this segment of a network."""
    address = _numeric(host)
    return address is not None and (address.is_loopback or address.is_link_local)


def _numeric(host: str) -> IPv4Address | IPv6Address | None:
    """The address; an IPv4 address that is mapped to IPv6 counts as IPv4."""
    try:
        address = ip_address(host)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return address if mapped is None else mapped
