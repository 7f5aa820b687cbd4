"""The server among other processes: what ends its start, its files, its signals, its manager."""

import os
import re
import signal
import socket
from pathlib import Path

import pytest

from app.testing import free_port
from tests.support.blocking_client import dial
from tests.support.notified_server import NotifiedServer, wait_until
from tests.support.server_process import STOP_SECONDS, ServerProcess

LOCAL = ("-a", "127.0.0.1", "-p", "-1")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["-l", "/nope/x"], "error opening file: open /nope/x: no such file or directory"),
        (["-P", "/nope/x"], "Could not write pidfile: open /nope/x: no such file or directory"),
        (["-r", "foo://h:1"], 'error invalid network type: "foo"; write udp://'),
        (["-r", "unix:///nope"], 'error connecting to syslog: "unix:///nope: no such file or directory"'),
    ],
)
def test_what_makes_a_start_impossible(tmp_path: Path, words: list[str], text: str) -> None:
    """Each ends the start with one fatal line that names it, and status 1."""
    with NotifiedServer(tmp_path, *LOCAL, *words) as server:
        _, stderr = server.process.communicate(timeout=STOP_SECONDS)

    assert 1 == server.process.returncode
    assert re.fullmatch(r"\[\d+\] \d{4}/\d\d/\d\d [\d:.]{15} \[FTL\] " + re.escape(text) + ".*\n", stderr)


def test_an_authenticator_that_is_not_there(tmp_path: Path) -> None:
    """Code of the operator's own that cannot be found ends the start, and is named."""
    file = tmp_path / "nats.conf"
    file.write_text('authorization { authenticator: "doorkeeper_nobody_has:check" }\n')
    with NotifiedServer(tmp_path, *LOCAL, "-T=false", "-c", str(file)) as server:
        _, stderr = server.process.communicate(timeout=STOP_SECONDS)

    assert 1 == server.process.returncode
    assert re.fullmatch(
        r"\[\d+\] \[FTL\] authenticator 'doorkeeper_nobody_has:check': there is no module .*\n", stderr
    )


