"""The terminal board against real servers, and against what only pretends to be one."""

import csv
import os
import pty
import re
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.adapters.top.monitoring_port import MonitoringPort, ReadingQuery, Unreachable
from app.entrypoints.top import main
from app.testing import free_port
from benchmarks.servers import find_peer
from tests.support.blocking_client import dial
from tests.support.canned_http import CannedHttp, answer
from tests.support.monitored_server import MonitoredServer
from tests.support.patience import PATIENCE
from tests.support.server_process import ROOT

HOST = "127.0.0.1"
SECONDS = PATIENCE
VARZ = answer(b'{"server_id":"ID","version":"0.8.0","uptime":"1s","in_msgs":5}')
CONNZ = answer(b'{"connections":[{"cid":1,"ip":"192.0.2.1","port":4711,"name":"billing"}]}')


def read(port: int, query: ReadingQuery | None = None) -> list[str]:
    """The names of all clients of one reading."""
    source = MonitoringPort(HOST, port)
    try:
        return [client.name for client in source.read(query or ReadingQuery()).clients]
    finally:
        source.close()


@contextmanager
def peer(*flags: str) -> Iterator[tuple[int, int]]:
    """A Go server of today: its port for clients, and its monitoring port."""
    port, http_port = free_port(), free_port()
    command = [str(find_peer()), "-a", HOST, "-p", str(port), "-m", str(http_port), *flags]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "Server is ready" in line:
                break
        try:
            yield port, http_port
        finally:
            process.terminate()


def test_our_own_server(capsys: pytest.CaptureFixture[str]) -> None:
    """A reading of our server has all its clients, and what passed between two of them."""
    with MonitoredServer("-n", "edge-1") as server, dial(server.port, b"SUB a 1\r\n") as link:
        link.sendall(b"PUB a 5\r\nhello\r\n")

        assert 0 == main(["-m", str(server.http_port), "-o", "-", "-u"])

    text = capsys.readouterr().out
    assert re.match(r"NATS server version 0\.8\.0 \(uptime: \d+s\)\nServer: edge-1\n", text)
    assert re.search(r"Msgs/Sec: \d+\.\d +Bytes/Sec: \d", text)
    assert "Connections Polled: 1\n" in text
    assert re.search(r"^  127\.0\.0\.1:\d+ +1 .* a$", text, re.MULTILINE)


def test_a_go_server_of_today(tmp_path: Path) -> None:
    """Another server's monitoring port is read as well; the file holds a table for programs."""
    target = tmp_path / "top.csv"

    with peer() as (port, http_port), dial(port, b'CONNECT {"name":"billing","lang":"x"}\r\nSUB a 1\r\n'):
        assert 0 == main(["-m", str(http_port), "-o", str(target), "-l", ",", "-sort", "subs"])

    headings, row = csv.reader(target.read_text("utf-8").splitlines())
    fields = dict(zip(headings, row, strict=True))
    assert ("billing", "x", "1") == (fields["NAME"], fields["LANG"], fields["SUBS"])


def test_a_link_is_kept() -> None:
    """Readings share a connection, and a limit, an order and subscriptions are asked for."""
    with CannedHttp([VARZ, CONNZ, VARZ, CONNZ]) as port:
        source = MonitoringPort(HOST, port.port)
        source.read(ReadingQuery())
        source.read(ReadingQuery(5, "pending", subscriptions=True))
        source.close()

    assert [
        "GET /varz HTTP/1.1",
        "GET /connz?limit=1024&sort=cid HTTP/1.1",
        "GET /varz HTTP/1.1",
        "GET /connz?limit=5&sort=pending&subs=1 HTTP/1.1",
    ] == port.requests


def test_a_link_that_was_idle_for_too_long() -> None:
    """When the server has hung up meanwhile, the board dials again and nobody notices."""
    with CannedHttp([VARZ, CONNZ], [VARZ, CONNZ]) as port:
        source = MonitoringPort(HOST, port.port)
        source.read(ReadingQuery())

        assert "billing" == source.read(ReadingQuery()).clients[0].name
        source.close()


