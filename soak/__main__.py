"""``python -m soak``: mixed load for ten minutes, then the slopes of memory, descriptors and tasks."""

import argparse
import sys
from collections.abc import Sequence

from app.domain.dataplane import AUTO, NATIVE, PYTHON
from soak.figures import Sample, passed_bounds, report, slopes
from soak.measure import SoakFailed, run


def parse(words: Sequence[str] | None) -> argparse.Namespace:
    """The options of a command line."""
    parser = argparse.ArgumentParser(prog="python -m soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0, help="how long (default: 600)")
    parser.add_argument(
        "--data-plane", choices=(AUTO, NATIVE, PYTHON), default=AUTO, help="the twin to soak (default: auto)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the load's choices (default: 1)")
    options = parser.parse_args(words)
    if options.seconds < 2:
        parser.error("--seconds must be at least 2")
    return options


def say(sample: Sample) -> None:
    """One line of progress."""
    sys.stderr.write(
        f"{sample.seconds:6.1f} s  {sample.memory:7.1f} MiB  {sample.plans:5.1f} MiB of plans"
        f"  {sample.descriptors:4} descriptors"
        f"  {sample.threads:3} threads  {sample.tasks:4} tasks  {sample.lateness:7.1f} ms late\n"
    )


def main(words: Sequence[str] | None = None) -> int:
    """Soak; the exit status is 1 when a bound is passed, or the server does not last."""
    options = parse(words)
    try:
        soak = run(options.seconds, options.data_plane, options.seed, say)
    except SoakFailed as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(report(soak.samples, soak.counts))
    passed = passed_bounds(slopes(soak.samples))
    sys.stdout.write("".join(f"failed: {line}\n" for line in passed))
    return 1 if passed else 0


if __name__ == "__main__":
    sys.exit(main())
