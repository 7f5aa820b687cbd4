"""The report: one table for the terminal, and the same as a document."""

import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from benchmarks.measure import Result
from benchmarks.rows import Figure
from benchmarks.servers import NATIVE, PEER, PEER_PACKAGE, PLAIN

BUSY = 0.8
"""A generator that worked for more of the time than this may have been the bottleneck."""

_HEAD = ("row", "native", "plain", "peer", "native: times better", "goal", "plain: times better", "goal")


def number(value: float | None) -> str:
    """A figure with three significant digits; a dash where there is none."""
    if value is None:
        return "-"
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def lines_of(result: Result) -> list[tuple[str, ...]]:
    """The table's lines for one row: one for each of its figures."""
    return [_line(result, figure) for figure in result.row.figures]


def _line(result: Result, figure: Figure) -> tuple[str, ...]:
    medians = {server: result.median(server, figure.name) for server in (NATIVE, PLAIN, PEER)}
    title = result.row.title if len(result.row.figures) == 1 else f"{result.row.title}: {figure.name}"
    busy = "*" if result.load_share(NATIVE) > BUSY else ""
    return (
        f"{title} ({figure.unit})",
        number(medians[NATIVE]) + busy,
        number(medians[PLAIN]),
        number(medians[PEER]),
        *_verdict(figure, medians[NATIVE], medians[PEER], figure.goal),
        *_verdict(figure, medians[PLAIN], medians[PEER], figure.plain_goal),
    )


def _verdict(figure: Figure, ours: float | None, peer: float | None, goal: float | None) -> tuple[str, str]:
    """The ratio to the peer, and whether it meets the goal."""
    ratio = figure.ratio(ours, peer) if ours is not None and peer is not None else None
    if goal is None:
        return number(ratio), ""
    if peer is None:
        return number(ratio), f"{goal:g} open: the peer failed"
    met = ratio is not None and ratio >= goal
    return number(ratio), f"{goal:g} {'met' if met else 'not met'}"


def table(results: Sequence[Result]) -> str:
    """All lines in columns, for a terminal."""
    rows = [_HEAD, *(line for result in results for line in lines_of(result))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    return "\n".join(
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows
    )


def failures(results: Sequence[Result]) -> list[str]:
    """What servers failed at, a line each."""
    return [
        f"{result.row.title}: {server}: {reason}"
        for result in results
        for server, reason in result.failures.items()
    ]


_ABOUT_ALL = (
    "Our server with either twin of the data plane, and nats-server, written in Go, beside them:"
    " in one run, in turns, with default settings. Figures are medians of the rounds."
    " A ratio above 1 means better than the peer; figures alone mean little on another machine."
)


def document(results: Sequence[Result], chart: str) -> str:
    """The report as Markdown."""
    parts = [
        "# Benchmarks",
        "",
        _ABOUT_ALL,
        "",
        "`make bench` measures again and writes this page.",
        "",
        f"Measured on {machine()}.",
        "",
        f"![Times better than the peer, by row]({chart})",
    ]
    for section in dict.fromkeys(result.row.section for result in results):
        lines = [line for result in results if result.row.section == section for line in lines_of(result)]
        parts += [
            "",
            f"## {section.title}",
            "",
            section.about,
            "",
            _markdown(_HEAD),
            _markdown(("---",) * len(_HEAD)),
        ]
        parts += [_markdown(line) for line in lines]
    parts += [
        "",
        "`*` the load generator was busy for most of the time and may have been the bottleneck.",
        "",
    ]
    if failed := failures(results):
        parts += ["## Failed", "", *(f"- {line}" for line in failed), ""]
    return "\n".join(parts)


def _markdown(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def machine() -> str:
    """Processor, cores and versions; nothing that identifies the machine."""
    return (
        f"{_processor()}, {os.cpu_count()} cores, {platform.system()}, "
        f"{platform.python_implementation()} {platform.python_version()}, "
        f"uvloop {version('uvloop')}, nats-server {version(PEER_PACKAGE)}"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    return next(
        (line.partition(":")[2].strip() for line in lines if "model name" in line), platform.machine()
    )
