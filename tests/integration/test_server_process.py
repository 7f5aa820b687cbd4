"""The server as a program: flags, log, signals and exit status."""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from app.domain.protocol.client_level import CLIENT_LEVEL
from app.testing import free_port
from tests.support.blocking_client import QUIET, CountingReader, dial, read_until
from tests.support.notified_server import wait_until
from tests.support.patience import PATIENCE
from tests.support.server_process import ROOT, STOP_SECONDS, ServerProcess
from tests.support.twins import twins

SERVER = (sys.executable, "-m", "app.entrypoints.server")


def run(*words: str, data_plane: str = "auto") -> "subprocess.CompletedProcess[str]":
    """Run the server for a command line that ends by itself."""
    return subprocess.run(
        [*SERVER, *words],
        cwd=ROOT,
        env={"DATA_PLANE": data_plane, "PATH": ""},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def test_version() -> None:
    """The version is that of INFO, as nats-server writes it, and after it the program that runs."""
    done = run("-v")

    assert (0, "") == (done.returncode, done.stderr)
    assert re.fullmatch(
        rf"nats-server: v{re.escape(CLIENT_LEVEL)}\n"
        r"pynatsd \d+\.\d+\.\d+, CPython 3\.\d+\.\d+, (native|python); "
        r'with compatibility "0\.8\.0": nats-server version 0\.8\.0\n',
        done.stdout,
    )


@pytest.mark.parametrize("flag", ["-h", "--help", "help"])
def test_help(flag: str) -> None:
    """Help goes to standard output and is a success."""
    done = run(flag)

    assert (0, "") == (done.returncode, done.stderr)
    assert done.stdout.startswith("\nUsage: pynatsd [options]\n")


def test_bad_usage() -> None:
    """A flag that does not exist is named in one line, and the status is 2."""
    done = run("-nope")

    assert (2, "", "flag provided but not defined: -nope; see --help\n") == (
        done.returncode,
        done.stdout,
        done.stderr,
    )


CLOSED = 'exec "$@" <&- >&- 2>&-'
"""For a shell: run the arguments without any of the three standard streams."""


def without_streams(*words: str) -> tuple[str, ...]:
    """The command that runs a server without standard streams."""
    return ("sh", "-c", CLOSED, "sh", *SERVER, *words)


@pytest.mark.parametrize(("words", "status"), [(["-v"], 0), (["-nope"], 2), (["-c", "/nope"], 1)])
def test_status_without_standard_streams(words: list[str], status: int) -> None:
    """The exit status is right even if no message can be written."""
    done = subprocess.run(without_streams(*words), cwd=ROOT, timeout=PATIENCE, check=False)

    assert status == done.returncode


@pytest.mark.parametrize("twin", twins())
def test_serving_without_standard_streams(twin: str) -> None:
    """A server whose standard streams are closed serves, and ends in good order."""
    port = free_port()
    server = subprocess.Popen(
        without_streams("-a", "127.0.0.1", "-p", str(port)),
        cwd=ROOT,
        env={**os.environ, "DATA_PLANE": twin},
    )
    try:
        wait_until(lambda: listens(port))
        dial(port).close()
        server.send_signal(signal.SIGTERM)

        assert 0 == server.wait(STOP_SECONDS)
    finally:
        server.kill()
        server.wait()


def listens(port: int) -> bool:
    """Whether a port of the loopback takes connections."""
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return False
    return True


def test_unknown_data_plane() -> None:
    """A data plane that does not exist is refused, with the choices."""
    done = run("-p", "-1", data_plane="fast")

    assert 1 == done.returncode
    assert "unknown data plane 'fast': choose auto, native or python\n" == done.stderr


def test_port_in_use() -> None:
    """A port that is taken ends the start with one fatal line and status 1."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("-a", "127.0.0.1", "-p", str(port))

    assert 1 == done.returncode
    assert 1 == done.stderr.count("[FTL]")
    assert f'Error listening on port: 127.0.0.1:{port}, "' in done.stderr


def test_log_file_that_cannot_be_written(tmp_path: Path) -> None:
    """A log file that cannot be opened ends the start with a line that names it."""
    done = run("-l", str(tmp_path), "-p", "-1")

    assert 1 == done.returncode
    assert str(tmp_path) in done.stderr
    assert "Traceback" not in done.stderr


def test_free_port_is_reported_to_clients() -> None:
    """With port -1 the log and INFO name the port that was found."""
    with ServerProcess() as server, socket.create_connection(("127.0.0.1", server.port)) as link:
        info = read_until(link, b"\r\n")

    assert b'"port":%d,' % server.port in info


@pytest.mark.parametrize(("number", "name"), [(signal.SIGINT, "interrupt"), (signal.SIGTERM, "terminated")])
def test_signals_end_it_in_good_order(number: signal.Signals, name: str) -> None:
    """INT and TERM are logged, clients see an orderly end, and the status is 0."""
    with ServerProcess("-D") as server, dial(server.port) as client:
        status = server.stop(number)

        assert (0, b"") == (status, client.recv(1))
    assert f"[DBG] Trapped Signal; {name}\n" in server.log
    assert server.log.rstrip().endswith("[INF] Server Exiting..") or "Client connection closed" in server.log


@pytest.mark.parametrize("twin", twins())
def test_stop_sends_what_is_pending(twin: str) -> None:
    """What subscribers were owed when the signal came still reaches those who read on."""
    message = b"MSG owed 1 65536\r\n" + b"x" * 65536 + b"\r\n"
    publish = b"PUB owed 65536\r\n" + b"x" * 65536 + b"\r\n"
    with (
        ServerProcess(env={"DATA_PLANE": twin}) as server,
        dial(server.port, b"SUB owed 1\r\n") as subscriber,
        dial(server.port) as publisher,
    ):
        publisher.sendall(publish * 100 + b"PING\r\n")
        read_until(publisher, b"PONG\r\n")
        counting = CountingReader(subscriber, 100 * len(message))

        assert 0 == server.stop()
        assert 100 * len(message) == counting.result()


def test_log_lines_of_a_session() -> None:
    """Start, connect, trace and end read as gnatsd writes them."""
    stamp = r"\[\d+\] \d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d{6} "
    peer = r"127\.0\.0\.1:\d+ - cid:1 - "
    expected = [
        r"\[INF\] Starting nats-server version 0\.8\.0",
        r"\[INF\] Running pynatsd [\d.]+ on \w+ [\d.]+, event loop \w+, data plane \w+",
        r"\[INF\] Listening for client connections on 127\.0\.0\.1:\d+",
        r"\[DBG\] Server id is [0-9A-Za-z]{22}",
        r"\[INF\] Server is ready",
        rf"\[DBG\] {peer}Client connection created",
        rf'\[TRC\] {peer}->> \[CONNECT {{"verbose":false,"pass":"\[REDACTED\]"}}\]',
        rf"\[TRC\] {peer}->> \[SUB foo 9\]",
        rf"\[TRC\] {peer}->> \[PUB foo re 5\]",
        rf"\[TRC\] {peer}->> MSG_PAYLOAD: \[hello\]",
        rf"\[TRC\] {peer}<<- \[MSG foo 9 re 5\]",
        rf"\[TRC\] {peer}->> \[UNSUB 9\]",
        rf"\[TRC\] {peer}<-> \[DELSUB 9\]",
        rf"\[TRC\] {peer}->> \[PING\]",
        rf"\[TRC\] {peer}<<- \[PONG\]",
        rf"\[DBG\] {peer}Client connection closed",
        r"\[DBG\] Trapped Signal; terminated",
        r"\[INF\] Server Exiting\.\.",
    ]

    with ServerProcess("-DV") as server:
        with socket.create_connection(("127.0.0.1", server.port)) as link:
            link.sendall(b'CONNECT {"verbose":false,"pass":"secret"}\r\nSUB foo 9\r\n')
            link.sendall(b"PUB foo re 5\r\nhello\r\nUNSUB 9\r\nPING\r\n")
            read_until(link, b"PONG\r\n")
        server.wait_for("Client connection closed")
        server.stop()

    lines = server.log.splitlines()
    assert len(expected) == len(lines), server.log
    for pattern, line in zip(expected, lines, strict=True):
        assert re.fullmatch(stamp + pattern, line), line


def test_garbage_ends_one_client_only() -> None:
    """A client that sends garbage is refused; one beside it is served on."""
    with ServerProcess() as server, dial(server.port) as witness:
        with socket.create_connection(("127.0.0.1", server.port)) as link:
            link.sendall(QUIET + b"\x00\xff" * 1000)
            assert b"Unknown Protocol Operation" in read_until(link, b"'Parser Error'\r\n")
        witness.sendall(b"PING\r\n")

        assert b"PONG\r\n" == read_until(witness, b"PONG\r\n")
