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

from tests.support.patience import PATIENCE
from tests.support.server_process import ROOT, ServerProcess

PAGE = (ROOT / "docs" / "operations.md").read_text("utf-8")
OURS = (sys.executable, "-m", "app.entrypoints.server")


class ListedServer(ServerProcess):
    """A server that is found by its command line."""

    forked = False


def rows() -> list[tuple[str, str, str]]:
    """The forms that name a target, each with what we and nats-server do."""
    [table] = re.findall(r"^\| Form \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    cells = [row.strip("|\n").split(" | ") for row in table.splitlines()]
    found = [(form.strip(" "), ours.strip(), theirs.strip()) for form, ours, theirs in cells]
    alone = [row for row in found if not row[0].startswith("`reload`, and")]  # those find servers of others
    return [(form.partition(",")[0].strip("`"), ours, theirs) for form, ours, theirs in alone]


def ends() -> list[tuple[str, str, str]]:
    """What becomes of a server by each signal, with us and with nats-server."""
    [table] = re.findall(r"^\| Sent \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    cells = [[cell.strip(" `") for cell in row.strip("|\n").split(" | ")] for row in table.splitlines()]
    return [(name, ours, theirs) for name, ours, theirs in cells]


@pytest.fixture(name="server", scope="module")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ServerProcess, Path]]:
    directory = tmp_path_factory.mktemp("signals")
    (directory / "empty").write_text("", "ascii")
    with ListedServer("-P", str(directory / "pid"), "--ports_file_dir", str(directory)) as server:
        yield server, directory


def send(program: tuple[str, ...], form: str, server: tuple[ServerProcess, Path]) -> tuple[int, str]:
    """The status and the only line of a program that sends a signal."""
    process, directory = server
    text = form.replace("PID", str(process.pid)).replace("FILE", str(directory / "pid"))
    text = text.replace("EMPTY", str(directory / "empty"))
    done = subprocess.run(
        [*program, "--signal", text],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
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


@pytest.mark.parametrize(("name", "ours", "_theirs"), ends())
def test_how_a_server_ends(name: str, ours: str, _theirs: str, tmp_path: Path) -> None:
    """Its exit status is that of the table, or it goes on."""
    with ListedServer() as server:
        assert (0, "") == send(OURS, f"{name}=PID", (server, tmp_path))
        if ours == "it runs":
            assert server.is_alive
            return
        assert ours == _how(server.stop(signal.SIGCONT))


@pytest.mark.parametrize(("name", "_ours", "theirs"), ends())
def test_how_nats_server_ends(name: str, _ours: str, theirs: str) -> None:
    """What the table says of nats-server is so, with the one that is installed."""
    binary = shutil.which("nats-server", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if binary is None:
        pytest.skip("nats-server is not installed")
    command = [binary, "-a", "127.0.0.1", "-p", "-1"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, encoding="utf-8") as process:
        assert process.stderr is not None
        try:
            next(line for line in process.stderr if "Server is ready" in line)
            sent = subprocess.run(
                [binary, "--signal", f"{name}={process.pid}"], check=False, timeout=PATIENCE
            )
            assert 0 == sent.returncode
            if theirs == "it runs":
                word = "hangup" if name == "reload" else "user defined signal 1"
                next(line for line in process.stderr if word in line)
                assert process.poll() is None
            else:
                assert theirs == _how(process.wait(60))
        finally:
            process.kill()


def _how(status: int) -> str:
    """An exit status, in the words of the table."""
    return "killed" if status == -signal.SIGKILL else str(status)


def test_what_the_signals_do(tmp_path: Path) -> None:
    """The server does what it is sent, and its addresses are in a file for as long as it runs."""
    with ListedServer("--ports_file_dir", str(tmp_path)) as server:
        target = (server, tmp_path)
        assert (0, "") == send(OURS, "reopen=PID", target)
        server.wait_for("File log re-open ignored, not a file logger")
        (file,) = tmp_path.iterdir()
        assert f"nats://127.0.0.1:{server.port}" in file.read_text("ascii")
        assert (0, "") == send(OURS, "ldm=PID", target)
        assert 0 == server.stop(signal.SIGCONT)
        assert [] == list(tmp_path.iterdir())

    with ListedServer("-D") as server:
        assert (0, "") == send(OURS, "stop=PID", (server, tmp_path))
        assert -signal.SIGKILL == server.stop(signal.SIGCONT)


def test_a_ports_file_that_cannot_be_written(tmp_path: Path) -> None:
    """The log says why, and the server serves."""
    with ListedServer("--ports_file_dir", str(tmp_path / "missing")) as server:
        assert "[ERR] error writing" in server.wait_for("ports file to")
