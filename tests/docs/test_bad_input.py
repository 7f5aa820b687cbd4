"""The page of bad input names tests that exist."""

import ast
import re

import pytest

from tests.support.server_process import ROOT

PAGE = (ROOT / "docs" / "bad-input.md").read_text("utf-8")
_ROW = re.compile(r"^\| ([A-Z]\d+) \|.*\| ([^|]+) \|$", re.MULTILINE)
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
ROWS = {number: _TEST.findall(tests) for number, tests in _ROW.findall(PAGE)}


def _tests_in(name: str) -> set[str]:
    module = ast.parse((ROOT / name).read_text("utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in module.body if isinstance(node, functions)}


@pytest.mark.parametrize("row", ROWS)
def test_each_row_has_tests(row: str) -> None:
    """Each row names at least one, and all that it names exist."""
    assert ROWS[row]
    assert all(test in _tests_in(name) for name, test in ROWS[row])


@pytest.mark.parametrize(("letter", "count"), [("H", 7), ("C", 12), ("W", 9)])
def test_no_row_is_missing(letter: str, count: int) -> None:
    """Rows are numbered from one on."""
    assert [f"{letter}{number}" for number in range(1, count + 1)] == [
        row for row in ROWS if row.startswith(letter)
    ]
