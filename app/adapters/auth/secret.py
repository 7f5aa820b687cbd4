"""A configured password or token: plain text, or a bcrypt hash of it.

How it begins says which of the two it is (configuration.md, section 3).
"""

import hmac
from typing import Protocol

import bcrypt

from app.adapters.auth.errors import AuthError
from app.domain.bcrypt_hash import BROKEN_HASH, HASHED_BYTES, begins_like_hash, parse_hash


class Secret(Protocol):
    """Something a client must know. It never shows itself, in no representation."""

    @property
    def slow(self) -> bool:
        """Whether a comparison takes so long that the event loop must not make it."""
        ...

    def matches(self, given: bytes) -> bool:
        """Compare, in a time that does not depend on where the two differ."""
        ...


class PlainSecret(Secret):
    """Plain text. Only its length might show in the time a comparison takes."""

    slow = False

    def __init__(self, text: str) -> None:
        self._expected = encoded(text)

    def matches(self, given: bytes) -> bool:
        return hmac.compare_digest(given, self._expected)


class BcryptSecret(Secret):
    """A bcrypt hash, compared as gnatsd compares it.

    A password is cut after `HASHED_BYTES`. A NUL is a byte like any other. All
    beginnings are computed alike.
    """

    slow = True

    def __init__(self, text: str) -> None:
        """Raises `AuthError`, whose text completes "the password of …"."""
        parts = parse_hash(text)
        if parts is None:
            raise AuthError(BROKEN_HASH)
        self._salt = parts.salt.encode()
        self._sum = parts.sum.encode()

    def matches(self, given: bytes) -> bool:
        found = bcrypt.hashpw(given[:HASHED_BYTES], self._salt)
        return hmac.compare_digest(found[len(self._salt) :], self._sum)


def read_secret(text: str) -> Secret:
    """The secret that a configuration means by `text`; raises `AuthError` as `BcryptSecret` does."""
    return BcryptSecret(text) if begins_like_hash(text) else PlainSecret(text)


def encoded(text: str) -> bytes:
    """The bytes to compare: UTF-8, and defined for every string there is."""
    return text.encode("utf-8", "surrogatepass")
