"""``python -m tests.simulation``: play many seeds, and explain the first failure.

The exit status is 0 if every promise was kept, otherwise 1. A failed seed is played again
for its trace, and its scenario is shrunk.
"""

import argparse
import gc
import itertools
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from app.domain.dataplane import AUTO, choose
from tests.simulation.mutants import MUTANTS
from tests.simulation.scenario import TREES, VERSION, Scenario, is_tree, make_scenario
from tests.simulation.shrink import shrink
from tests.simulation.simulation import SimulationResult
from tests.simulation.tree_simulation import make_simulation

_FAILURES_SHOWN = 5
_TRACE_LINES = 80


@dataclass(frozen=True, slots=True)
class SeedResult:
    """The result of one seed."""

    seed: int
    violation: str | None
    counts: dict[str, int]
    healing: list[float]


def parse(words: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument(
        "--seeds",
        type=_seeds,
        default=range(1000),
        metavar="N or A..B",
        help="number of seeds, or first and last seed (default: 1000)",
    )
    parser.add_argument(
        "--trees",
        type=int,
        metavar="N",
        help=f"only this number of trees, which are every {TREES}th seed, from the first of --seeds on",
    )
    parser.add_argument("--processes", type=int, default=2, help="number of worker processes (default: 2)")
    parser.add_argument("--mutant", "--plant", choices=MUTANTS, help="run brokers with this injected defect")
    parser.add_argument("--trace", action="store_true", help="print all events and logs of each seed")
    parser.add_argument("--keep-size", action="store_true", help="do not shrink the failing scenario")
    return parser.parse_args(words)


def _seeds(text: str) -> range:
    first, dots, last = text.partition("..")
    try:
        return range(int(first), int(last) + 1) if dots else range(int(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected N or A..B, not {text!r}") from None


def chosen_seeds(options: argparse.Namespace) -> range:
    """The seeds to play."""
    seeds: range = options.seeds
    if options.trees is None:
        return seeds
    first = next(filter(is_tree, itertools.count(seeds.start)))
    return range(first, first + options.trees * TREES, TREES)


def twin() -> str:
    """The data plane: that of the variable ``DATA_PLANE``, or the native one if it is built."""
    return os.environ.get("DATA_PLANE", AUTO)


def play(scenario: Scenario, mutant: str | None, *, echo: bool = False) -> SimulationResult:
    """Play a scenario on the chosen data plane."""
    simulation = make_simulation(scenario, choose(twin())[1], echo=echo)
    if mutant is not None:
        simulation.make_broker = MUTANTS[mutant].make_broker
    return simulation.play()


def work(mutant: str | None, seed: int) -> SeedResult:
    """Play one seed, in a worker process."""
    outcome = play(make_scenario(seed), mutant)
    gc.collect()  # a simulation has many cycles, and large buffers that the collector does not count
    return SeedResult(seed, outcome.violation, outcome.counts, outcome.healing)


class Report:
    """Collects results, and prints progress."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._began = self._reported = time.monotonic()
        self._played = 0
        self.counts: Counter[str] = Counter()
        self.healing: list[float] = []
        self.failures: list[SeedResult] = []

    def take(self, result: SeedResult) -> None:
        """Add one result; print progress every few seconds."""
        self._played += 1
        self.counts.update(result.counts)
        self.healing += result.healing
        if result.violation is not None:
            self.failures.append(result)
            if len(self.failures) <= _FAILURES_SHOWN:
                _print(f"seed {result.seed}: {_headline(result.violation)}")
        now = time.monotonic()
        if now - self._reported > 5.0 or self._played == self._total:
            self._reported = now
            rate = self._played / (now - self._began)
            _print(f"{self._played}/{self._total} seeds, {rate:.1f} per second, {len(self.failures)} failed")

    def summary(self) -> str:
        """All counts, faults last."""
        ordinary = {name: count for name, count in self.counts.items() if not name.startswith("fault ")}
        faults = {name: count for name, count in self.counts.items() if name.startswith("fault ")}
        lines = [f"  {count:>11,}  {name}" for name, count in ordinary.items()]
        lines += [f"  {count:>11,}  {name}" for name, count in sorted(faults.items())]
        if self.healing:
            ordered = sorted(self.healing)
            median, late = ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100]
            lines.append(
                f"seconds from the last fault to a complete mesh: "
                f"{median:g} (median), {late:g} (99th percentile), {ordered[-1]:g} (maximum)"
            )
        return "\n".join(lines)


def explain(seed: int, mutant: str | None, *, keep_size: bool) -> None:
    """Print how a seed fails: its scenario, its trace, and the command that plays it again."""
    scenario = make_scenario(seed)
    outcome = play(scenario, mutant)
    if outcome.violation is None:
        _print(
            f"seed {seed} did not fail again: its result is not deterministic, which is a defect of its own"
        )
        return
    kind = _kind(outcome.violation)
    if not keep_size:
        steps = scenario.steps
        scenario = shrink(scenario, lambda smaller: _kind(play(smaller, mutant).violation) == kind)
        outcome = play(scenario, mutant)
        _print(f"\nseed {seed}, shrunk: {scenario.steps} of {steps} steps")
    _print("\n".join(scenario.lines()))
    _print(f"\nthe last {_TRACE_LINES} events: virtual seconds, source, event")
    _print("\n".join(outcome.trace[-_TRACE_LINES:]))
    _print(f"\n{outcome.violation}")
    _print(f"\nscenario version {VERSION}, data plane {choose(twin())[0]}; replay with:")
    given = f" ARGS='--mutant {mutant}'" if mutant is not None else ""
    _print(f"  make simulate SEEDS={seed}..{seed} TRACE=1{given}")


def _kind(violation: str | None) -> str:
    """The name of the broken promise."""
    return violation.partition(":")[0] if violation is not None else ""


def _headline(violation: str) -> str:
    lines = violation.strip().splitlines()
    return lines[0] if len(lines) == 1 else f"{lines[0]} … {lines[-1]}"


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main(words: Sequence[str] | None = None) -> int:
    """Play the seeds; returns the exit status."""
    options = parse(words)
    seeds = chosen_seeds(options)
    if options.trace:
        outcomes = [play(make_scenario(seed), options.mutant, echo=True) for seed in seeds]
        _print(
            "\n".join(f"{outcome.digest} {outcome.violation or 'all promises kept'}" for outcome in outcomes)
        )
        return int(any(outcome.violation is not None for outcome in outcomes))
    report = Report(len(seeds))
    with multiprocessing.Pool(options.processes) as pool:
        for result in pool.imap_unordered(partial(work, options.mutant), seeds, chunksize=4):
            report.take(result)
    _print(report.summary())
    if not report.failures:
        _print("all promises kept")
        return 0
    failed = sorted(result.seed for result in report.failures)
    _print(f"{len(failed)} seeds failed: {', '.join(map(str, failed[:50]))}")
    explain(failed[0], options.mutant, keep_size=options.keep_size)
    return 1


if __name__ == "__main__":
    sys.exit(main())
