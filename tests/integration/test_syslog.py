"""The log as syslog daemons receive it, over real sockets."""

import re
import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from app.adapters.logs.destinations import SyslogError
from app.adapters.logs.setup import LogSettings, open_event_log
from app.adapters.logs.syslog_address import local_address
from app.adapters.logs.syslog_sink import LONGEST_DATAGRAM, open_syslog
from app.domain.events import AuthorizationFailed, ClientReportedError, ServerReady
from app.testing import free_port
from tests.support.patience import PATIENCE

SECONDS = PATIENCE
PLAIN = LogSettings(log_file=None, json_lines=False, debug=False, trace=False, logtime=True)

REMOTE = (
    rf"\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d) {re.escape(socket.gethostname())} gnatsd\[42\]"
)
LOCAL = r"[A-Z][a-z][a-z] [ \d]\d \d\d:\d\d:\d\d gnatsd\[42\]"


def record_two(url: str) -> None:
    """Open a log to `url`, record two facts, close it."""
    log = open_event_log(replace(PLAIN, remote_syslog=url), pid=42)
    log.record(ServerReady(None))
    log.record(AuthorizationFailed(None))
    log.close()


def port_of(link: socket.socket) -> int:
    """The port it is bound to."""
    port: int = link.getsockname()[1]
    return port


def accepted_text(listener: socket.socket) -> str:
    """All that the next connection sends, to its end."""
    connection, _ = listener.accept()
    connection.settimeout(SECONDS)
    with connection, connection.makefile("r", encoding="utf-8") as stream:
        return stream.read()


@pytest.fixture(name="datagrams")
def _datagrams() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.bind(("127.0.0.1", 0))
        link.settimeout(SECONDS)
        yield link


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_over_udp(datagrams: socket.socket, host: str) -> None:
    """Each line is a datagram with its own line end."""
    record_two(f"udp://{host}:{port_of(datagrams)}")

    assert re.fullmatch(rf"<5>{REMOTE}: Server is ready\n", datagrams.recv(4096).decode())
    assert re.fullmatch(rf"<3>{REMOTE}: Authorization Error\n", datagrams.recv(4096).decode())


def test_a_line_too_long_for_a_datagram(datagrams: socket.socket) -> None:
    """It is cut where a datagram ends, and the next line is whole."""
    log = open_event_log(replace(PLAIN, remote_syslog=f"udp://127.0.0.1:{port_of(datagrams)}"), pid=42)

    log.record(ClientReportedError(None, 100_000 * "x"))
    log.record(ServerReady(None))
    log.close()

    cut = datagrams.recv(100_000)
    assert LONGEST_DATAGRAM == len(cut)
    assert cut.endswith(b"xxx\n")
    assert datagrams.recv(4096).endswith(b": Server is ready\n")


def test_a_udp_daemon_that_is_not_there_yet(datagrams: socket.socket) -> None:
    """A server starts without its daemon; lines recorded meanwhile wait for it."""
    port = port_of(datagrams)
    datagrams.close()
    address = f"udp://127.0.0.1:{port}"
    log = open_event_log(replace(PLAIN, remote_syslog=address), pid=42)
    for number in range(10):
        log.record(ClientReportedError(None, str(number)))

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", port))
        daemon.settimeout(SECONDS)
        lines = [daemon.recv(4096)]
        while not lines[-1].endswith(b"Client Error 9\n"):
            lines.append(daemon.recv(4096))
    log.close()
    assert len(lines) <= 10


def test_over_tcp() -> None:
    """Lines follow each other in one connection."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        record_two(f"tcp://127.0.0.1:{port_of(listener)}")

        assert re.fullmatch(
            rf"<5>{REMOTE}: Server is ready\n<3>{REMOTE}: Authorization Error\n", accepted_text(listener)
        )


def test_a_tcp_daemon_that_is_restarted(capfd: pytest.CaptureFixture[str]) -> None:
    """Lines recorded while the daemon is away are in its next connection, and one warning went out."""
    port = free_port()
    listener = socket.create_server(("127.0.0.1", port))
    log = open_event_log(replace(PLAIN, remote_syslog=f"tcp://127.0.0.1:{port}"), pid=42)
    log.record(ServerReady(None))
    connection, _ = listener.accept()
    assert connection.recv(4096).endswith(b"Server is ready\n")
    listener.close()
    connection.close()

    log.record(ClientReportedError(None, "meanwhile"))
    with closing(socket.create_server(("127.0.0.1", port))) as again:
        again.settimeout(SECONDS)
        connection, _ = again.accept()
        connection.settimeout(SECONDS)
        with connection, connection.makefile("r", encoding="utf-8") as stream:
            assert stream.readline().endswith(": Client Error meanwhile\n")
            log.record(ServerReady(None))
            assert stream.readline().endswith(": Server is ready\n")
            log.close()
            assert "" == stream.read()

    assert re.fullmatch(
        rf"cannot reach tcp://127\.0\.0\.1:{port}: .*; log lines wait until it is back\n",
        capfd.readouterr().err,
    )


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM], ids=["stream", "datagrams"])
def test_over_a_path(kind: socket.SocketKind, tmp_path: Path) -> None:
    """A daemon on this machine gets the old stamp, and no host; streams and datagrams work alike."""
    path = str(tmp_path / "log")
    with socket.socket(socket.AF_UNIX, kind) as daemon:
        daemon.bind(path)
        daemon.settimeout(SECONDS)
        if kind is socket.SOCK_STREAM:
            daemon.listen()
        record_two(f"unix://{path}")

        if kind is socket.SOCK_STREAM:
            text = accepted_text(daemon)
        else:
            text = daemon.recv(4096).decode() + daemon.recv(4096).decode()
        assert re.fullmatch(rf"<5>{LOCAL}: Server is ready\n<3>{LOCAL}: Authorization Error\n", text)


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM], ids=["stream", "datagrams"])
def test_the_daemon_of_this_machine(kind: socket.SocketKind, tmp_path: Path) -> None:
    """Of the places where it may be, the first that is there is taken."""
    path = str(tmp_path / "log")
    with socket.socket(socket.AF_UNIX, kind) as daemon:
        daemon.bind(path)
        daemon.settimeout(SECONDS)
        if kind is socket.SOCK_STREAM:
            daemon.listen()
        sink = open_syslog(local_address(("/nowhere/log", path)), pytest.fail)

        assert 6 == sink.write(memoryview(b"words\n"))
        sink.close()

        assert "words\n" == (
            accepted_text(daemon) if kind is socket.SOCK_STREAM else daemon.recv(4096).decode()
        )


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("unix:///nowhere/log", "no such file or directory"),
        ("tcp://127.0.0.1:{closed}", "connection refused"),
        ("unix:///{long}", "af_unix path too long"),
    ],
    ids=["path", "port", "long path"],
)
def test_no_daemon_at_the_start(url: str, reason: str) -> None:
    """A daemon that cannot be reached ends the start, with gnatsd's text and the reason."""
    url = url.format(closed=free_port(), long=200 * "x")

    with pytest.raises(SyslogError) as raised:
        open_event_log(replace(PLAIN, remote_syslog=url))

    assert f'error connecting to syslog: "{url}: {reason}"' == str(raised.value)
