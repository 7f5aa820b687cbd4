"""Unit tests of the sources of chance."""

import re
import secrets

import pytest

from app.adapters.entropy import SystemEntropy
from app.ports.entropy import Entropy
from tests.fakes.entropy import SeededEntropy

LARGEST_SEED = 2**64 - 1


@pytest.fixture(name="entropy", params=["system", "seeded"])
def _entropy(request: pytest.FixtureRequest) -> Entropy:
    """Either source."""
    return SystemEntropy() if request.param == "system" else SeededEntropy(1)


def test_identifiers_have_the_form_of_server_ids(entropy: Entropy) -> None:
    """An identifier has 22 digits or letters, and no two are alike."""
    identifiers = [entropy.identifier() for _ in range(500)]

    assert all(re.fullmatch("[0-9A-Za-z]{22}", identifier) for identifier in identifiers)
    assert 500 == len(set(identifiers))
    assert 62 == len(set("".join(identifiers)))


def test_seeds_fit_64_bits_and_are_never_zero(entropy: Entropy) -> None:
    """Every seed is from 1 to 2**64 - 1, and the range is used."""
    seeds = [entropy.seed() for _ in range(500)]

    assert all(1 <= seed <= LARGEST_SEED for seed in seeds)
    assert max(seeds) > 2**63


@pytest.mark.parametrize(("drawn", "seed"), [(0, 1), (LARGEST_SEED - 1, LARGEST_SEED)])
def test_the_ends_of_the_systems_seeds(monkeypatch: pytest.MonkeyPatch, drawn: int, seed: int) -> None:
    """The system's least draw gives 1, its greatest the largest seed."""
    draws = {LARGEST_SEED: drawn}
    monkeypatch.setattr(secrets, "randbelow", draws.__getitem__)

    assert seed == SystemEntropy().seed()


def test_a_seed_repeats_itself() -> None:
    """Equal seeds give equal answers; different seeds do not."""
    first, second, other = SeededEntropy(7), SeededEntropy(7), SeededEntropy(8)

    answers = [(first.identifier(), first.seed()) for _ in range(5)]

    assert answers == [(second.identifier(), second.seed()) for _ in range(5)]
    assert answers != [(other.identifier(), other.seed()) for _ in range(5)]


def test_nonces_are_base64url(entropy: Entropy) -> None:
    """A nonce has 15 characters of base64url, and no two are alike."""
    nonces = [entropy.nonce() for _ in range(100)]

    assert all(re.fullmatch("[0-9A-Za-z_-]{15}", nonce) for nonce in nonces)
    assert 100 == len(set(nonces))
