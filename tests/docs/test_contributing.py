"""What the page for contributors shows works."""

import re
import shlex
import subprocess
import sys

import pytest

from soak.figures import BOUNDS
from tests.support.patience import PATIENCE
from tests.support.server_process import ROOT

PAGE = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
SELECTIONS = re.findall(r"`\.venv/bin/pytest (tests/[^`]*)`", PAGE)


def test_the_page_shows_a_selection() -> None:
    """The pattern above finds something."""
    assert SELECTIONS


@pytest.mark.parametrize("words", SELECTIONS)
def test_a_selection_selects_something(words: str) -> None:
    """A reader who runs one test as the page shows has a test to run."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", *shlex.split(words)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert 0 == done.returncode, done.stdout


def test_every_verb_is_explained() -> None:
    """The table of verbs has all of the Makefile, but for the one that lists them."""
    verbs = set(re.findall(r"^([a-z]+):.*## ", MAKEFILE, re.MULTILINE)) - {"help"}

    assert verbs == set(re.findall(r"^\| `make ([a-z]+)", PAGE, re.MULTILINE))


def test_the_bounds_of_a_soak() -> None:
    """The page has the bounds that decide a soak's exit status."""
    memory, descriptors = BOUNDS["without plans"], BOUNDS["descriptors"]
    section = PAGE.partition("\n## Soak\n")[2].partition("\n## ")[0]

    assert f"more than {memory.per_ten_minutes:g} MiB" in section
    assert f"descriptors by more than {descriptors.per_ten_minutes:g} in" in section
    assert f"{memory.step:g} MiB or {descriptors.step:g} descriptors" in section


def test_newer_interpreters() -> None:
    """The interpreters that CI looks for are those of the page and of the classifiers."""
    runner = (ROOT / ".ci" / "run").read_text("utf-8")
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    match = re.search(r"^NEWER=\((.*)\)$", runner, re.MULTILINE)
    assert match is not None
    newer = match[1].split()

    assert f"Python {' or '.join(newer)}" in PAGE
    assert ["3.11", *newer] == re.findall(r"Python :: (3\.\d+)\"", project)
