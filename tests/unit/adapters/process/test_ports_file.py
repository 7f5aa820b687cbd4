"""The ports file: what is in it, and when it is there."""

import json
import os
from pathlib import Path

import pytest

from app.adapters.process.ports_file import PortsFile, PortsFileError


def test_it_has_the_addresses_by_kind(tmp_path: Path) -> None:
    """Kinds without an address are left out; nothing else is in the directory, and it goes at the end."""
    file = PortsFile(str(tmp_path))
    file.write({"nats": ["nats://127.0.0.1:4222"], "websocket": []})

    (only,) = tmp_path.iterdir()
    assert f"nats-server_{os.getpid()}.ports" == only.name
    assert {"nats": ["nats://127.0.0.1:4222"]} == json.loads(only.read_text("ascii"))
    for _ in range(2):
        file.remove()
        assert [] == list(tmp_path.iterdir())


def test_a_name_that_no_file_can_have() -> None:
    """The error is the same, and there is nothing to remove."""
    file = PortsFile("a\0b", 7)
    with pytest.raises(PortsFileError, match="null byte"):
        file.write({})

    file.remove()
    assert "a\0b/nats-server_7.ports" == str(file.path)


def test_a_directory_that_is_none(tmp_path: Path) -> None:
    """The error names the file and the reason."""
    file = PortsFile(str(tmp_path / "missing"), 7)
    with pytest.raises(
        PortsFileError, match=r"error writing ports file to .*/nats-server_7\.ports: no such file"
    ):
        file.write({})
