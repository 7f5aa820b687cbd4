"""Randomness from the operating system."""

import secrets
import string

from ..ports.entropy import Entropy

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_IDENTIFIER_LENGTH = 22
_IDENTIFIERS = len(_ALPHABET) ** _IDENTIFIER_LENGTH
_SEEDS = 2**64
_NONCE_BYTES = 11


class SystemEntropy(Entropy):
    """Unpredictable, from the operating system."""

    def identifier(self) -> str:
        number, characters = secrets.randbelow(_IDENTIFIERS), ""
        for _ in range(_IDENTIFIER_LENGTH):
            number, place = divmod(number, len(_ALPHABET))
            characters += _ALPHABET[place]
        return characters

    def nonce(self) -> str:
        return secrets.token_urlsafe(_NONCE_BYTES)

    def seed(self) -> int:
        return 1 + secrets.randbelow(_SEEDS - 1)
