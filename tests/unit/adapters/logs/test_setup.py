"""Unit tests of the log an operator asks for."""

import json
import os
import pty
import re
import stat
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.adapters.logs.destinations import LogFileError, SyslogError
from app.adapters.logs.setup import LogSettings, open_event_log
from app.adapters.logs.structured import LinesDropped
from app.domain.events import ClientConnected, ClientReportedError, ServerReady

PLAIN = LogSettings(log_file=None, json_lines=False, debug=False, trace=False, logtime=False)
READY = "[42] [INF] Server is ready\n"


@pytest.fixture(name="umask")
def _umask() -> Iterator[int]:
    """A umask of 027, whatever the machine has."""
    before = os.umask(0o027)
    yield 0o027
    os.umask(before)


def record_ready(settings: LogSettings) -> None:
    """Open the log as process 42 at the epoch, record one fact, close it."""
    log = open_event_log(settings, clock=lambda: 0.0, pid=42)
    log.record(ServerReady(None))
    log.close()


def test_standard_error_is_the_default(capfd: pytest.CaptureFixture[str]) -> None:
    """Without a file, lines go to standard error and nothing to standard output."""
    record_ready(PLAIN)

    assert ("", READY) == capfd.readouterr()


def test_lines_carry_time(capfd: pytest.CaptureFixture[str]) -> None:
    """With logtime each line has the time between process and level."""
    record_ready(replace(PLAIN, logtime=True))

    stamp = r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.000000"
    assert re.fullmatch(rf"\[42\] {stamp} \[INF\] Server is ready\n", capfd.readouterr().err)


def test_the_process_is_this_one(capfd: pytest.CaptureFixture[str]) -> None:
    """By default the log names the process it runs in."""
    log = open_event_log(PLAIN)
    log.record(ServerReady(None))
    log.close()

    assert f"[{os.getpid()}] [INF] Server is ready\n" == capfd.readouterr().err


def test_wanted_levels(capfd: pytest.CaptureFixture[str]) -> None:
    """Debug and trace are wanted as the settings say."""
    log = open_event_log(replace(PLAIN, debug=True, trace=True), pid=42)
    log.record(ClientConnected(None))
    log.close()

    assert log.debug
    assert log.trace
    assert "[42] [DBG] Client connection created\n" == capfd.readouterr().err


@pytest.mark.parametrize(("logtime", "time"), [(True, {"time": "1970-01-01T00:00:00.000000Z"}), (False, {})])
def test_json_lines(capfd: pytest.CaptureFixture[str], logtime: bool, time: dict[str, str]) -> None:  # noqa: FBT001 - pytest's way
    """Asked for JSON, the log writes one object a line; logtime holds for it too."""
    record_ready(replace(PLAIN, json_lines=True, logtime=logtime))

    line = json.loads(capfd.readouterr().err)
    assert time | {"level": "info", "event": "server_ready", "text": "Server is ready"} == line


def test_a_terminal_gets_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Levels are coloured when standard error is a terminal."""
    ours, terminal = pty.openpty()
    with os.fdopen(terminal, "w") as stream, monkeypatch.context() as patch:
        patch.setattr(sys, "__stderr__", stream)
        record_ready(PLAIN)
        shown = os.read(ours, 1000)
        while not shown.endswith(b"\n"):
            shown += os.read(ours, 1000)
    os.close(ours)

    assert shown == b"[42] [\x1b[32mINF\x1b[0m] Server is ready\r\n"


def test_a_process_without_standard_error(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A server started with standard error closed runs without a log."""
    monkeypatch.setattr(sys, "__stderr__", None)

    record_ready(PLAIN)

    assert ("", "") == capfd.readouterr()


def test_a_file_is_appended_to(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A log file keeps what it has, and standard error stays silent."""
    file = tmp_path / "nats.log"
    file.write_text("before\n")

    record_ready(replace(PLAIN, log_file=str(file)))
    record_ready(replace(PLAIN, log_file=str(file)))

    assert f"before\n{READY}{READY}" == file.read_text()
    assert ("", "") == capfd.readouterr()


def test_a_new_file_is_for_owner_and_group(tmp_path: Path, umask: int) -> None:
    """A new log file has mode 0660 minus the umask."""
    file = tmp_path / "nats.log"

    record_ready(replace(PLAIN, log_file=str(file)))

    assert 0o660 & ~umask == stat.S_IMODE(file.stat().st_mode)


def test_a_file_gets_no_colours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log file is plain, even when standard error is a terminal."""
    ours, terminal = pty.openpty()
    file = tmp_path / "nats.log"
    with os.fdopen(terminal, "w") as stream, monkeypatch.context() as patch:
        patch.setattr(sys, "__stderr__", stream)
        record_ready(replace(PLAIN, log_file=str(file)))
    os.close(ours)

    assert READY == file.read_text()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing/nats.log", "no such file or directory"),
        ("a\0b", "embedded null byte"),
        ("\ud800", "'utf-8' codec can't encode character"),
    ],
    ids=["no directory", "nul", "no text"],
)
def test_a_file_that_cannot_be_opened(tmp_path: Path, name: str, reason: str) -> None:
    """The error names the file and the reason, as gnatsd does."""
    file = f"{tmp_path}/{name}"

    with pytest.raises(LogFileError) as raised:
        open_event_log(replace(PLAIN, log_file=str(file)))

    assert str(raised.value).startswith(f"error opening file: open {file}: {reason}")


