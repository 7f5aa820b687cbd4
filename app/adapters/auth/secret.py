"""A configured password or token: plain text, or a bcrypt hash of it.

Which of the two it is shows in how it begins (configuration.md, section 3).
gnatsd knew ``$2a$`` alone; its successors know all four beginnings, and so do we.
"""

import hmac
import re
from typing import Protocol

import bcrypt

from app.adapters.auth.errors import AuthError

BCRYPT_BYTES = 72
"""Of a password, bcrypt uses this many bytes; the rest does not count."""

_BEGINNING = re.compile(r"\$2[abxy]\$")
_HASH = re.compile(
    r"""
    (?P<salt> \$2[abxy]\$ (?:0[4-9]|[12][0-9]|3[01])\$ [./A-Za-z0-9]{21} )
    (?P<salt_end> [./A-Za-z0-9] )
    (?P<sum> [./A-Za-z0-9]{31} )
    """,
    re.VERBOSE,
)
_DIGITS = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_SALT_END_BITS = 0b110000


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

    A password is cut after `BCRYPT_BYTES`. A NUL is a byte like any other. The last
    four bits of the salt's last digit mean nothing. All beginnings are computed alike.
    """

    slow = True

    def __init__(self, text: str) -> None:
        """Raises `AuthError`, whose text completes "the password of …"."""
        match = _HASH.fullmatch(text)
        if match is None:
            raise AuthError(
                "begins like a bcrypt hash, but is none: it takes $2a$, a cost from 04 to 31, $ "
                "and 53 characters; make one with: python -m app.entrypoints.mkpasswd -p"
            )
        salt_end = _DIGITS[_DIGITS.index(match["salt_end"]) & _SALT_END_BITS]
        self._salt = f"{match['salt']}{salt_end}".encode()
        self._sum = match["sum"].encode()

    def matches(self, given: bytes) -> bool:
        found = bcrypt.hashpw(given[:BCRYPT_BYTES], self._salt)
        return hmac.compare_digest(found[len(self._salt) :], self._sum)


def read_secret(text: str) -> Secret:
    """The secret that a configuration means by `text`; raises `AuthError` as `BcryptSecret` does."""
    return BcryptSecret(text) if _BEGINNING.match(text) else PlainSecret(text)


def encoded(text: str) -> bytes:
    """The bytes to compare: UTF-8, and defined for every string there is."""
    return text.encode("utf-8", "surrogatepass")
