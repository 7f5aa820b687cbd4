"""Options of JetStream as plain values."""

from pathlib import Path

import pytest

from app.config.options import make_options
from app.entrypoints.stream_settings import store_directory, stream_settings
from tests.support.virtual_broker import INFO


def test_what_is_configured(tmp_path: Path) -> None:
    """Sizes, directory, domain and limits are those of the options."""
    options = make_options(
        {
            "jetstream": {
                "store_dir": str(tmp_path),
                "max_mem": 1000,
                "max_file": -1,
                "domain": "hub",
                "sync_interval": 2.0,
                "limits": {"max_ack_pending": 5, "max_request_batch": -1, "duplicate_window": 60.0},
            }
        }
    )
    settings = stream_settings(options, INFO)
    assert settings.store_dir == str(tmp_path / "jetstream")
    assert (settings.max_memory, settings.max_storage, settings.domain) == (1000, -1, "hub")
    assert (settings.sync_interval, settings.duplicate_window) == (2.0, 60 * 10**9)
    assert (settings.max_ack_pending, settings.max_request_batch) == (5, 0)


def test_what_the_machine_has(tmp_path: Path) -> None:
    """Sizes that nobody chose are a share of memory and of free space, also of a directory to be made."""
    options = make_options({"jetstream": {"store_dir": str(tmp_path / "a" / "b")}})
    settings = stream_settings(options, INFO)
    assert settings.max_memory > 0
    assert settings.max_storage > 0
    in_memory = stream_settings(options, INFO, in_memory=True)
    assert (in_memory.store_dir, in_memory.max_storage) == ("", in_memory.max_memory)


def test_the_default_directory() -> None:
    """It is one for temporary files."""
    assert store_directory(make_options({})).endswith("nats/jetstream")


def test_an_unknown_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be found out is no limit."""

    def fail(*_: object) -> int:
        raise OSError

    monkeypatch.setattr("os.sysconf", fail)
    monkeypatch.setattr("shutil.disk_usage", fail)
    settings = stream_settings(make_options({"jetstream": {}}), INFO)
    assert (settings.max_memory, settings.max_storage) == (-1, -1)
