"""Entropy: the server's only source of randomness."""

from typing import Protocol


class Entropy(Protocol):
    """Randomness; a seeded source repeats itself, which tests rely on."""

    def identifier(self) -> str:
        """A new server id: 22 characters from ``[0-9A-Za-z]``."""
        ...

    def nonce(self) -> str:
        """A new nonce for a client to sign: 11 random bytes, 15 characters of base64url."""
        ...

    def seed(self) -> int:
        """A fresh seed from 1 to 2**64 - 1 for the draw of queue group members."""
        ...
