"""The port of randomness, and who implements it."""

import pytest

from app.adapters.entropy import SystemEntropy
from app.ports.entropy import Entropy
from tests.fakes.contracts import breaches
from tests.fakes.entropy import SeededEntropy


@pytest.mark.parametrize("implementation", [SystemEntropy, SeededEntropy])
def test_implementations(implementation: type) -> None:
    """The system's randomness and the seeded one have all methods of the port."""
    assert [] == breaches(Entropy, implementation)


@pytest.mark.parametrize("source", [SystemEntropy(), SeededEntropy(1)])
def test_identifiers_and_seeds(source: Entropy) -> None:
    """An id has 22 letters and digits, and a seed has 64 bits and is not zero."""
    identifier = source.identifier()

    assert (22, True, True) == (len(identifier), identifier.isascii(), identifier.isalnum())
    assert 1 <= source.seed() < 2**64
