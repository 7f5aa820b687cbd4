"""Leaf URL: host, port and credentials of a hub."""

import re
from dataclasses import field
from ipaddress import ip_address

from ..address import HIGHEST_PORT, joined
from ..value_object import value_object

LEAF_PORT = 7422
"""The port of leaf nodes where none is named."""

LONGEST_ADDRESS = 256

_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?", re.ASCII)


@value_object
class LeafUrl:
    """A hub's address for leaf nodes. Equal when host and port are; it shows no credentials."""

    host: str
    port: int = LEAF_PORT
    tls: bool = field(default=False, compare=False)
    """Whether TLS is demanded of this hub, whatever its INFO says."""
    user: str = field(default="", compare=False, repr=False)
    password: str = field(default="", compare=False, repr=False)
    token: str = field(default="", compare=False, repr=False)

    @property
    def address(self) -> str:
        """``host:port``, an IPv6 address in brackets."""
        return joined(self.host, self.port)

    @property
    def has_login(self) -> bool:
        """Whether there is something to log in with."""
        return bool(self.user or self.password or self.token)

    def __str__(self) -> str:
        return f"nats-leaf://{self.address}"


def read_leaf_address(text: str) -> LeafUrl | None:
    """The hub at an address that another hub names, as ``host:port``; None for what cannot be dialled.

    Names are allowed, for certificates have names.
    """
    if len(text) > LONGEST_ADDRESS:
        return None
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or len(port) > len(str(HIGHEST_PORT)):
        return None
    host = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not _is_host(host) or not 0 < int(port) <= HIGHEST_PORT:
        return None
    return LeafUrl(host, int(port))


def is_numeric(host: str) -> bool:
    """Whether it is an address and no name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _is_host(host: str) -> bool:
    if not is_numeric(host):
        return _NAME.fullmatch(host) is not None
    address = ip_address(host)
    return not address.is_multicast and not address.is_unspecified