def test_a_file_that_was_moved_is_reopened(tmp_path: Path, umask: int) -> None:
    """After a rotation, earlier lines are in the old file, later ones in a new one, and none is lost."""
    file, rotated = tmp_path / "nats.log", tmp_path / "nats.log.1"
    log = open_event_log(replace(PLAIN, log_file=str(file)), pid=42)
    log.record(ServerReady(None))

    file.rename(rotated)
    log.record(ServerReady(None))
    log.reopen()
    log.record(ServerReady(None))
    log.close()

    assert 2 * READY == rotated.read_text()
    assert f"[42] [INF] File log re-opened\n{READY}" == file.read_text()
    assert 0o660 & ~umask == stat.S_IMODE(file.stat().st_mode)


def test_every_line_is_in_one_of_the_files(tmp_path: Path) -> None:
    """A log that is rotated again and again under load loses nothing and mixes nothing up."""
    file = tmp_path / "nats.log"
    log = open_event_log(replace(PLAIN, log_file=str(file)), pid=42)

    for number in range(2000):
        log.record(ClientReportedError(None, str(number)))
        if number % 100 == 99:
            while not file.exists():
                pass
            file.rename(tmp_path / f"{number:04}.log")
            log.reopen()
    log.close()

    lines = [line for path in sorted(tmp_path.iterdir()) for line in path.read_text().splitlines()]
    errors = [line.split()[-1] for line in lines if "[ERR]" in line]
    assert [str(number) for number in range(2000)] == errors
    assert 20 == sum("File log re-opened" in line for line in lines)


def test_a_file_that_cannot_be_reopened(tmp_path: Path) -> None:
    """When the new file cannot be opened the log goes on in the old one, and says so."""
    (tmp_path / "logs").mkdir()
    file = tmp_path / "logs" / "nats.log"
    log = open_event_log(replace(PLAIN, log_file=str(file)), pid=42)
    log.record(ServerReady(None))

    (tmp_path / "logs").rename(tmp_path / "moved")
    log.reopen()
    log.record(ServerReady(None))
    log.close()

    first, complaint, last = (tmp_path / "moved" / "nats.log").read_text().splitlines()
    assert [READY, READY] == [f"{first}\n", f"{last}\n"]
    assert (
        "[42] [ERR] File log re-open failed, the old file stays in use: "
        f"error opening file: open {file}: no such file or directory"
    ) == complaint


def test_a_file_comes_before_syslog(tmp_path: Path) -> None:
    """Of several destinations a file counts; the others are not even looked at."""
    file = tmp_path / "nats.log"

    record_ready(replace(PLAIN, log_file=str(file), syslog=True, remote_syslog="http://nowhere"))

    assert READY == file.read_text()


@pytest.mark.parametrize("syslog", [True, False])
def test_a_remote_syslog_comes_before_the_local_one(syslog: bool) -> None:  # noqa: FBT001 - pytest's way
    """A remote syslog counts, whether or not the local one is wanted too."""
    settings = replace(PLAIN, syslog=syslog, remote_syslog="http://nowhere")

    with pytest.raises(SyslogError, match=r'^error invalid network type: "http"'):
        open_event_log(settings)


def test_a_directory_is_no_log_file(tmp_path: Path) -> None:
    """A directory is refused before the server starts."""
    with pytest.raises(LogFileError, match="is a directory"):
        open_event_log(replace(PLAIN, log_file=str(tmp_path)))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_warns_on_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    """A log file that cannot be written costs one warning, and the caller nothing."""
    log = open_event_log(replace(PLAIN, log_file="/dev/full"))
    for _ in range(3):
        log.record(ServerReady(None))
    log.close()

    assert re.fullmatch(r"cannot write the log: .*No space left on device.*\n", capfd.readouterr().err)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_lost_lines_are_reported_elsewhere() -> None:
    """Who wants to know of lost lines gets the same fact as the log, however full the disk is."""
    facts: list[LinesDropped] = []
    log = open_event_log(replace(PLAIN, log_file="/dev/full"), on_dropped=facts.append)
    log.record(ServerReady(None))
    log.close()

    assert LinesDropped(None, 1) == facts[0]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_nowhere_left_to_warn(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """When standard error itself is full, the server goes on without a word."""
    with Path("/dev/full").open("w") as stream, monkeypatch.context() as patch:
        patch.setattr(sys, "__stderr__", stream)
        record_ready(PLAIN)

    assert ("", "") == capfd.readouterr()
