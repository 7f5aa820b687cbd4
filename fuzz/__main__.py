"""``python -m fuzz``: play mutated scripts on both twins, the native one under the address sanitizer.

The parent builds and starts a worker, which saves each script before it plays it. So when
the sanitizer ends the worker, the parent knows the script.
"""

import argparse
import importlib.util
import os
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from app.domain.dataplane import NATIVE, PYTHON, choose
from fuzz.mutate import Mutator
from fuzz.script import ScriptOutcome, load, play, save

ROOT = Path(__file__).parents[1]
CORPUS = ROOT / "fuzz" / "corpus"
BUILD = ROOT / "build" / "sanitized"
CURRENT = ROOT / "build" / "fuzz-current.json"
MODULE = "app.domain.dataplane.native"
_SANITIZED = "FUZZ_SANITIZED"
_WORDS = (b"LMSG ", b"LS+ ", b"HMSG ", b"\nMSG ", b" 503\r\n", b"-ERR '", b"UNSUB ")


def parse(words: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="duration in seconds (default: 60)")
    parser.add_argument("--seed", type=int, default=1, help="equal seeds play equal scripts (default: 1)")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="play one saved script")
    parser.add_argument("--plain", action="store_true", help="use the installed build, without the sanitizer")
    return parser.parse_args(words)


def build() -> dict[str, str]:
    """Build the native twin for the sanitizer, beside the installed one; returns the worker's environment."""
    command = [sys.executable, "setup.py", "--quiet", "build_ext", "--force"]
    places = ["--build-lib", str(BUILD), "--build-temp", str(BUILD / "temp")]
    environment = {**os.environ, "SANITIZE": "1", "REQUIRE_NATIVE": "1"}
    subprocess.run([*command, *places], cwd=ROOT, env=environment, check=True)
    library = subprocess.run(
        ["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True
    ).stdout.strip()
    return {
        **os.environ,
        _SANITIZED: "1",
        "LD_PRELOAD": library,
        "ASAN_OPTIONS": "detect_leaks=0",
        "PYTHONMALLOC": "malloc",  # every object has a block of its own, so that overruns are found
    }


def load_sanitized() -> None:
    """Make the sanitized build the native twin of this process."""
    (path,) = (BUILD / "pynatsd" / "domain" / "dataplane").glob("native*.so")
    spec = importlib.util.spec_from_file_location(MODULE, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not an extension module")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.modules[MODULE] = module


def difference(outcomes: Sequence[ScriptOutcome]) -> str | None:
    """The difference between the twins; None if they agree."""
    if outcomes[0] == outcomes[1]:
        return None
    names = [
        name for name in ScriptOutcome.__slots__ if getattr(outcomes[0], name) != getattr(outcomes[1], name)
    ]
    return "\n".join(f"{name}: {getattr(outcome, name)!r:.2000}" for name in names for outcome in outcomes)


def kind(outcome: ScriptOutcome) -> tuple[str, ...]:
    """What is remarkable about an outcome: what the log has, and which words each peer heard."""
    words = [
        f"{number} {word.decode()}"
        for number, heard in enumerate(outcome.heard)
        for word in _WORDS
        if word in heard
    ]
    return (*(fact[:24] for fact in outcome.facts), *words)


def work(options: argparse.Namespace) -> int:
    """Play scripts until the time is over or the twins disagree; the worker's program."""
    if os.environ.get(_SANITIZED):
        load_sanitized()
    corpus = [load(path) for path in sorted(CORPUS.glob("*.json"))]
    chance = random.Random(options.seed)  # noqa: S311 - scripts, not secrets
    mutator = Mutator(chance)
    seen: set[tuple[str, ...]] = set()
    runs, began = 0, time.monotonic()
    waiting = [load(options.replay)] if options.replay else list(corpus)
    while waiting or (not options.replay and time.monotonic() - began < options.seconds):
        script = waiting.pop() if waiting else mutator.mutate(chance.choice(corpus), chance.choice(corpus))
        save(CURRENT, script)
        outcomes = [play(choose(twin)[1], script) for twin in (PYTHON, NATIVE)]
        if (found := difference(outcomes)) is not None:
            sys.stdout.write(f"the twins disagree\n{found}\n")
            return 1
        runs += 1
        if (remarkable := kind(outcomes[0])) not in seen:  # new behaviour: mutate this script further
            seen.add(remarkable)
            corpus.append(script)
    rate = runs / (time.monotonic() - began)
    sys.stdout.write(
        f"{runs} scripts, {rate:.0f} per second, {len(seen)} kinds of outcome: the twins agree\n"
    )
    return 0


def main(words: Sequence[str] | None = None) -> int:
    """Run a worker; the exit status is 0 if it found nothing."""
    options = parse(words)
    CURRENT.parent.mkdir(exist_ok=True)
    if options.plain or os.environ.get(_SANITIZED):
        return work(options)
    given = list(sys.argv[1:] if words is None else words)
    status = subprocess.run(
        [sys.executable, "-m", "fuzz", *given], cwd=ROOT, env=build(), check=False
    ).returncode
    if status:
        kept = CURRENT.with_name(f"fuzz-failure-{int(time.time())}.json")
        kept.write_bytes(CURRENT.read_bytes())
        sys.stdout.write(f"saved the script; replay with: python -m fuzz --replay {kept.relative_to(ROOT)}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
