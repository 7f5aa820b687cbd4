"""Files that can be read and not be used, each with what is said about it.

The files and the table are in ``tests/config/options``.
"""

from pathlib import Path

import pytest

from app.config.errors import ConfigError
from app.config.flags import CONFIG_FILE
from app.config.load import load
from tests.support.server_process import ROOT

DIRECTORY = ROOT / "tests" / "config" / "options"
TABLE = (DIRECTORY / "expected.txt").read_text("utf-8").splitlines()


@pytest.mark.parametrize("file", sorted(DIRECTORY.glob("*.conf")), ids=lambda file: file.stem)
def test_every_mistake_is_one_line(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each mistake of a file is reported in one line: where it is, and what was expected."""
    monkeypatch.chdir(DIRECTORY)

    with pytest.raises(ConfigError) as raised:
        load({CONFIG_FILE: file.name}, {})

    expected = [line for line in TABLE if line.startswith(f"{file.name}:")]
    assert expected == str(raised.value).splitlines()
    assert not any("s3cr3t" in line for line in expected)
