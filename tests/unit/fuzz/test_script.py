"""Scripts are saved and loaded, and have equal outcomes on both twins."""

import random
from pathlib import Path

import pytest

from app.domain.dataplane import choose
from fuzz.__main__ import CORPUS
from fuzz.mutate import Mutator
from fuzz.script import SEND, WAIT, ScriptStep, load, play, save
from tests.support.twins import twins

SEEDS = sorted(CORPUS.glob("*.json"))


def test_a_script_survives_its_file(tmp_path: Path) -> None:
    """Every byte value is loaded as it was saved."""
    script = (ScriptStep(SEND, 1, bytes(range(256))), ScriptStep(WAIT, 0, b"", 2.5))

    save(tmp_path / "x.json", script)

    assert script == load(tmp_path / "x.json")


@pytest.mark.parametrize("path", SEEDS, ids=lambda path: path.stem)
def test_seeds_agree(path: Path) -> None:
    """Every script of the corpus has the same outcome on all twins, and a visible one."""
    outcomes = [play(choose(twin)[1], load(path)) for twin in twins()]

    assert all(outcome == outcomes[0] for outcome in outcomes)
    assert any(outcomes[0].heard) or any(outcomes[0].ended)


def test_equal_seeds_make_equal_scripts() -> None:
    """Equal random seeds make equal scripts."""
    seeds = [load(path) for path in SEEDS]
    made = [
        [mutator.mutate(seed, seeds[0]) for seed in seeds]
        for mutator in (Mutator(random.Random(7)), Mutator(random.Random(7)))
    ]

    assert made[0] == made[1]


def test_mutated_scripts_agree() -> None:
    """A short round without the sanitizer: what `make fuzz` does for longer."""
    chance = random.Random(11)
    mutator = Mutator(chance)
    scripts = [load(path) for path in SEEDS]
    for _ in range(150):
        script = mutator.mutate(chance.choice(scripts), chance.choice(scripts))
        outcomes = [play(choose(twin)[1], script) for twin in twins()]

        assert all(outcome == outcomes[0] for outcome in outcomes), script
