"""The examples in Python on the pages about embedding and testing."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.patience import PATIENCE
from tests.support.server_process import ROOT

PAGES = ("embedding.md", "faults.md", "hooks.md")
_BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
_START = "import app\n"
"""In a checkout the package has another name; it gives itself the public one."""


def blocks(page: str) -> list[str]:
    """The examples of a page."""
    return _BLOCK.findall((ROOT / "docs" / page).read_text("utf-8"))


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run Python with the checkout in reach."""
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.mark.parametrize(
    ("page", "number"), [(page, at) for page in PAGES for at in range(len(blocks(page)))]
)
def test_an_example_runs(tmp_path: Path, page: str, number: int) -> None:
    """It ends well, prints something, and nothing else."""
    (tmp_path / "example.py").write_text(_START + blocks(page)[number])

    done = run(tmp_path, "example.py")

    assert (0, "") == (done.returncode, done.stderr)
    assert done.stdout


def test_the_project_of_the_page_about_tests(tmp_path: Path) -> None:
    """All tests of the project that the page makes pass."""
    for number, text in enumerate(blocks("testing.md")):
        (tmp_path / f"test_{number}.py").write_text(text)
    (tmp_path / "conftest.py").write_text(_START)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")

    done = run(
        tmp_path,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:pynatsd",
        "-p",
        "app.testing.plugin",
        "-p",
        "no:cacheprovider",
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 passed" in done.stdout
