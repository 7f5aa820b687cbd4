"""Chance that repeats itself: what simulations and tests use."""

import base64
import random
import string

from app.ports.entropy import Entropy

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_IDENTIFIER_LENGTH = 22
_SEEDS = 2**64
_NONCE_BYTES = 11


class SeededEntropy(Entropy):
    """The same answers in the same order for the same seed; never for secrets."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def identifier(self) -> str:
        """An id of a server."""
        return "".join(self._random.choices(_ALPHABET, k=_IDENTIFIER_LENGTH))

    def nonce(self) -> str:
        """What a client signs."""
        return base64.urlsafe_b64encode(self._random.randbytes(_NONCE_BYTES)).rstrip(b"=").decode()

    def seed(self) -> int:
        """A seed for the data plane."""
        return self._random.randrange(1, _SEEDS)
