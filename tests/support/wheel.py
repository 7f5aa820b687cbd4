"""The wheel of the checkout, installed into a folder."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.server_process import ROOT

SOURCES = ("pyproject.toml", "setup.py", "README.md", "LICENSE")


def install_wheel(source: Path, site: Path) -> Path:
    """Build it from a copy in `source`, without a compiler, which is quicker; install it to `site`."""
    for name in SOURCES:
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "app", source / "app", ignore=shutil.ignore_patterns("__pycache__", "*.so", "*.c"))
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    wheel = [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(source), str(source)]
    subprocess.run(wheel, check=True, env={**os.environ, "CC": "false", "REQUIRE_NATIVE": ""})
    [built] = source.glob("*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", str(site), str(built)], check=True)
    return site
