"""TLS engine: the part of `ssl.SSLObject` that is used, and the parameters after a handshake."""

from typing import Literal, Protocol

from ...domain.security.cipher_suites import iana_name
from ...domain.security.link_security import Security
from .certificate_names import names_in


class TlsEngine(Protocol):
    """What is used of `ssl.SSLObject`, with the types that it has when it fills a buffer."""

    def do_handshake(self) -> None: ...

    def read(self, size: int, room: memoryview, /) -> int: ...

    def write(self, data: memoryview, /) -> int: ...

    def unwrap(self) -> object: ...

    def pending(self) -> int: ...

    def version(self) -> str | None: ...

    def cipher(self) -> tuple[str, str, int] | None: ...

    def getpeercert(self, binary_form: Literal[True], /) -> bytes | None: ...


def agreed_by(engine: TlsEngine, *, identify: bool) -> Security:
    """How the link is protected, and with `identify` by whose certificate."""
    cipher = engine.cipher()
    name = "" if cipher is None else iana_name(cipher[0])
    certificate = engine.getpeercert(True) if identify else None  # noqa: FBT003 - as ssl has it
    names = names_in(certificate) if certificate is not None else None
    return Security((engine.version() or "").removeprefix("TLSv"), name, names)
