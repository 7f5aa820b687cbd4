"""What is installed: the package `pynatsd`, beside a project that has a package `app` of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app import __version__
from tests.support.wheel import install_wheel

APP = """
from fastapi import FastAPI

app = FastAPI()

@app.get("/")
def read_root() -> dict[str, str]:
    return {"hello": "world"}
"""
TESTS = """
from pathlib import Path

import app.main
import pynatsd
from fastapi.routing import APIRoute
from pynatsd.entrypoints import server

def test_both_packages() -> None:
    assert Path(app.__file__).parent == Path(__file__).parent / "app"
    assert Path(pynatsd.__file__).is_relative_to(SITE)
    assert "/" in [route.path for route in app.main.app.routes if isinstance(route, APIRoute)]
    assert callable(server.main)
"""

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(name="site", scope="module")
def _site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a wheel of the checkout installs."""
    return install_wheel(tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("site"))


def run(site: Path, directory: Path, *words: str) -> str:
    """What a command prints where the wheel is installed."""
    environment = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run(
        words, check=False, cwd=directory, env=environment, capture_output=True, text=True, timeout=120
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout


def test_nothing_else_is_installed(site: Path) -> None:
    """The wheel holds the package, its commands and its description; nothing is called app."""
    installed = {path.name for path in site.iterdir()}

    assert {"bin", "pynatsd", f"pynatsd-{__version__}.dist-info"} == installed


def test_a_project_with_a_package_app(site: Path, tmp_path: Path) -> None:
    """A project's own package `app` is imported as before, and its tests pass."""
    package = tmp_path / "app"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "main.py").write_text(APP)
    (tmp_path / "test_main.py").write_text(TESTS.replace("SITE", repr(str(site))))

    printed = run(site, tmp_path, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")

    assert "1 passed" in printed


@pytest.mark.parametrize(
    "words", [["bin/pynatsd"], [sys.executable, "-m", "pynatsd"]], ids=["command", "module"]
)
def test_the_server_runs(site: Path, words: list[str], tmp_path: Path) -> None:
    """The command and the module print the version."""
    command = [str(site / words[0]) if words[0].startswith("bin/") else words[0], *words[1:], "-v"]

    assert f"pynatsd {__version__}" in run(site, tmp_path, *command)
