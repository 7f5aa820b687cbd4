"""Users that log in with an nkey, for tests."""

import base64
import binascii

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def key_text(key: bytes, prefix: int = 0xA0) -> str:
    """The public key as configurations and clients write it."""
    body = bytes([prefix]) + key
    return base64.b32encode(body + binascii.crc_hqx(body, 0).to_bytes(2, "little")).decode()


def seed_text(key: bytes, prefix: int = 0xA0) -> str:
    """The private key as clients read it: five bits say that it is one, eight of what kind."""
    return key_text(bytes([(prefix & 31) << 3]) + key, 0x90 | prefix >> 5).rstrip("=")


class NkeyUser:
    """A user with a private key that is always the same for the same `seed`."""

    def __init__(self, seed: int = 1) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        self.seed = seed_text(bytes([seed]) * 32)
        """The private key."""
        self.nkey = key_text(self._private.public_key().public_bytes_raw())
        """The public key."""

    def sign(self, nonce: str) -> bytes:
        """The signature of a nonce."""
        return self._private.sign(nonce.encode())

    def sig(self, nonce: str) -> str:
        """The same as text: base64url without padding."""
        return base64.urlsafe_b64encode(self.sign(nonce)).rstrip(b"=").decode()
