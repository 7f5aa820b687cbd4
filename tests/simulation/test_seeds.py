"""Some dozens of seeds, over both twins; ``make simulate`` plays thousands."""

import os
import subprocess
import sys

import pytest

from app.domain.dataplane import choose
from tests.simulation.__main__ import main
from tests.simulation.scenario import FAULTS, Scenario, Step, Word, make_scenario
from tests.simulation.shrink import shrink
from tests.simulation.world import Outcome, World
from tests.support.twins import twins

SEEDS = 40

_DIGESTS = """
from tests.simulation.scenario import make_scenario
from tests.simulation.test_seeds import play
print([play(make_scenario(seed), "python").digest for seed in range(3)])
"""


def play(scenario: Scenario, twin: str) -> Outcome:
    """Play a scenario on one twin of the data plane."""
    return World(scenario, choose(twin)[1]).play()


@pytest.mark.parametrize("seed", range(SEEDS))
def test_every_promise_is_kept(seed: int) -> None:
    """In every scenario, and in the same way, to the byte and the nanosecond, on either twin."""
    outcomes = {twin: play(make_scenario(seed), twin) for twin in twins()}

    assert dict.fromkeys(twins()) == {twin: outcome.violation for twin, outcome in outcomes.items()}
    assert 1 == len({outcome.digest for outcome in outcomes.values()})


def test_a_seed_plays_the_same_in_every_process() -> None:
    """Neither the process nor Python's hashing of strings has a say."""
    here = [play(make_scenario(seed), "python").digest for seed in range(3)]

    for hash_seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        there = subprocess.run(
            [sys.executable, "-c", _DIGESTS], env=environment, capture_output=True, text=True, check=True
        )

        assert str(here) == there.stdout.strip()


def test_seeds_differ() -> None:
    """Each one decides a scenario of its own."""
    assert 100 == len({make_scenario(seed) for seed in range(100)})


def test_the_seeds_have_everything_in_them() -> None:
    """All misfortunes, small and large clusters, late servers, lists with the server itself or doubles."""
    scenarios = [make_scenario(seed) for seed in range(300)]
    steps = {step.verb for scenario in scenarios for phase in scenario.phases for step in phase.steps}
    sizes = {len(scenario.seats) for scenario in scenarios}
    seats = [(number, seat) for s in scenarios for number, seat in enumerate(s.seats)]

    assert set(FAULTS) <= steps
    assert (2, True) == (min(sizes), max(sizes) > 20)
    assert any(seat.late for _, seat in seats)
    assert any(number in seat.routes for number, seat in seats)
    assert any(len(set(seat.routes)) < len(seat.routes) for _, seat in seats)


def test_a_scenario_is_made_smaller_as_long_as_it_fails() -> None:
    """Only what it needs to fail is left."""
    scenario = make_scenario(3)
    guilty = scenario.phases[-1].steps[-1]

    smaller = shrink(scenario, lambda candidate: any(guilty in phase.steps for phase in candidate.phases))

    assert [guilty] == [step for phase in smaller.phases for step in phase.steps]


def test_a_scenario_that_needs_everything_stays_as_it_is() -> None:
    """And looking for a smaller one ends."""
    scenario = make_scenario(3)

    smaller = shrink(scenario, lambda candidate: candidate == scenario)

    assert scenario == smaller


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        ("power", (0,)),
        ("kill", (0,)),
        ("stop", (0,)),
        ("freeze", (0, 1.0)),
        ("deaf", (0, 1.0)),
        ("reset", (0, 1)),
        ("lose", (99, 1.0)),
    ],
)
def test_a_step_that_finds_nothing_to_act_on_does_nothing(verb: str, words: tuple[Word, ...]) -> None:
    """So any step before it can be left out."""
    world = World(make_scenario(3), choose("python")[1])

    world.faults.obey(Step(0.0, verb, words))

    assert {} == world.faults.counts


def test_the_program_plays_seeds_and_sums_up(capsys: pytest.CaptureFixture[str]) -> None:
    """The last line says that all went well, and so does the exit status."""
    status = main(["--seeds", "2..3", "--processes", "1"])

    lines = capsys.readouterr().out.splitlines()
    assert 0 == status
    assert "2/2 seeds" in lines[0]
    assert "all promises kept" == lines[-1]


def test_the_program_explains_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    """It names the promise, shows a smaller scenario and the last events, and how to play it again."""
    status = main(["--seeds", "0..1", "--processes", "1", "--plant", "repeats"])

    text = capsys.readouterr().out
    assert 1 == status
    assert "seed 0: at most once: client" in text
    assert "seed 0, made smaller:" in text
    assert "the last 80 events: virtual seconds, who, what" in text
    assert "  make simulate SEEDS=0..0 TRACE=1 ARGS='--plant repeats'" in text


def test_the_program_traces(capsys: pytest.CaptureFixture[str]) -> None:
    """Everything that happens, logs included, and the digest last."""
    status = main(["--seeds", "3..3", "--trace"])

    lines = capsys.readouterr().out.splitlines()
    assert 0 == status
    assert any("Registering remote route" in line for line in lines)
    assert play(make_scenario(3), twins()[-1]).digest in lines[-1]
