"""``python -m tests.kills``: kill servers with `kill -9` under load, and compare what is there after it.

The exit status is 0 if every promise was kept, otherwise 1.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from random import Random

from tests.kills.rounds import Killing


def parse(words: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.kills", description=__doc__)
    parser.add_argument("--rounds", type=int, default=100, help="servers that are killed (default: 100)")
    parser.add_argument("--outstanding", type=int, default=10_000, help="publishes (default: 10000)")
    parser.add_argument("--seed", type=int, default=1, help="of the moments (default: 1)")
    parser.add_argument("--directory", type=Path, help="where the store is (default: a temporary one)")
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> int:
    """Kill; returns the exit status."""
    options = parse(words)
    with tempfile.TemporaryDirectory() as temporary:
        directory = options.directory or Path(temporary)
        killing = Killing(directory, Random(options.seed), options.outstanding)
        asyncio.run(killing.run(options.rounds, _say))
    _say(f"all: {killing}")
    return int(bool(killing.broken))


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
