"""Chance: from the operating system, or repeatable from a seed."""

import base64
import random
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


class SeededEntropy(Entropy):
    """The same answers in the same order for the same seed; never for secrets."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - it is here to be repeated

    def identifier(self) -> str:
        return "".join(self._random.choices(_ALPHABET, k=_IDENTIFIER_LENGTH))

    def nonce(self) -> str:
        return base64.urlsafe_b64encode(self._random.randbytes(_NONCE_BYTES)).rstrip(b"=").decode()

    def seed(self) -> int:
        return self._random.randrange(1, _SEEDS)
