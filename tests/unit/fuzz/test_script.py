"""Scripts: kept, played, and the same on both twins."""

import random
from pathlib import Path

import pytest

from app.domain.dataplane import choose
from fuzz.__main__ import CORPUS
from fuzz.mutate import Mutator
from fuzz.script import SEND, WAIT, Step, load, play, save
from tests.support.twins import twins

SEEDS = sorted(CORPUS.glob("*.json"))


def test_a_script_survives_its_file(tmp_path: Path) -> None:
    """Any byte comes back as it was."""
    script = (Step(SEND, 1, bytes(range(256))), Step(WAIT, 0, b"", 2.5))

    save(tmp_path / "x.json", script)

    assert script == load(tmp_path / "x.json")


@pytest.mark.parametrize("path", SEEDS, ids=lambda path: path.stem)
def test_seeds_agree(path: Path) -> None:
    """Every seed of the corpus comes to the same on all twins, and leaves a trace."""
    outcomes = [play(choose(twin)[1], load(path)) for twin in twins()]

    assert all(outcome == outcomes[0] for outcome in outcomes)
    assert any(outcomes[0].heard) or any(outcomes[0].ended)


def test_the_same_chance_makes_the_same_script() -> None:
    """A seed repeats a run."""
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
