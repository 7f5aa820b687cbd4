"""The archive of sources, from which the server can be built anywhere."""

import subprocess
import sys
import tarfile
from pathlib import Path

from tests.support.patience import PATIENCE
from tests.support.server_process import ROOT

NATIVE = ("*.pyx", "*.pxi")


def test_it_holds_all_parts_of_the_native_twin(tmp_path: Path) -> None:
    """Whatever the compiled data plane is made of is in the archive."""
    command = [
        "setup.py",
        "-q",
        "egg_info",
        "--egg-base",
        str(tmp_path),
        "sdist",
        "--dist-dir",
        str(tmp_path),
    ]
    subprocess.run([sys.executable, *command], cwd=ROOT, check=True, capture_output=True, timeout=PATIENCE)
    (archive,) = tmp_path.glob("*.tar.gz")

    with tarfile.open(archive) as opened:
        held = {Path(name).name for name in opened.getnames()}

    assert {path.name for form in NATIVE for path in ROOT.glob(f"app/**/{form}")} <= held
