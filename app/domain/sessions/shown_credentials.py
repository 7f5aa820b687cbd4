"""Shown credentials: what a client's CONNECT and its link say about who it is."""

from ..connection_type import ConnectionType
from ..protocol.connect import Connect
from ..security.credentials import Credentials
from ..security.link_security import Security

NOTHING_SHOWN = Credentials()
"""Those of a client that shows nothing at a listener for standard clients; one object for all of them."""


def shown_credentials(
    user: str, connect: Connect, security: Security | None, nonce: str, listener: ConnectionType
) -> Credentials:
    """Those of a client of this name; `nonce` is what it had to sign, `listener` is where it came in."""
    is_plain = security is None and not nonce and listener is ConnectionType.STANDARD
    if is_plain and not (user or connect.shows_secret):
        return NOTHING_SHOWN
    return Credentials(
        user,
        connect.password or "",
        connect.auth_token or "",
        nkey=connect.nkey or "",
        sig=connect.sig or "",
        jwt=connect.jwt or "",
        nonce=nonce,
        certificate=security.certificate if security is not None else None,
        connection_type=listener,
    )
