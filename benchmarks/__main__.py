"""``python -m benchmarks``: measure, print the table, write the page."""

import argparse
import sys
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

from benchmarks import monitoring
from benchmarks.chart import bars_of, draw
from benchmarks.client import RowFailed
from benchmarks.logins import measure_logins
from benchmarks.measure import Result, measure_row
from benchmarks.report import document, failures, table
from benchmarks.rows import Row, all_rows
from benchmarks.servers import ROOT, CannotStart, contenders

_PAGE = ROOT / "docs" / "benchmarks.md"
_CHART = ROOT / "docs" / "benchmarks.svg"


def parse(words: Sequence[str] | None) -> argparse.Namespace:
    """The options of a command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--rows", metavar="PATTERN", default="*", help="only rows whose title matches, as in '*10*'"
    )
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="samples per server (default: 5)")
    parser.add_argument("--seconds", type=float, default=0.5, help="length of a sample (default: 0.5)")
    parser.add_argument(
        "--quick", action="store_true", help="a smoke run: few rows, one short round, no page"
    )
    parser.add_argument(
        "--monitoring", action="store_true", help="what readers of monitoring cost instead; no page"
    )
    parser.add_argument("--no-docs", action="store_true", help="print the table only; leave docs/ alone")
    parser.add_argument(
        "--logins", action="store_true", help="measure what 200 wrong logins cost a client inside, and no row"
    )
    return parser.parse_args(words)


def chosen(rows: Sequence[Row], pattern: str, *, quick: bool) -> list[Row]:
    """The rows whose title matches; in a quick run those that take no preparation."""
    matching = [row for row in rows if fnmatch(row.title.lower(), pattern.lower())]
    return [row for row in matching if not row.once and "000" not in row.title] if quick else matching


def main(words: Sequence[str] | None = None) -> int:
    """Measure; the exit status is 1 when a server failed a row."""
    options = parse(words)
    if options.monitoring:
        return watch(options.rounds, options.seconds)
    rounds, seconds = (1, 0.1) if options.quick else (options.rounds, options.seconds)
    try:
        if options.logins:
            sys.stdout.write(measure_logins())
            return 0
        servers = contenders()
        results: list[Result] = []
        for row in chosen(all_rows(), options.rows, quick=options.quick):
            sys.stderr.write(f"{row.section.title}: {row.title}\n")
            results.append(measure_row(row, servers, rounds, seconds))
    except (CannotStart, RowFailed) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(table(results) + "\n")
    failed = failures(results)
    sys.stdout.write("".join(f"failed: {line}\n" for line in failed))
    if not (options.no_docs or options.quick or options.rows != "*"):
        write(_PAGE, document(results, _CHART.name))
        write(_CHART, draw(bars_of(results)))
    return 1 if failed else 0


def watch(rounds: int, seconds: float) -> int:
    """Measure monitoring, print the table."""
    try:
        ours, _, peer = contenders()
        results = [(one.name, monitoring.measure(one, rounds, seconds)) for one in (ours, peer)]
    except CannotStart as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(monitoring.table(results) + "\n")
    return 0


def write(path: Path, text: str) -> None:
    """Write a page, and say so."""
    path.write_text(text, encoding="utf-8")
    sys.stderr.write(f"wrote {path.relative_to(ROOT)}\n")


if __name__ == "__main__":
    sys.exit(main())
