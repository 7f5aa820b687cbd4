"""Files that documents name are there."""

import re
from functools import cache
from pathlib import Path

import pytest

from tests.docs.test_readme import PAGES
from tests.support.server_process import ROOT

TOPS = ("app", "benchmarks", "deploy", "docs", "examples", "fuzz", "screenshots", "soak", "tests", ".ci")
SUFFIXES = r"(?:py|pyx|pxi|md|toml|json|yml|yaml|service|lark|svg)"
OF_READERS = frozenset({"doorkeeper.py", "people.json", "compose.override.yml"})
"""Names of files which a reader writes."""

MADE_BY_VERBS = ("fuzz/found",)


@cache
def known_names() -> frozenset[str]:
    """The names of all files of the project."""
    roots = [ROOT / top for top in TOPS]
    inside = (path.name for root in roots for path in root.rglob("*") if path.is_file())
    return frozenset(inside) | {path.name for path in ROOT.iterdir()}


def named(text: str) -> list[str]:
    """What is in code marks and looks like a file or a folder of the project."""
    words = re.findall(
        r"(?<!`)`([^`\s]+)`(?!`)", re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    )
    tops = "|".join(map(re.escape, TOPS))
    return [word for word in words if re.fullmatch(rf"(?:{tops})/.*|[\w.-]+\.{SUFFIXES}", word)]


def is_there(word: str) -> bool:
    """Whether the project has this file, or this folder, or any file of this pattern."""
    if word in OF_READERS or word.startswith(MADE_BY_VERBS) or "NNNN" in word:
        return True
    word = word.partition("::")[0]  # a test in a file
    if "/" not in word:
        return word in known_names()
    return any(ROOT.glob(word.rstrip("/")))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_named_is_there(page: Path) -> None:
    """A document names no file of the project that is not there."""
    assert [] == [word for word in named(page.read_text("utf-8")) if not is_there(word)]


def test_names_are_found() -> None:
    """The pattern finds paths and bare names, and sees what is missing."""
    text = "see `app/domain/broker.py`, `pages.py`, `docs/adr/`, `a.b.c`, `$NAME`\n```sh\nrun `x.py`\n```\n"

    assert ["app/domain/broker.py", "pages.py", "docs/adr/"] == named(text)
    assert all(map(is_there, named(text)))
    assert not is_there("app/nowhere.py")
    assert not is_there("nowhere.py")


PROGRAMS = sorted((ROOT / "app").rglob("*.py"))


@pytest.mark.parametrize("file", [*PAGES, *PROGRAMS], ids=lambda file: str(file.relative_to(ROOT)))
def test_nothing_installs_another_project(file: Path) -> None:
    """There is no project of our name on PyPI, so no text says to install it from there."""
    assert not re.search(r"pip install ['\"]?pynatsd\b", file.read_text("utf-8"))
