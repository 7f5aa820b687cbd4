"""Unit tests of how a bcrypt hash is written."""

import pytest

from app.domain.security.bcrypt_hash import BcryptHash, begins_like_hash, parse_hash

SALT = "$2a$04$iyDf3UekqwBuuBszqIrkUe"
SUM = "afC2YRN3VBypjEPXjSk1LCbiFVPlxba"
HASH = SALT + SUM


@pytest.mark.parametrize(
    ("text", "hashed"),
    [
        ("$2a$", True),
        ("$2b$04$", True),
        ("$2x$x", True),
        ("$2y$", True),
        ("$2c$", False),
        ("$2$04$x", False),
        ("2a$04$x", False),
        (f" {HASH}", False),
        ("", False),
    ],
)
def test_four_beginnings(text: str, *, hashed: bool) -> None:
    """A text that begins with one of four marks is meant as a hash; any other is plain."""
    assert hashed is begins_like_hash(text)


def test_parts() -> None:
    """A hash is a salt with its cost, and a sum."""
    assert BcryptHash(SALT, SUM) == parse_hash(HASH)


@pytest.mark.parametrize(("end", "cleared"), [("e", "e"), ("f", "e"), ("s", "e"), ("t", "e"), ("u", "u")])
def test_spare_bits_of_the_salt(end: str, cleared: str) -> None:
    """The last digit of a salt has four bits that mean nothing."""
    parts = parse_hash(f"{SALT[:-1]}{end}{SUM}")

    assert parts is not None
    assert cleared == parts.salt[-1]


@pytest.mark.parametrize(
    "text",
    [
        "$2a$",
        HASH[:-1],
        HASH + "x",
        HASH + "\n",
        HASH[:-1] + "!",
        HASH[:-1] + "é",
        HASH.replace("$04$", "$03$"),
        HASH.replace("$04$", "$32$"),
        HASH.replace("$04$", "$4$"),
        HASH.replace("$04$", "$٠٤$"),
    ],
)
def test_no_hash(text: str) -> None:
    """A text that is cut, too long, or has an impossible cost or digit is no hash."""
    assert parse_hash(text) is None
