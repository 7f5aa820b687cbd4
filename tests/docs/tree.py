"""Writes docs/tree.md: every module with the line that says what it is.

The lines are the first ones of the modules' docstrings, so a module is described in one
place. `make tree` writes the page, and a test compares it with the tree.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
APP = ROOT / "app"
ORDER = ("domain", "ports", "config", "adapters", "entrypoints", "embedding", "testing")
"""The rings, in the order in which they are best read."""
BESIDE = ("benchmarks", "fuzz", "screenshots", "soak")
SUFFIXES = frozenset({".py", ".pyx", ".pxi", ".lark", ".js"})

_HEAD = """\
# Modules

Every module of `app/` with one line that says what it is.
Read from top to bottom: the domain first, then what it needs of the world, then what drives it.
The rings and their rules are in [CONTRIBUTING](../CONTRIBUTING.md#the-rings).
`make tree` writes this page from the first lines of the modules; a test fails when it is out of date.
"""
_CITATION = re.compile(r" \([\w-]+\.md(?:, sections? [^()]*)?\)")
_COMMENT = {".lark": "//", ".js": "//"}


def summary(path: Path) -> str:
    """The line that says what a module is; empty where it has none."""
    text = path.read_text("utf-8")
    if path.suffix in _COMMENT:
        return _sentence(_comment(text, _COMMENT[path.suffix]))
    if path.suffix == ".py":
        words = ast.get_docstring(ast.parse(text)) or ""
    else:
        found = re.match(r'(?:#[^\n]*\n|\s)*"""(.*?)"""', text, re.DOTALL)
        words = found[1] if found else ""
    return _sentence(words.partition("\n\n")[0])


def _comment(text: str, sign: str) -> str:
    """The comment that a file begins with, up to its first empty line."""
    lines: list[str] = []
    for line in text.splitlines():
        if not line.startswith(sign) or line == sign:
            break
        lines.append(line.removeprefix(sign).strip())
    return "\n".join(lines)


def _sentence(text: str) -> str:
    """The first sentence, as it may be in a table."""
    line = _CITATION.sub("", " ".join(text.split()))
    first = re.match(r".*?\.(?= [A-Z]|$)", line)
    return (first[0] if first else line).replace("``", "`").replace("|", r"\|")


def packages(folder: Path) -> Iterator[Path]:
    """A package and all within it, each before its own parts."""
    yield folder
    for inner in sorted(path.parent for path in folder.glob("*/__init__.py")):
        yield from packages(inner)


def modules(package: Path) -> list[Path]:
    """The files of a package that have a line, those of a browser's page included."""
    files = [path for path in package.iterdir() if path.suffix in SUFFIXES and path.name != "__init__.py"]
    return sorted([*files, *package.glob("static/*.js")])


def _rows(package: Path) -> Iterator[str]:
    for path in modules(package):
        yield f"| [`{path.relative_to(package)}`](../{path.relative_to(ROOT)}) | {summary(path)} |\n"


def _part(package: Path) -> str:
    level = "##" if package in (APP, *(APP / ring for ring in ORDER)) else "###"
    rows = "".join(_rows(package))
    table = f"\n| Module | What it is |\n|---|---|\n{rows}" if rows else ""
    return f"\n{level} `{package.relative_to(ROOT)}/`\n\n{summary(package / '__init__.py')}\n{table}"


def listed() -> list[Path]:
    """All packages, in the order of the page."""
    return [APP, *(package for ring in ORDER for package in packages(APP / ring))]


def page() -> str:
    """The page as it should be."""
    parts = map(_part, listed())
    beside = "".join(f"| `{name}/` | {summary(ROOT / name / '__init__.py')} |\n" for name in BESIDE)
    tests = "| `tests/` | See [CONTRIBUTING](../CONTRIBUTING.md#tests): `tests/unit/` mirrors `app/`. |\n"
    return f"{_HEAD}{''.join(parts)}\n## Beside `app/`\n\n| Folder | What it is |\n|---|---|\n{beside}{tests}"


if __name__ == "__main__":
    sys.stdout.write(page())
