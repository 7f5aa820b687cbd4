"""A thousand seeds of crashes keep all promises, and each defect is found."""

import pytest

from tests.simulation.storage.mutants import injected
from tests.simulation.storage.play import play
from tests.support.store import Store, fill

BLOCKS = 20
BLOCK = 50


@pytest.mark.parametrize("block", range(BLOCKS))
def test_what_was_acknowledged_is_there(block: int) -> None:
    """Whatever the disk kept of the rest, and also if the power goes again during recovery."""
    failed = {seed: broken for seed in range(block * BLOCK, (block + 1) * BLOCK) if (broken := play(seed))}

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


@pytest.mark.parametrize(
    ("mutant", "seeds"),
    [
        ("no sync of segments", 20),
        ("no sync of journals", 20),
        ("no sync of directories", 20),
        ("a torn tail is damage", 200),
    ],
)
def test_defects_are_found(mutant: str, seeds: int) -> None:
    """A store without one of its precautions breaks a promise in one of the first seeds."""
    with injected(mutant):
        assert any(play(seed) is not None for seed in range(seeds))
