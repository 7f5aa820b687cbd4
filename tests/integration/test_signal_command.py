"""`--signal`: the table of the page about operation, form by form, beside nats-server."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.server_process import ROOT, ServerProcess

PAGE = (ROOT / "docs" / "operations.md").read_text("utf-8")
OURS = (sys.executable, "-m", "app.entrypoints.server")


def rows() -> list[tuple[str, str, str]]:
    """The forms that name a target, each with what we and nats-server do."""
    [table] = re.findall(r"^\| Form \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    cells = [row.strip("|\n").split(" | ") for row in table.splitlines()]
    found = [(form.strip(" `"), ours.strip(), theirs.strip()) for form, ours, theirs in cells]
    return [row for row in found if ", and " not in row[0]]  # those would find servers of others


@pytest.fixture(name="server", scope="module")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ServerProcess, Path]]:
    directory = tmp_path_factory.mktemp("signals")
    (directory / "empty").write_text("", "ascii")
    with ServerProcess("-P", str(directory / "pid"), "--ports_file_dir", str(directory)) as server:
        yield server, directory


def send(program: tuple[str, ...], form: str, server: tuple[ServerProcess, Path]) -> tuple[int, str]:
    """The status and the only line of a program that sends a signal."""
    process, directory = server
    text = form.replace("PID", str(process.pid)).replace("FILE", str(directory / "pid"))
    text = text.replace("EMPTY", str(directory / "empty"))
    done = subprocess.run(
        [*program, "--signal", text], cwd=ROOT, capture_output=True, encoding="utf-8", timeout=60, check=False
    )
    assert done.stdout == ""
    return done.returncode, " ".join(done.stderr.removeprefix("nats-server:").split())


def fits(expected: str, found: tuple[int, str]) -> bool:
    """Whether a cell of the table says what has happened."""
    status, _, text = expected.partition(" ")
    return int(status) == found[0] and found[1].startswith(text.strip("`"))


@pytest.mark.parametrize(("form", "expected", "_theirs"), rows())
def test_a_form(form: str, expected: str, _theirs: str, server: tuple[ServerProcess, Path]) -> None:
    """The status is that of the table, and the text begins so."""
    found = send(OURS, form, server)

    assert fits(expected, found), found
    assert server[0].is_alive


@pytest.mark.parametrize(
    ("form", "_ours", "expected"), [row for row in rows() if row[2][0].isdigit() and "FILE" not in row[0]]
)
def test_the_same_form_with_nats_server(
    form: str, _ours: str, expected: str, server: tuple[ServerProcess, Path]
) -> None:
    """What the table says of nats-server is so, with the one that is installed."""
    binary = shutil.which("nats-server", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if binary is None:
        pytest.skip("nats-server is not installed")
    found = send((binary,), form, server)

    assert fits(expected, found), found


def test_what_the_signals_do(tmp_path: Path) -> None:
    """The server does what it is sent, and its addresses are in a file for as long as it runs."""
    with ServerProcess("--ports_file_dir", str(tmp_path)) as server:
        target = (server, tmp_path)
        assert (0, "") == send(OURS, "reopen=PID", target)
        server.wait_for("File log re-open ignored, not a file logger")
        (file,) = tmp_path.iterdir()
        assert f"nats://127.0.0.1:{server.port}" in file.read_text("ascii")
        assert (0, "") == send(OURS, "ldm=PID", target)
        assert 0 == server.stop(signal.SIGCONT)
        assert [] == list(tmp_path.iterdir())

    with ServerProcess("-D") as server:
        assert (0, "") == send(OURS, "stop=PID", (server, tmp_path))
        assert -signal.SIGKILL == server.stop(signal.SIGCONT)


def test_a_ports_file_that_cannot_be_written(tmp_path: Path) -> None:
    """The log says why, and the server serves."""
    with ServerProcess("--ports_file_dir", str(tmp_path / "missing")) as server:
        assert "[ERR] error writing" in server.wait_for("ports file to")
