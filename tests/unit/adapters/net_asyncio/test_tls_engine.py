"""Unit tests of what TLS says when the handshake is over."""

from typing import Literal

from app.adapters.net_asyncio.tls_engine import TlsEngine, agreed_by
from app.domain.security.link_security import Security


class Engine(TlsEngine):
    """One that has made its handshake, without a certificate of the peer."""

    def __init__(self, cipher: tuple[str, str, int] | None) -> None:
        self._cipher = cipher

    def do_handshake(self) -> None:
        """It is over."""

    def read(self, _size: int, _room: memoryview, /) -> int:
        """Nothing comes in."""
        return 0

    def write(self, data: memoryview, /) -> int:
        """All is taken."""
        return len(data)

    def unwrap(self) -> object:
        """There is no end."""
        return None

    def pending(self) -> int:
        """Nothing waits."""
        return 0

    def version(self) -> str | None:
        """As Python names it."""
        return "TLSv1.3" if self._cipher else None

    def cipher(self) -> tuple[str, str, int] | None:
        """As it was made."""
        return self._cipher

    def getpeercert(self, _binary_form: Literal[True], /) -> bytes | None:
        """The peer has none."""
        return None


def test_version_and_suite_have_the_names_of_operators() -> None:
    """The version has no prefix, and the suite is IANA's."""
    engine = Engine(("TLS_AES_128_GCM_SHA256", "TLSv1.3", 128))

    assert Security("1.3", "TLS_AES_128_GCM_SHA256", None) == agreed_by(engine, identify=True)


def test_what_is_not_known_is_empty() -> None:
    """A library that says nothing makes no error."""
    assert Security("", "", None) == agreed_by(Engine(None), identify=False)