def test_a_failure_is_seen_where_the_log_is_not(tmp_path: Path) -> None:
    """With the log elsewhere, what ends the start is in the log, and on standard error."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        words = ("-a", "127.0.0.1", "-p", str(port), "-l", str(tmp_path / "log"))
        with NotifiedServer(tmp_path, *words) as server:
            _, stderr = server.process.communicate(timeout=STOP_SECONDS)

    text = f'Error listening on port: 127.0.0.1:{port}, "address already in use"\n'
    assert (1, text) == (server.process.returncode, stderr)
    assert (tmp_path / "log").read_text().endswith(f"[FTL] {text}")


def test_pid_file(tmp_path: Path) -> None:
    """The number of the process is written before clients come, over what was there, and stays."""
    file = tmp_path / "pid"
    file.write_text("a stale number of many digits")

    with NotifiedServer(tmp_path, *LOCAL, "-P", str(file)) as server:
        assert "READY=1" == server.hear()
        assert str(server.process.pid) == file.read_text()
        assert 0 == server.stop()[0]

    assert str(server.process.pid) == file.read_text()


def test_the_manager_is_notified(tmp_path: Path) -> None:
    """A service manager hears of readiness, gets signs of life, and hears of the end."""
    with NotifiedServer(tmp_path, *LOCAL, env={"WATCHDOG_USEC": "100000"}) as server:
        words = [server.hear() for _ in range(3)]
        server.send(signal.SIGTERM)
        while (last := server.hear()) == "WATCHDOG=1":
            pass

        assert ["READY=1", "WATCHDOG=1", "WATCHDOG=1"] == words
        assert "STOPPING=1" == last
        assert 0 == server.process.wait(STOP_SECONDS)


def test_a_reload_without_a_file() -> None:
    """HUP is answered though only flags configure the server: nothing has changed."""
    with ServerProcess() as server:
        os.kill(server.pid, signal.SIGHUP)
        server.wait_for("[INF] Reloaded server configuration (sha256:")

        dial(server.port).close()
        assert 0 == server.stop()


def test_a_dump_of_stacks() -> None:
    """QUIT ends the server at once; where each thread stood is on standard error."""
    with ServerProcess() as server:
        status = server.stop(signal.SIGQUIT)

        assert 2 == status
        assert re.search(r"^Current thread 0x\w+ .*:\n(  .*\n)*  File .* in run\n", server.log, re.MULTILINE)


def test_reopening_what_is_no_file() -> None:
    """USR1 is answered by a line in the log where the log is no file."""
    with ServerProcess() as server:
        os.kill(server.pid, signal.SIGUSR1)
        line = server.wait_for("[INF] File log re-open ignored")
        assert line.strip().endswith("re-open ignored, not a file logger")


def test_a_log_that_is_moved_away(tmp_path: Path) -> None:
    """After each move and USR1 the log goes on in a new file, and no line is lost."""
    log, port = tmp_path / "log", free_port()
    words = ("-a", "127.0.0.1", "-p", str(port), "-D", "-l", str(log))
    with NotifiedServer(tmp_path, *words) as server:
        assert "READY=1" == server.hear()
        for turn in range(5):
            for _ in range(20):
                dial(port).close()
            log.rename(tmp_path / f"log.{turn}")
            for _ in range(20):
                dial(port).close()
            server.send(signal.SIGUSR1)
            wait_until(lambda: log.exists() and "File log re-opened" in log.read_text())
        assert (0, "") == server.stop()

    files = [tmp_path / f"log.{turn}" for turn in range(5)] + [log]
    lines = [line for file in files for line in file.read_text().splitlines()]
    created = [
        int(number) for number in re.findall(r"cid:(\d+) - Client connection created", "\n".join(lines))
    ]
    assert list(range(1, 201)) == created
    assert all("[INF] File log re-opened" in file.read_text().splitlines()[0] for file in files[1:])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_without_end(number: signal.Signals) -> None:
    """However often a server is asked to end, it ends in good order."""
    with ServerProcess() as server:
        while server.is_alive:
            os.kill(server.pid, number)

        assert 0 == server.stop()
    assert "Traceback" not in server.log


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2])
def test_requests_without_end(tmp_path: Path, number: signal.Signals, loop: str) -> None:
    """Whatever is requested of a server until it has ended, it ends with status 0, on either event loop."""
    if loop == "asyncio":
        (tmp_path / "uvloop.py").write_text("raise ImportError\n")

    with NotifiedServer(tmp_path, *LOCAL, env={"PYTHONPATH": str(tmp_path)}) as server:
        assert "READY=1" == server.hear()
        server.send(signal.SIGTERM)
        while server.process.poll() is None:
            server.send(number)
        status, complaints = server.stop()

    assert 0 == status
    assert "Traceback" not in complaints


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_while_it_imports(tmp_path: Path, number: signal.Signals) -> None:
    """A server that is still being loaded ends at once as well, with status 0 and without a word."""
    begun = tmp_path / "begun"
    (tmp_path / "pydantic.py").write_text(
        f"import pathlib, time\npathlib.Path({str(begun)!r}).touch()\ntime.sleep(600)\n"
    )

    with NotifiedServer(tmp_path, *LOCAL, env={"PYTHONPATH": str(tmp_path)}) as server:
        wait_until(begun.exists)
        server.send(signal.SIGHUP)
        server.send(signal.SIGUSR1)
        server.send(signal.SIGUSR2)

        assert (0, "") == server.stop(number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_while_it_starts(tmp_path: Path, number: signal.Signals) -> None:
    """A server whose start takes long ends at once, with status 0; other signals do it no harm."""
    begun = tmp_path / "begun"
    (tmp_path / "slow_login.py").write_text(
        f"import pathlib, time\npathlib.Path({str(begun)!r}).touch()\ntime.sleep(600)\n"
    )
    file = tmp_path / "nats.conf"
    file.write_text('authorization { authenticator: "slow_login:check" }\n')

    words = (*LOCAL, "-c", str(file))
    with NotifiedServer(tmp_path, *words, env={"PYTHONPATH": str(tmp_path)}) as server:
        wait_until(begun.exists)
        server.send(signal.SIGHUP)
        server.send(signal.SIGUSR1)

        assert (0, "") == server.stop(number)
