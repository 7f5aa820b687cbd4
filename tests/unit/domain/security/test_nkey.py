"""Unit tests of nkeys and signatures as text."""

import base64

import pytest

from app.domain.security.nkey import (
    public_user_key,
    public_user_text,
    signature_bytes,
    signature_text,
    user_seed,
)
from tests.support.nkeys import key_text, seed_text

KEY = bytes(range(32))
SIGNATURE = bytes(range(192, 256))
URL = base64.urlsafe_b64encode(SIGNATURE).decode()


def test_a_public_key_of_a_user() -> None:
    """The text of a user's key has 56 characters, begins with U, and gives the key."""
    text = key_text(KEY)

    assert (56, "U", KEY) == (len(text), text[0], public_user_key(text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "U",
        key_text(KEY).lower(),
        key_text(KEY)[:-1],
        key_text(KEY) + "A",
        key_text(KEY)[:-1] + "1",
        key_text(KEY)[:-2] + "AA",
        key_text(KEY, prefix=0),
        key_text(KEY) + "\n",
        "\u00dc" * 56,
    ],
)
def test_what_is_no_public_key_of_a_user(text: str) -> None:
    """Another length, alphabet, checksum or prefix makes no key, and no exception."""
    assert public_user_key(text) is None


@pytest.mark.parametrize("text", [URL.rstrip("="), base64.b64encode(SIGNATURE).decode()])
def test_both_forms_of_a_signature(text: str) -> None:
    """Signatures come as base64url without padding, or as standard base64 with padding."""
    assert SIGNATURE == signature_bytes(text)


@pytest.mark.parametrize("text", ["", "x", URL, URL[:-4], "A" * 87, "=" * 86, "\u00e9" * 86, "A" * 5000])
def test_what_is_no_signature(text: str) -> None:
    """Padded base64url, another length and another alphabet make no signature, and no exception."""
    assert signature_bytes(text) is None


def test_the_text_of_a_public_key() -> None:
    """What is written is read again."""
    assert key_text(KEY) == public_user_text(KEY)


def test_the_text_of_a_signature() -> None:
    """It has the form in which clients send it, without padding."""
    assert URL.rstrip("=") == signature_text(SIGNATURE)
    assert SIGNATURE == signature_bytes(signature_text(SIGNATURE))


def test_a_seed_of_a_user() -> None:
    """The text of a seed has 58 characters, begins with SU, and gives the private key."""
    text = seed_text(KEY)

    assert (58, "SU", KEY) == (len(text), text[:2], user_seed(text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SU",
        key_text(KEY),
        seed_text(KEY).lower(),
        seed_text(KEY)[:-1],
        seed_text(KEY)[:-2] + "AA",
        seed_text(KEY, prefix=0),
        seed_text(KEY) + "\n",
    ],
)
def test_what_is_no_seed_of_a_user(text: str) -> None:
    """Another length, alphabet, checksum or kind makes no seed, and no exception."""
    assert user_seed(text) is None
