"""Samples of a server, the slopes through them, and the bounds that a soak judges by."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

TEN_MINUTES = 600.0


@dataclass(frozen=True, slots=True)
class Sample:
    """The server at one moment of the soak."""

    seconds: float
    """Since the load began."""
    memory: float
    """Resident memory, in MiB."""
    plans: float
    """Memory of the plan cache by its own estimate, in MiB. It grows to its bound and starts anew."""
    descriptors: int
    threads: int
    tasks: int
    """Tasks of its event loop."""
    lateness: float
    """Worst wait of the probe for an answer since the last sample, in milliseconds."""


@dataclass(frozen=True, slots=True)
class Slope:
    """A straight line through the second half of a soak."""

    per_ten_minutes: float
    growth: float
    """What the line gained over the part that it was drawn through."""
    last: float


@dataclass(frozen=True, slots=True)
class Bound:
    """How much a figure may grow.

    In a short soak a small step makes a steep line, so growth must also pass `step` to count.
    """

    per_ten_minutes: float
    step: float

    def is_passed_by(self, slope: Slope) -> bool:
        """Whether the figure grew too much."""
        return slope.per_ten_minutes > self.per_ten_minutes and slope.growth > self.step


COLUMNS: Mapping[str, Callable[[Sample], float]] = {
    "memory (MiB)": lambda sample: sample.memory,
    "without plans": lambda sample: sample.memory - sample.plans,
    "descriptors": lambda sample: sample.descriptors,
    "threads": lambda sample: sample.threads,
    "tasks": lambda sample: sample.tasks,
    "lateness (ms)": lambda sample: sample.lateness,
}

BOUNDS = {
    "without plans": Bound(per_ten_minutes=16.0, step=8.0),
    "descriptors": Bound(per_ten_minutes=32.0, step=16.0),
}
"""Figures that decide the exit status. Time is not among them: a busy machine is no fault of the server."""


def slopes(samples: Sequence[Sample]) -> dict[str, Slope]:
    """The slope of each column over the second half; empty with fewer than two samples there."""
    half = second_half(samples)
    if len(half) < 2:
        return {}
    return {name: _slope([(one.seconds, value(one)) for one in half]) for name, value in COLUMNS.items()}


def second_half(samples: Sequence[Sample]) -> list[Sample]:
    """The samples after the middle of the soak: caches are warm by then."""
    middle = samples[-1].seconds / 2 if samples else 0.0
    return [sample for sample in samples if sample.seconds >= middle]


def _slope(points: Sequence[tuple[float, float]]) -> Slope:
    """Least squares."""
    center = sum(x for x, _ in points) / len(points)
    level = sum(y for _, y in points) / len(points)
    spread = sum((x - center) ** 2 for x, _ in points)
    rise = sum((x - center) * (y - level) for x, y in points) / spread if spread else 0.0
    return Slope(rise * TEN_MINUTES, rise * (points[-1][0] - points[0][0]), points[-1][1])


def passed_bounds(lines: Mapping[str, Slope]) -> list[str]:
    """One sentence for each bound that was passed."""
    return [
        f"{name}: grew by {lines[name].per_ten_minutes:.1f} in 10 minutes, at most {bound.per_ten_minutes:g}"
        for name, bound in BOUNDS.items()
        if name in lines and bound.is_passed_by(lines[name])
    ]


def report(samples: Sequence[Sample], counts: Mapping[str, int]) -> str:
    """The load, the slopes and the worst lateness, as text."""
    lines = [f"{number:>10,}  {what}" for what, number in counts.items()]
    lines += ["", f"{'':<16}{'last':>10}{'per 10 min':>12}{'bound':>8}"]
    for name, slope in slopes(samples).items():
        bound = f"{BOUNDS[name].per_ten_minutes:g}" if name in BOUNDS else "-"
        lines.append(f"{name:<16}{slope.last:>10.1f}{slope.per_ten_minutes:>+12.2f}{bound:>8}")
    worst = max(samples, key=lambda sample: sample.lateness)
    lines += [
        "",
        f"worst lateness of the probe: {worst.lateness:.1f} ms, {worst.seconds:.0f} s after the start",
    ]
    return "\n".join(lines) + "\n"
