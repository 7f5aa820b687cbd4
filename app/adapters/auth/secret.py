"""A configured password or token: plain text, or a bcrypt hash of it.

Its first characters decide which (configuration-file.md, section 3).
"""

import hmac
from typing import Protocol

from ...domain.security.bcrypt_hash import BROKEN_HASH, HASHED_BYTES, begins_like_hash, parse_hash
from ...ports.authenticator import AuthError


class Secret(Protocol):
    """A password or token that a client must know. No representation shows it."""

    @property
    def slow(self) -> bool:
        """Whether a comparison is too long for the event loop's thread."""
        ...

    def matches(self, given: bytes) -> bool:
        """Compare, in a time that does not depend on where they differ."""
        ...


class PlainSecret(Secret):
    """Plain text. The time of a comparison reveals its length at most."""

    slow = False

    def __init__(self, text: str) -> None:
        self._expected = encoded(text)

    def matches(self, given: bytes) -> bool:
        return hmac.compare_digest(given, self._expected)


class BcryptSecret(Secret):
    """A bcrypt hash, compared as gnatsd compares it.

    A password is cut after `HASHED_BYTES`. A NUL is a byte like any other. All
    prefixes are computed alike.
    """

    slow = True

    def __init__(self, text: str) -> None:
        """Raises `AuthError`, whose text completes "the password of …"."""
        parts = parse_hash(text)
        if parts is None:
            raise AuthError(BROKEN_HASH)
        import bcrypt  # noqa: PLC0415 - without hashes there is no need for it

        self._hashed = bcrypt.hashpw
        self._salt = parts.salt.encode()
        self._sum = parts.sum.encode()

    def matches(self, given: bytes) -> bool:
        found = self._hashed(given[:HASHED_BYTES], self._salt)
        return hmac.compare_digest(found[len(self._salt) :], self._sum)


def read_secret(text: str) -> Secret:
    """The secret that is configured as `text`. Raises `AuthError` as `BcryptSecret` does."""
    return BcryptSecret(text) if begins_like_hash(text) else PlainSecret(text)


def encoded(text: str) -> bytes:
    """The bytes to compare: UTF-8, defined for lone surrogates too."""
    return text.encode("utf-8", "surrogatepass")
