"""``python -m benchmarks.instructions``: count the instructions per message of the native twin, by callgrind.

Times depend on the machine and on what else it does; the number of instructions hardly does. The
program needs valgrind. Each row is played by a broker without sockets (`benchmarks.in_memory`),
twice: at first uncounted, so that plans and connections are there. What is counted is all that the
process runs: the data plane, and the broker in Python that it is called by.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.in_memory import COUNTED, exchanges
from benchmarks.servers import ROOT

WITHOUT_VALGRIND = (
    "Instructions are counted by valgrind, which is not installed (on Debian: apt install valgrind).\n"
)

_NAMED = re.compile(r"c?fn=\((\d+)\)(?: (.*))?$")
_PREFIX = re.compile(r"__pyx_\w+?native_\d*")


@dataclass(frozen=True, slots=True)
class Counts:
    """What callgrind counted between two of its dumps."""

    total: int
    functions: Counter[str]
    """Instructions of each function itself, without those that it calls."""


def counts_of(lines: Iterable[str]) -> Counts:
    """Read one dump of callgrind (valgrind's manual, "Callgrind Format Specification")."""
    names: dict[str, str] = {}
    functions: Counter[str] = Counter()
    total, function, is_call = 0, "", False
    for line in lines:
        named = _NAMED.match(line)
        if named:
            number, name = named.groups()
            names[number] = name or names[number]
            function = function if line.startswith("c") else number
        elif line.startswith("calls="):
            is_call = True  # the next line has what the called function took
        elif line.startswith("totals:"):
            total = int(line.split()[1])
        elif line[:1] in "+-*0123456789" and line.strip():
            functions[function] += 0 if is_call else int(line.split()[1])
            is_call = False
    return Counts(total, _by_name(functions, names))


def _by_name(functions: Counter[str], names: dict[str, str]) -> Counter[str]:
    """The functions by their names, without what Cython puts before them and callgrind after them."""
    named: Counter[str] = Counter()
    for number, count in functions.items():
        named[_PREFIX.sub("", names[number]).split("'")[0]] += count
    return named


def table(counted: Sequence[tuple[str, int, Counts]], functions: int) -> str:
    """A line for each row, its title, messages and counts; and as many of the most expensive functions."""
    lines = []
    for title, messages, counts in counted:
        lines.append(f"{counts.total / messages:10,.1f}  {title}")
        for name, count in counts.functions.most_common(functions):
            lines.append(f"{count / messages:10,.1f}      {name}")
    return "\n".join(["instructions per message", *lines, ""])


def measure(valgrind: str, rows: Sequence[int], directory: Path) -> list[Counts]:
    """Play these rows under callgrind; raises `CalledProcessError` with what it said if that fails."""
    output = directory / "callgrind"
    command = [valgrind, "-q", "--tool=callgrind", f"--callgrind-out-file={output}"]
    command += ["--dump-before=getloadavg", sys.executable, "-m", "benchmarks.in_memory", *map(str, rows)]
    environment = os.environ | {"PYTHONHASHSEED": "0"}
    subprocess.run(command, check=True, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
    # Every second dump has what came before a row was settled.
    return [
        counts_of(Path(f"{output}.{2 * number}").read_text().splitlines())
        for number in range(1, len(rows) + 1)
    ]


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print the table; the exit status is 1 where that is not possible."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.instructions", description=__doc__)
    parser.add_argument("--rows", metavar="PATTERN", default="*", help="only rows whose title matches")
    parser.add_argument(
        "--functions", type=int, default=0, metavar="N", help="also the N largest functions of each row"
    )
    options = parser.parse_args(words)
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        sys.stderr.write(WITHOUT_VALGRIND)
        return 1
    rows = [(number, one) for number, one in enumerate(exchanges()) if fnmatch(one.title, options.rows)]
    with TemporaryDirectory() as directory:
        try:
            counted = measure(valgrind, [number for number, _ in rows], Path(directory))
        except subprocess.CalledProcessError as error:
            sys.stderr.write(error.stderr)
            return 1
    results = [
        (one.title, COUNTED * one.messages, counts) for (_, one), counts in zip(rows, counted, strict=True)
    ]
    sys.stdout.write(table(results, options.functions))
    return 0


if __name__ == "__main__":
    sys.exit(main())
