"""Whatever is damaged in a store, only what was touched is lost, and it is reported."""

from random import Random

import pytest

from tests.simulation.storage.damage import Examination, Image, blocks, cuts, files, flips

EVERY = 61


@pytest.mark.parametrize("closed", [True, False])
def test_damage_costs_what_it_touches(*, closed: bool) -> None:
    """Bits, ends, blocks and whole files; `python -m tests.simulation.storage.damage` tries every byte."""
    one = Examination(Image(closed=closed), salvage_every=4)
    one.run(flips(one.image, EVERY, Random(1)))
    one.run(cuts(one.image, EVERY))
    one.run(blocks(one.image, 128))
    one.run(files(one.image))

    assert [] == one.broken
    assert 400 < one.tried
    assert 100 < one.lost
    assert 100 < one.salvaged
