"""A thousand seeds of crashes keep all promises, and each defect is found."""

import pytest

from tests.simulation.storage.mutants import MUTANTS, injected
from tests.simulation.storage.play import play
from tests.support.store import Store, fill

BLOCKS = 20
BLOCK = 50


@pytest.mark.parametrize("block", range(BLOCKS))
def test_what_was_acknowledged_is_there(block: int) -> None:
    """Whatever the disk kept of the rest, and also if the power goes again during recovery."""
    failed = {seed: broken for seed in range(block * BLOCK, (block + 1) * BLOCK) if (broken := play(seed))}

    assert {} == failed


@pytest.mark.parametrize("block", range(4))
def test_a_relaxed_store_is_consistent(block: int) -> None:
    """Where nothing waits for syncs the newest is lost with the power, and nothing else."""
    seeds = range(block * BLOCK, (block + 1) * BLOCK)
    failed = {seed: broken for seed in seeds if (broken := play(seed, is_relaxed=True))}

    assert {} == failed


def test_a_cut_at_damage_is_found() -> None:
    """A store that takes damage for the end of what was written loses more than one message by one bit."""
    store = Store()
    stream = store.create()
    for _ in range(3):
        fill(stream, 3)
        store.commit(stream)
    disk = store.disk.copy()
    disk.files()["streams/1/00000001.segment"].data[120] ^= 1

    assert 8 == Store(disk.copy()).storage.streams["S"].log.count
    with injected("damage is a torn tail"):
        assert 1 >= Store(disk).storage.streams["S"].log.count


FIRST = {
    "no sync of segments": 0,
    "no sync of journals": 0,
    "no sync of directories": 0,
    "a roll-up without what it removes": 0,
    "the last sequence is not stored": 3,
    "a failed attempt is left as it is": 23,
    "what was refused is written later": 29,
    "a torn tail is damage": 5,
}
"""The first seeds that find each defect. A change of how the store uses the disk may move them."""
FARTHER = 60


@pytest.mark.parametrize("mutant", FIRST)
def test_defects_are_found(mutant: str) -> None:
    """A store without one of its precautions breaks a promise in this seed, or in one of the next."""
    first = FIRST[mutant]
    with injected(mutant):
        assert any(play(seed) is not None for seed in range(first, first + FARTHER))


def test_every_defect_is_looked_for() -> None:
    """But for the one that crashes do not show; see `test_a_cut_at_damage_is_found`."""
    assert set(MUTANTS) - set(FIRST) == {"damage is a torn tail"}
