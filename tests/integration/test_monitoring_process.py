"""The program with monitoring: flags, log lines, exit status, and what is loaded when."""

import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from tests.support.blocking_client import dial
from tests.support.patience import PATIENCE
from tests.support.server_process import ROOT, ServerProcess

SERVER = (sys.executable, "-m", "app.entrypoints.server", "-a", "127.0.0.1", "-p", "-1")
STARTING = re.compile(r"\[INF\] Starting http monitor on 127\.0\.0\.1:(\d+)\n")


def read(port: int, path: str) -> Any:  # noqa: ANN401 - JSON is anything
    """A page of JSON."""
    with urlopen(f"http://127.0.0.1:{port}{path}", timeout=PATIENCE) as answer:
        return json.load(answer)


@pytest.fixture(name="taken")
def _taken() -> Iterator[int]:
    """A port that somebody else listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def test_the_flag() -> None:
    """With -m the pages are served from the line that says so until the server ends, in good order."""
    with ServerProcess("-m", "-1") as server:
        found = STARTING.search(server.log)
        assert found is not None
        port = int(found[1])
        client = dial(server.port, b"SUB a 1\r\n")
        varz = read(port, "/varz")
        client.close()

        assert (1, 1, port) == (varz["connections"], varz["subscriptions"], varz["http_port"])
        assert server.port == varz["port"]
        assert 0 == server.stop(signal.SIGTERM)
    assert "Traceback" not in server.log


def test_the_file(tmp_path: Path) -> None:
    """The configuration file names the address of the pages, and the server."""
    file = tmp_path / "server.conf"
    file.write_text('http: "127.0.0.1:-1"\nserver_name: edge-1\n')
    with ServerProcess("-c", str(file)) as server:
        found = STARTING.search(server.log)
        assert found is not None
        assert "edge-1" == read(int(found[1]), "/varz")["server_name"]


def test_port_in_use(taken: int) -> None:
    """A port of monitoring that is taken ends the start, in one fatal line that names it."""
    done = subprocess.run(
        [*SERVER, "-m", str(taken)], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False
    )

    assert 1 == done.returncode
    fatal = [line for line in done.stderr.splitlines() if "[FTL]" in line]
    assert 1 == len(fatal)
    assert fatal[0].endswith(
        f"[FTL] Can't listen to the monitor port: 127.0.0.1:{taken}: address already in use"
    )
    assert "Traceback" not in done.stderr


def test_encryption_needs_a_certificate() -> None:
    """An encrypted port without a certificate ends the start, in one line that says what is missing."""
    done = subprocess.run(
        [*SERVER, "-ms", "-1"], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False
    )

    assert 1 == done.returncode
    assert "TLS cert and key required for HTTPS" in done.stderr
    assert "Traceback" not in done.stderr


def test_clients_need_not_wait_for_the_pages() -> None:
    """Clients are served from the line that says so, whatever monitoring does."""
    with subprocess.Popen(
        [*SERVER, "-m", "-1"], cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stderr is not None
        lines = iter(process.stderr.readline, "")
        listening = next(line for line in lines if "Listening for client connections" in line)
        client = dial(int(listening.rpartition(":")[2]))
        client.close()
        assert any("Server is ready" in line for line in lines)
        process.terminate()
        process.stderr.read()


class CrampedServer(ServerProcess):
    """A server that may have 64 files and links open."""

    command = ("sh", "-c", 'ulimit -n 64; exec "$@"', "sh", *ServerProcess.command)


def test_clients_take_all_descriptors() -> None:
    """Clients that take all descriptors end neither the server nor, when they have left, its pages."""
    with CrampedServer("-m", "-1") as server:
        clients = [socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) for _ in range(150)]
        server.wait_for("too many open files")
        found = STARTING.search(server.log)
        assert found is not None
        for client in clients:
            client.close()

        assert server.port == read(int(found[1]), "/varz")["port"]
        assert 0 == server.stop(signal.SIGTERM)
    assert "Traceback" not in server.log