def test_nobody_listens(capsys: pytest.CaptureFixture[str]) -> None:
    """A server that cannot be reached is one line on a plain terminal, and a failure."""
    port = free_port()

    assert 1 == main(["-m", str(port)])
    assert f"pynatsd-top: 127.0.0.1:{port}: Connection refused\n" == capsys.readouterr().err


def test_a_host_that_does_not_exist(capsys: pytest.CaptureFixture[str]) -> None:
    """A name that leads nowhere is named in one line."""
    assert 1 == main(["-s", "no..such..host", "-o", "-"])
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("pynatsd-top: no..such..host:8222: ")


@pytest.mark.parametrize(
    ("answers", "complaint"),
    [
        ([answer(b"<html>", keep=False)], "/varz is not JSON: is this the monitoring port of a NATS server?"),
        ([answer(b"{}")], "/varz has no server_id: is this the monitoring port of a NATS server?"),
        ([VARZ, answer(b"[]")], "/connz is not a JSON object"),
    ],
)
def test_something_else(answers: list[bytes], complaint: str) -> None:
    """The port of another service and an unreachable server have different errors."""
    with CannedHttp(answers) as port, pytest.raises(Unreachable) as refusal:
        read(port.port)

    assert f"127.0.0.1:{port.port}: {complaint}" == str(refusal.value)


def test_an_answer_that_refuses() -> None:
    """What a server says about a query that it refuses is passed on, in one line."""
    refused = answer(b"Invalid sorting option: rtt\nand more", "400 Bad Request")

    with CannedHttp([VARZ, refused]) as port, pytest.raises(Unreachable) as refusal:
        read(port.port, ReadingQuery(sort="rtt"))

    assert f"127.0.0.1:{port.port}/connz answers 400: Invalid sorting option: rtt" == str(refusal.value)


@pytest.mark.parametrize(
    "prepared", [b"\x00\x01\x02\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"]
)
def test_no_http(prepared: bytes) -> None:
    """What is no HTTP, or only the beginning of an answer, is an error and not a crash."""
    with CannedHttp([prepared]) as port, pytest.raises(Unreachable):
        read(port.port)


def test_a_plain_port_where_https_was_meant() -> None:
    """Speaking TLS to a plain port is an error of one line."""
    with CannedHttp([answer(b"", "400 Bad Request")]) as port, pytest.raises(Unreachable) as refusal:
        MonitoringPort(HOST, port.port, ssl.create_default_context()).read(ReadingQuery())

    assert 1 == len(str(refusal.value).splitlines())


def test_a_file_that_cannot_be_written(capsys: pytest.CaptureFixture[str]) -> None:
    """A snapshot that cannot be written is a failure that names the file."""
    with MonitoredServer() as server:
        assert 1 == main(["-m", str(server.http_port), "-o", "/nowhere/top.txt"])

    assert (
        "pynatsd-top: cannot write /nowhere/top.txt: No such file or directory\n" == capsys.readouterr().err
    )


def test_on_a_terminal() -> None:
    """On a real terminal the board is drawn, and q ends it and leaves the terminal as it was."""
    ours, theirs = pty.openpty()
    with MonitoredServer("-n", "edge-1") as server:
        process = subprocess.Popen(
            [sys.executable, "-m", "app.entrypoints.top", "-m", str(server.http_port)],
            cwd=ROOT,
            env={**os.environ, "TERM": "xterm-256color"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        shown = b""
        deadline = time.monotonic() + SECONDS
        while b"Connections Polled" not in shown and time.monotonic() < deadline:
            shown += os.read(ours, 65536)
        os.write(ours, b"q")
        while process.poll() is None:
            try:
                shown += os.read(ours, 65536)
            except OSError:  # Linux says so when the other end is closed
                break
        assert 0 == process.wait(SECONDS)
        os.close(ours)

    assert b"edge-1" in shown
    assert b"\x1b[?1049l" in shown


def test_json_of_a_real_server_is_what_it_was_made_for() -> None:
    """The fields that the board reads are those that a Go server of today sends."""
    with peer() as (port, http_port), dial(port, b"SUB a 1\r\n"):
        source = MonitoringPort(HOST, http_port)
        reading = source.read(ReadingQuery(subscriptions=True))
        source.close()

    assert reading.server.version
    assert reading.server.mem > 0
    assert ("a",) == reading.clients[0].subjects
