"""Unit tests of plain and hashed secrets."""

import bcrypt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.adapters.auth.secret import BcryptSecret, PlainSecret, encoded, read_secret
from app.ports.authenticator import AuthError

HASH = "$2a$04$iyDf3UekqwBuuBszqIrkUeafC2YRN3VBypjEPXjSk1LCbiFVPlxba"
"""Of ``secret``, at the lowest cost."""

SALT = "$2a$04$iyDf3UekqwBuuBszqIrkUe"


def hash_of(password: bytes) -> str:
    """A hash of the lowest cost, as a configuration holds it."""
    return bcrypt.hashpw(password, SALT.encode()).decode()


def key_of(password: bytes) -> bytes:
    """All that bcrypt sees of a password: it and a NUL, repeated until 72 bytes are full."""
    return ((password + b"\0") * 72)[:72]


@pytest.mark.parametrize("beginning", ["$2a$", "$2b$", "$2x$", "$2y$"])
def test_a_hash_is_known_by_its_beginning(beginning: str) -> None:
    """All four beginnings of bcrypt mean a hash, and are computed alike."""
    secret = read_secret(HASH.replace("$2a$", beginning))

    assert secret.slow
    assert secret.matches(b"secret")
    assert not secret.matches(b"Secret")


@pytest.mark.parametrize(
    "text", ["", "secret", "$2c$" + HASH[4:], "$2$04$x", "2a$04$x", " " + HASH, "$1$x$y"]
)
def test_anything_else_is_plain(text: str) -> None:
    """Text that does not begin like a bcrypt hash is the secret itself."""
    secret = read_secret(text)

    assert not secret.slow
    assert secret.matches(text.encode())
    assert not secret.matches(text.encode() + b"x")


@pytest.mark.parametrize(
    "text",
    [
        "$2a$",
        HASH[:30],
        HASH[:-1],
        HASH + "x",
        HASH + "\n",
        HASH[:-1] + "!",
        HASH[:10] + " " + HASH[11:],
        HASH[:-1] + "é",
        HASH.replace("$04$", "$03$"),
        HASH.replace("$04$", "$00$"),
        HASH.replace("$04$", "$32$"),
        HASH.replace("$04$", "$99$"),
        HASH.replace("$04$", "$4$$"),
        HASH.replace("$04$", "$٠٤$"),
    ],
)
def test_a_malformed_hash_is_refused(text: str) -> None:
    """What begins like a hash and is none is an error that says what to do, and does not show it."""
    with pytest.raises(AuthError, match="mkpasswd") as raised:
        read_secret(text)

    assert text[4:] not in str(raised.value) or text == "$2a$"


def test_the_hash_itself_is_no_password() -> None:
    """A hash from the configuration is no password."""
    assert not BcryptSecret(HASH).matches(HASH.encode())


@pytest.mark.parametrize(
    ("password", "attempt", "right"),
    [
        (b"", b"", True),
        (b"", b"\0", True),
        (b"", b"x", False),
        (b"secret", b"secret\0", False),
        (b"secret", b"sec\0ret", False),
        (b"secret", b"secret\0secret", True),
        (b"y" * 72, b"y" * 72, True),
        (b"y" * 72, b"y" * 73, True),
        (b"y" * 72, b"y" * 900, True),
        (b"y" * 72, b"y" * 71, False),
        (b"y" * 71, b"y" * 72, False),
        ("sécret".encode(), "sécret".encode(), True),
    ],
)
def test_odd_passwords(password: bytes, attempt: bytes, right: bool) -> None:  # noqa: FBT001 - pytest's way
    """Length and NUL bytes count as they do in gnatsd: seen with 0.8.0 and 2.15.1."""
    assert right is BcryptSecret(hash_of(password)).matches(attempt)


@pytest.mark.parametrize(("end", "right"), [("e", True), ("f", True), ("s", True), ("t", True), ("u", False)])
def test_spare_bits_of_the_salt(end: str, right: bool) -> None:  # noqa: FBT001 - pytest's way
    """The last digit of a salt has four bits that mean nothing, whatever a generator put there."""
    secret = BcryptSecret(HASH[:28] + end + HASH[29:])

    assert right is secret.matches(b"secret")


@given(password=st.binary(max_size=80), attempt=st.binary(max_size=200))
def test_any_bytes_are_judged(password: bytes, attempt: bytes) -> None:
    """Whatever is given is right or wrong, and never an exception."""
    secret = BcryptSecret(hash_of(password[:72]))

    assert (key_of(password[:72]) == key_of(attempt)) is secret.matches(attempt)


@given(st.text(st.characters()))
def test_any_text_has_bytes(text: str) -> None:
    """Half a surrogate pair can be compared like everything else."""
    assert PlainSecret(text).matches(encoded(text))


@pytest.mark.parametrize("secret", [PlainSecret("s3cr3t"), BcryptSecret(HASH)], ids=["plain", "bcrypt"])
def test_a_secret_does_not_show_itself(secret: object) -> None:
    """No representation holds the secret or its hash."""
    assert "s3cr3t" not in repr(secret)
    assert HASH[29:] not in repr(secret)
