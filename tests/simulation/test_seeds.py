"""A few dozen seeds on both twins; ``make simulate`` plays thousands."""

import os
import subprocess
import sys

import pytest

from app.domain.dataplane import choose
from tests.simulation.__main__ import chosen_seeds, main, parse
from tests.simulation.scenario import FAULTS, Argument, Scenario, Step, make_scenario
from tests.simulation.shrink import shrink
from tests.simulation.simulation import SimulationResult
from tests.simulation.tree_simulation import make_simulation
from tests.support.twins import twins

SEEDS = 40

_DIGESTS = """
from tests.simulation.scenario import make_scenario
from tests.simulation.test_seeds import play
print([play(make_scenario(seed), "python").digest for seed in range(3)])
"""


def play(scenario: Scenario, twin: str) -> SimulationResult:
    """Play a scenario on one twin of the data plane."""
    return make_simulation(scenario, choose(twin)[1]).play()


@pytest.mark.timeout(300)  # a seed with fifty servers takes long on a busy machine
@pytest.mark.parametrize("seed", range(SEEDS))
def test_every_promise_is_kept(seed: int) -> None:
    """No seed has a violation, and both twins have equal traces, to the byte and the nanosecond."""
    outcomes = {twin: play(make_scenario(seed), twin) for twin in twins()}

    assert dict.fromkeys(twins()) == {twin: outcome.violation for twin, outcome in outcomes.items()}
    assert 1 == len({outcome.digest for outcome in outcomes.values()})


def test_a_seed_plays_the_same_in_every_process() -> None:
    """The process and Python's string hashing have no influence."""
    here = [play(make_scenario(seed), "python").digest for seed in range(3)]

    for hash_seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        there = subprocess.run(
            [sys.executable, "-c", _DIGESTS], env=environment, capture_output=True, text=True, check=True
        )

        assert str(here) == there.stdout.strip()


def test_seeds_differ() -> None:
    """Each seed has a scenario of its own."""
    assert 100 == len({make_scenario(seed) for seed in range(100)})


def test_seeds_cover_all_faults_and_topologies() -> None:
    """All faults, small and large clusters, late starts, route lists with the server itself or duplicates."""
    scenarios = [make_scenario(seed) for seed in range(300)]
    steps = {step.action for scenario in scenarios for phase in scenario.phases for step in phase.steps}
    sizes = {len(scenario.server_specs) for scenario in scenarios}
    server_specs = [(number, spec) for s in scenarios for number, spec in enumerate(s.server_specs)]

    assert set(FAULTS) <= steps
    assert (2, True) == (min(sizes), max(sizes) > 20)
    assert any(spec.starts_late for _, spec in server_specs)
    assert any(number in spec.routes for number, spec in server_specs)
    assert any(len(set(spec.routes)) < len(spec.routes) for _, spec in server_specs)


def test_shrinking_keeps_what_fails() -> None:
    """Only the steps that the failure needs remain."""
    scenario = make_scenario(3)
    cause = scenario.phases[-1].steps[-1]

    smaller = shrink(scenario, lambda candidate: any(cause in phase.steps for phase in candidate.phases))

    assert [cause] == [step for phase in smaller.phases for step in phase.steps]


def test_shrinking_ends_when_every_step_is_needed() -> None:
    """The scenario stays as it is."""
    scenario = make_scenario(3)

    smaller = shrink(scenario, lambda candidate: candidate == scenario)

    assert scenario == smaller


@pytest.mark.parametrize(
    ("action", "arguments"),
    [
        ("power-off", (0,)),
        ("kill", (0,)),
        ("stop", (0,)),
        ("freeze", (0, 1.0)),
        ("refuse-routes", (0, 1.0)),
        ("reset", (0, 1)),
        ("disconnect", (99, 1.0)),
    ],
)
def test_a_step_without_a_target_has_no_effect(action: str, arguments: tuple[Argument, ...]) -> None:
    """So shrinking can remove the steps before it."""
    simulation = make_simulation(make_scenario(3), choose("python")[1])

    simulation.fault_injector.apply(Step(0.0, action, arguments))

    assert {} == simulation.fault_injector.counts


def test_the_program_plays_seeds_and_sums_up(capsys: pytest.CaptureFixture[str]) -> None:
    """Success is in the last line and in the exit status."""
    status = main(["--seeds", "2..3", "--processes", "1"])

    lines = capsys.readouterr().out.splitlines()
    assert 0 == status
    assert any("2/2 seeds" in line for line in lines)  # there is one before, where seeds take long
    assert "all promises kept" == lines[-1]


def test_the_program_plays_only_trees(capsys: pytest.CaptureFixture[str]) -> None:
    """A number of them, from the first one or a later one on."""
    assert [4, 9, 14] == list(chosen_seeds(parse(["--trees", "3"])))
    assert [14, 19] == list(chosen_seeds(parse(["--trees", "2", "--seeds", "10..11"])))
    assert [0, 1, 2] == list(chosen_seeds(parse(["--seeds", "3"])))

    status = main(["--trees", "1", "--seeds", "10..14", "--processes", "1"])

    assert (0, True) == (status, "1/1 seeds" in capsys.readouterr().out)


def test_the_program_explains_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    """It prints the promise, a shrunk scenario, the last events, and the command for a replay."""
    status = main(["--seeds", "0..1", "--processes", "1", "--mutant", "duplicates-deliveries"])

    text = capsys.readouterr().out
    assert 1 == status
    assert "seed 0: at most once: client" in text
    assert "seed 0, shrunk:" in text
    assert "the last 80 events: virtual seconds, source, event" in text
    assert "  make simulate SEEDS=0..0 TRACE=1 ARGS='--mutant duplicates-deliveries'" in text


def test_the_program_traces(capsys: pytest.CaptureFixture[str]) -> None:
    """It prints all events and logs, and the digest last."""
    status = main(["--seeds", "3..3", "--trace"])

    lines = capsys.readouterr().out.splitlines()
    assert 0 == status
    assert any("Registering remote route" in line for line in lines)
    assert play(make_scenario(3), twins()[-1]).digest in lines[-1]
