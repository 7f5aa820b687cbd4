"""``python -m tests.simulation``: play many seeds, and explain the first that fails.

The exit status is 0 when every promise was kept. A seed that failed is played again
for its trace, and its scenario is made smaller as far as it goes.
"""

import argparse
import gc
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from app.domain.dataplane import AUTO, choose
from tests.simulation.planted import PLANTS
from tests.simulation.scenario import VERSION, Scenario, make_scenario
from tests.simulation.shrink import shrink
from tests.simulation.world import Outcome, World

_FAILURES_SHOWN = 5
_TRACE_LINES = 80


@dataclass(frozen=True, slots=True)
class Result:
    """What one seed came to."""

    seed: int
    violation: str | None
    counts: dict[str, int]
    healing: list[float]


def parse(words: Sequence[str] | None) -> argparse.Namespace:
    """The options of a command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument(
        "--seeds", type=_seeds, default=range(1000), metavar="N or A..B", help="which ones (default: 1000)"
    )
    parser.add_argument("--processes", type=int, default=2, help="that play at once (default: 2)")
    parser.add_argument("--plant", choices=PLANTS, help="play with brokers that have this defect")
    parser.add_argument("--trace", action="store_true", help="print everything that happens, and all logs")
    parser.add_argument("--keep-size", action="store_true", help="do not look for a smaller scenario")
    return parser.parse_args(words)


def _seeds(text: str) -> range:
    first, dots, last = text.partition("..")
    try:
        return range(int(first), int(last) + 1) if dots else range(int(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"a number, or two with two dots between: not {text!r}") from None


def twin() -> str:
    """Which data plane plays: what the variable ``DATA_PLANE`` says, or the native one if it is built."""
    return os.environ.get("DATA_PLANE", AUTO)


def play(scenario: Scenario, plant: str | None, *, echo: bool = False) -> Outcome:
    """Play a scenario on the chosen data plane."""
    world = World(scenario, choose(twin())[1], echo=echo)
    if plant is not None:
        world.make_broker = PLANTS[plant].make_broker
    return world.play()


def work(plant: str | None, seed: int) -> Result:
    """Play one seed; in a process of its own."""
    outcome = play(make_scenario(seed), plant)
    gc.collect()  # a world is full of circles, and of buffers that the collector takes for small
    return Result(seed, outcome.violation, outcome.counts, outcome.healing)


class Report:
    """Counts results, and tells how far it is."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._began = self._told = time.monotonic()
        self._played = 0
        self.counts: Counter[str] = Counter()
        self.healing: list[float] = []
        self.failures: list[Result] = []

    def take(self, result: Result) -> None:
        """Count one result; say something every few seconds."""
        self._played += 1
        self.counts.update(result.counts)
        self.healing += result.healing
        if result.violation is not None:
            self.failures.append(result)
            if len(self.failures) <= _FAILURES_SHOWN:
                _say(f"seed {result.seed}: {_headline(result.violation)}")
        now = time.monotonic()
        if now - self._told > 5.0 or self._played == self._total:
            self._told = now
            rate = self._played / (now - self._began)
            _say(f"{self._played}/{self._total} seeds, {rate:.1f} per second, {len(self.failures)} failed")

    def summary(self) -> str:
        """All that was counted, faults last."""
        ordinary = {name: count for name, count in self.counts.items() if not name.startswith("fault ")}
        faults = {name: count for name, count in self.counts.items() if name.startswith("fault ")}
        lines = [f"  {count:>11,}  {name}" for name, count in ordinary.items()]
        lines += [f"  {count:>11,}  {name}" for name, count in sorted(faults.items())]
        if self.healing:
            ordered = sorted(self.healing)
            median, late = ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100]
            lines.append(
                f"mended meshes were complete within {median:g} s (half of them), "
                f"{late:g} s (99 of 100), {ordered[-1]:g} s (all)"
            )
        return "\n".join(lines)


def explain(seed: int, plant: str | None, *, keep_size: bool) -> None:
    """Show how a seed fails: its trace, its scenario, and how to play it again."""
    scenario = make_scenario(seed)
    outcome = play(scenario, plant)
    if outcome.violation is None:
        _say(f"seed {seed} fails no more: it does not play the same twice, which is a defect in itself")
        return
    kind = _kind(outcome.violation)
    if not keep_size:
        steps = scenario.steps
        scenario = shrink(scenario, lambda smaller: _kind(play(smaller, plant).violation) == kind)
        outcome = play(scenario, plant)
        _say(f"\nseed {seed}, made smaller: {scenario.steps} of {steps} steps")
    _say("\n".join(scenario.lines()))
    _say(f"\nthe last {_TRACE_LINES} events: virtual seconds, who, what")
    _say("\n".join(outcome.trace[-_TRACE_LINES:]))
    _say(f"\n{outcome.violation}")
    _say(f"\nscenario version {VERSION}, data plane {choose(twin())[0]}; play it again with:")
    given = f" ARGS='--plant {plant}'" if plant is not None else ""
    _say(f"  make simulate SEEDS={seed}..{seed} TRACE=1{given}")


def _kind(violation: str | None) -> str:
    """Which promise was broken."""
    return violation.partition(":")[0] if violation is not None else ""


def _headline(violation: str) -> str:
    lines = violation.strip().splitlines()
    return lines[0] if len(lines) == 1 else f"{lines[0]} … {lines[-1]}"


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main(words: Sequence[str] | None = None) -> int:
    """Play the seeds; the exit status."""
    options = parse(words)
    if options.trace:
        outcomes = [play(make_scenario(seed), options.plant, echo=True) for seed in options.seeds]
        _say(
            "\n".join(f"{outcome.digest} {outcome.violation or 'all promises kept'}" for outcome in outcomes)
        )
        return int(any(outcome.violation is not None for outcome in outcomes))
    report = Report(len(options.seeds))
    with multiprocessing.Pool(options.processes) as pool:
        for result in pool.imap_unordered(partial(work, options.plant), options.seeds, chunksize=4):
            report.take(result)
    _say(report.summary())
    if not report.failures:
        _say("all promises kept")
        return 0
    failed = sorted(result.seed for result in report.failures)
    _say(f"{len(failed)} seeds failed: {', '.join(map(str, failed[:50]))}")
    explain(failed[0], options.plant, keep_size=options.keep_size)
    return 1


if __name__ == "__main__":
    sys.exit(main())
