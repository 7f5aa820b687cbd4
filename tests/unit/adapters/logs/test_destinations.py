"""Unit tests of the destinations of the log."""

import os
import stat
import sys
from pathlib import Path

import pytest

from app.adapters.logs.destinations import LogDestinationError, LogFile, LogFileError, open_stderr, warn


def test_a_new_file_is_not_for_everybody(tmp_path: Path) -> None:
    """A new log file can be read by its owner and group at most."""
    path = tmp_path / "log"

    with LogFile(str(path)):
        assert 0 == stat.S_IMODE(path.stat().st_mode) & 0o007


def test_a_file_is_appended_to(tmp_path: Path) -> None:
    """An existing log file keeps its lines."""
    path = tmp_path / "log"
    path.write_bytes(b"old\n")

    with LogFile(str(path)) as file:
        file.write(b"new\n")

    assert b"old\nnew\n" == path.read_bytes()


def test_reopening_follows_the_name(tmp_path: Path) -> None:
    """After a rotation lines go to a new file of the same name."""
    path = tmp_path / "log"
    with LogFile(str(path)) as file:
        file.write(b"before\n")
        path.rename(tmp_path / "log.1")

        file.reopen()
        file.write(b"after\n")

    assert (b"before\n", b"after\n") == ((tmp_path / "log.1").read_bytes(), path.read_bytes())


def test_a_failed_reopening_keeps_the_file(tmp_path: Path) -> None:
    """Where the new file cannot be opened, lines go on into the old one."""
    folder = tmp_path / "logs"
    folder.mkdir()
    with LogFile(str(folder / "log")) as file:
        folder.rename(tmp_path / "moved")

        with pytest.raises(LogFileError, match="no such file or directory"):
            file.reopen()
        file.write(b"still here\n")

    assert b"still here\n" == (tmp_path / "moved" / "log").read_bytes()


@pytest.mark.parametrize(
    ("path", "reason"), [("missing/log", "no such file or directory"), ("a\0b", "embedded null byte")]
)
def test_an_impossible_file(tmp_path: Path, path: str, reason: str) -> None:
    """A file that cannot be opened is an error with the system's reason, in gnatsd's words."""
    with pytest.raises(LogDestinationError, match=f"^error opening file: open .*: {reason}$"):
        LogFile(str(tmp_path / path))


def test_no_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a standard error, lines go nowhere, and not into whatever has its number."""
    monkeypatch.setattr(sys, "__stderr__", None)

    with open_stderr() as stream:
        assert stream.fileno() != sys.stderr.fileno()
        assert os.fstat(stream.fileno()).st_rdev == Path(os.devnull).stat().st_rdev


def test_a_warning(capfd: pytest.CaptureFixture[str]) -> None:
    """A warning is one line on standard error; what cannot be encoded is escaped."""
    warn("cannot \udc00")

    assert "cannot \\udc00\n" == capfd.readouterr().err
