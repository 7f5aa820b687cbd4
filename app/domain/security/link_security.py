"""Security of a link: its TLS parameters, or the process at the other end of a unix socket."""

from ..value_object import value_object
from .certificate import CertificateNames


@value_object
class Security:
    """What both ends of a protected link have agreed on, by its names in the field."""

    version: str
    """Of TLS, as in ``1.3``."""
    cipher_suite: str
    """As the register of IANA has it, as in ``TLS_AES_128_GCM_SHA256``."""
    certificate: CertificateNames | None = None
    """The names in the peer's certificate, where they are read for its login."""


@value_object
class PeerCredentials:
    """The process at the other end of a unix socket, as the system reports it."""

    pid: int
    uid: int
    gid: int

    def __str__(self) -> str:
        return f"pid={self.pid},uid={self.uid},gid={self.gid}"
