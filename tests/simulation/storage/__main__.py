"""``python -m tests.simulation.storage``: play many seeds of crashes of the store.

The exit status is 0 if every promise was kept, otherwise 1.
"""

import argparse
import multiprocessing
import sys
import time
from collections.abc import Sequence
from functools import partial

from tests.simulation.storage.mutants import MUTANTS, injected
from tests.simulation.storage.play import Play, play

_SHOWN = 20


def parse(words: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.storage", description=__doc__)
    parser.add_argument(
        "--seeds", type=_seeds, default=range(1000), metavar="N or A..B", help="number, or first and last"
    )
    parser.add_argument("--processes", type=int, default=2, help="number of worker processes (default: 2)")
    parser.add_argument("--mutant", choices=MUTANTS, help="play a store with this defect")
    return parser.parse_args(words)


def _seeds(text: str) -> range:
    first, dots, last = text.partition("..")
    try:
        return range(int(first), int(last) + 1) if dots else range(int(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected N or A..B, not {text!r}") from None


def work(mutant: str | None, seed: int) -> tuple[int, str | None, int, int]:
    """Play one seed: what was broken, acknowledgements, crashes."""
    numbers: list[int] = []

    def watch(one: Play) -> None:
        numbers.extend((one.acknowledged, one.crashes))

    with injected(mutant):
        broken = play(seed, watch)
    return seed, broken, numbers[0], numbers[1]


def main(words: Sequence[str] | None = None) -> int:
    """Play the seeds; returns the exit status."""
    options = parse(words)
    failed: list[int] = []
    acknowledged = crashes = 0
    began = time.monotonic()
    with multiprocessing.Pool(options.processes) as pool:
        for seed, broken, ackd, crashed in pool.imap_unordered(
            partial(work, options.mutant), options.seeds, chunksize=16
        ):
            acknowledged, crashes = acknowledged + ackd, crashes + crashed
            if broken is not None:
                failed.append(seed)
                if len(failed) <= _SHOWN:
                    _print(f"seed {seed}: {broken}")
    took = time.monotonic() - began
    _print(
        f"{len(options.seeds)} seeds in {took:.0f} s: {crashes:,} crashes, "
        f"{acknowledged:,} acknowledgements, {len(failed)} seeds failed"
    )
    if failed:
        first = min(failed)
        _print(f"replay: python -m tests.simulation.storage --seeds {first}..{first}")
    return int(bool(failed))


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
