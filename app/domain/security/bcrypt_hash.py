"""How a bcrypt hash is written in a configuration (configuration-file.md, section 3).

gnatsd knew ``$2a$`` alone; later servers know all four beginnings, and so do we.
"""

import re
from typing import NamedTuple

HASHED_BYTES = 72
"""Bytes of a password that bcrypt uses; the rest does not count."""

LEAST_COST, GREATEST_COST = 4, 31

BROKEN_HASH = (
    "begins like a bcrypt hash, but is none: a hash is $2a$, a cost from 04 to 31, $ "
    "and 53 characters; make one with: pynatsd-mkpasswd -p"
)
"""The error for text that only begins like a hash; completes a sentence that names the password."""

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


class BcryptHash(NamedTuple):
    """The parts of a hash."""

    salt: str
    """With the beginning and the cost."""
    sum: str
    """The hash sum that follows the salt."""


def begins_like_hash(text: str) -> bool:
    """Whether a configured password claims to be a hash."""
    return _BEGINNING.match(text) is not None


def parse_hash(text: str) -> BcryptHash | None:
    """The parts of a hash; None when it is none.

    The last four bits of the salt's last digit mean nothing, and are cleared.
    """
    match = _HASH.fullmatch(text)
    if match is None:
        return None
    salt_end = _DIGITS[_DIGITS.index(match["salt_end"]) & _SALT_END_BITS]
    return BcryptHash(f"{match['salt']}{salt_end}", match["sum"])
