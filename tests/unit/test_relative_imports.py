"""Modules of the application import each other relatively, so that the package may have another name."""

import re
from pathlib import Path

import pytest

from tests.support.server_process import ROOT

ABSOLUTE = re.compile(r"^\s*(from app[.\s]|import app\b|cimport app\b)|import_module\(.app\b", re.MULTILINE)
SOURCES = sorted(path for kind in ("py", "pyi", "pyx", "pxi") for path in (ROOT / "app").rglob(f"*.{kind}"))


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_absolute_import(source: Path) -> None:
    """No module names the package it lies in."""
    assert [] == ABSOLUTE.findall(source.read_text("utf-8"))


@pytest.mark.parametrize(
    "line",
    ["from app import x", "from app.domain import x", "    import app.domain", 'import_module("app.x")'],
)
def test_an_absolute_import_is_found(line: str) -> None:
    """The pattern finds each form."""
    assert ABSOLUTE.search(line)
