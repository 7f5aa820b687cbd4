"""What a process holds, and how that grows with what it does."""

import asyncio
import gc
import os
import threading
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")

_NOISE = {"kibibytes": 1024}
"""What comes and goes with the pages of the allocator."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What the process holds."""

    kibibytes: float
    descriptors: int
    tasks: int
    threads: int
    objects: int
    leftovers: int
    """Stopped servers, or closed connections, that are still alive."""


TITLES = ("memory (KiB)", "descriptors", "tasks", "threads", "objects", "left over")


def holding(leftovers: int) -> Holding:
    """What is held now, when all that can be collected is."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return Holding(
        kibibytes=pages * _PAGE / 1024,
        descriptors=len(list(Path("/proc/self/fd").iterdir())) - 1,
        tasks=len(asyncio.all_tasks()),
        threads=threading.active_count(),
        objects=len(gc.get_objects()),
        leftovers=leftovers,
    )


@dataclass(frozen=True, slots=True)
class Limits:
    """The greatest slopes that are no leak, per server or connection; none of the others may grow at all."""

    kibibytes: float
    objects: float


@dataclass(frozen=True, slots=True)
class Growth:
    """What was held after some servers, or connections, and after more of them."""

    title: str
    unit: str
    counts: tuple[int, ...]
    """How many there had been, besides those that warmed it up."""
    held: tuple[Holding, ...]
    limits: Limits

    def slopes(self) -> list[float]:
        """By field, per unit."""
        rows = zip(*(astuple(one) for one in self.held), strict=True)
        return [slope(self.counts, row) for row in rows]

    def leaks(self) -> list[str]:
        """The fields that grow too much."""
        first, last = self.held[0], self.held[-1]
        found = []
        for field, title, per_unit in zip(fields(Holding), TITLES, self.slopes(), strict=True):
            more = getattr(last, field.name) - getattr(first, field.name)
            if field.name in ("kibibytes", "objects"):
                grows = per_unit > getattr(self.limits, field.name) and more > _NOISE.get(field.name, 0)
            else:
                grows = more > 0
            if grows:
                found.append(title)
        return found

    def table(self) -> str:
        """For the terminal, and for a page."""
        leaks = self.leaks()
        lines = [
            f"{self.title}: {self.counts[-1]:,}",
            "",
            f"| | at first | at last | per {self.unit} | |",
            "| --- | --: | --: | --: | --- |",
        ]
        rows = zip(TITLES, astuple(self.held[0]), astuple(self.held[-1]), self.slopes(), strict=True)
        for title, first, last, per_unit in rows:
            verdict = "grows" if title in leaks else "flat"
            lines.append(f"| {title} | {first:,.0f} | {last:,.0f} | {per_unit:+.4f} | {verdict} |")
        return "\n".join(lines) + "\n"


def slope(xs: Sequence[float], ys: Sequence[float]) -> float:
    """Of the straight line through these points with the least squares."""
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    width = sum((x - mean_x) ** 2 for x in xs)
    return sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True)) / width if width else 0.0
