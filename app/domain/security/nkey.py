"""Keys of users and their signatures, as text (later-client-features.md, section 6)."""

import base64
import binascii
import re

_USER_PREFIX = 0xA0
"""The first byte of a user's key, which makes the text begin with ``U``."""
_SEED_PREFIX = bytes([0x95, 0x00])
"""The first bytes of a user's seed, which make the text begin with ``SU``."""
_SEED_TEXT = re.compile(r"S[A-Z2-7]{57}")
_KEY_TEXT = re.compile(r"[A-Z2-7]{56}")
_URL_SIGNATURE = re.compile(r"[A-Za-z0-9_-]{86}")
_STANDARD_SIGNATURE = re.compile(r"[A-Za-z0-9+/]{86}==")


def public_user_key(text: str) -> bytes | None:
    """The 32 bytes of a user's public key; None if the text is no such key.

    The text is base32 of a prefix byte, the key, and its CRC-16, low byte first.
    """
    if not _KEY_TEXT.fullmatch(text):
        return None
    data = base64.b32decode(text)
    body, checksum = data[:-2], int.from_bytes(data[-2:], "little")
    if body[0] != _USER_PREFIX or binascii.crc_hqx(body, 0) != checksum:
        return None
    return body[1:]


def public_user_text(key: bytes) -> str:
    """The text of a user's public key of 32 bytes."""
    body = bytes([_USER_PREFIX]) + key
    return base64.b32encode(body + binascii.crc_hqx(body, 0).to_bytes(2, "little")).decode()


def user_seed(text: str) -> bytes | None:
    """The 32 bytes of a user's private seed; None if the text is no such seed.

    The text is base32, without padding, of two prefix bytes, the seed, and their CRC-16, low byte first.
    """
    if not _SEED_TEXT.fullmatch(text):
        return None
    data = base64.b32decode(f"{text}======")
    body, checksum = data[:-2], int.from_bytes(data[-2:], "little")
    if body[:2] != _SEED_PREFIX or binascii.crc_hqx(body, 0) != checksum:
        return None
    return body[2:]


def signature_text(signature: bytes) -> str:
    """How a signature is sent: base64url without padding."""
    return base64.urlsafe_b64encode(signature).decode().rstrip("=")


def signature_bytes(text: str) -> bytes | None:
    """The 64 bytes of a signature; None if the text is none.

    It is base64url without padding, or standard base64 with padding.
    """
    if _URL_SIGNATURE.fullmatch(text):
        return base64.urlsafe_b64decode(f"{text}==")
    if _STANDARD_SIGNATURE.fullmatch(text):
        return base64.b64decode(text)
    return None
