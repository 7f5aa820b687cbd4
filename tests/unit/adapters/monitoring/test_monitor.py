"""Monitoring as a thing to start and stop."""

import subprocess
import sys
from socket import socket
from typing import cast

import pytest

from app.adapters.clock_manual import ManualClock
from app.adapters.monitoring.monitor import Endpoint, HttpMonitor, Needs
from app.adapters.monitoring.watch import Settings
from app.domain.events import MonitorFailed, MonitorStarting
from app.ports.transport import ListenError
from tests.fakes.broker_view import FakeView
from tests.fakes.event_log import RecordingEventLog


class FakeSocket:
    """A socket that is not there."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.closed = False

    def getsockname(self) -> tuple[str, int]:
        """Where it would listen; port -1 gets a real one."""
        return "192.0.2.1", 8222 if self._port < 0 else self._port

    def close(self) -> None:
        """Note the end."""
        self.closed = True


class Ports:
    """Opens sockets that are not there, but for ports that are taken."""

    def __init__(self, *taken: int) -> None:
        self._taken = taken
        self.opened: list[FakeSocket] = []

    async def open(self, _host: str, port: int, _backlog: int) -> socket:
        """A socket; raises `ListenError` for a port that is taken."""
        if port in self._taken:
            raise ListenError("address already in use")
        self.opened.append(FakeSocket(port))
        return cast("socket", self.opened[-1])


def monitor(ports: Ports, log: RecordingEventLog, *endpoints: Endpoint) -> HttpMonitor:
    """Monitoring at these endpoints."""
    clock = ManualClock()
    needs = Needs(FakeView(clock), clock, log, ports.open)
    return HttpMonitor(endpoints, Settings(tls_timeout=0.5), needs)


@pytest.mark.asyncio
async def test_without_endpoints_nothing_happens() -> None:
    """Where nothing is to be served, starting and closing do nothing."""
    ports, log = Ports(), RecordingEventLog()
    nothing = monitor(ports, log)

    await nothing.listen()
    await nothing.start()
    await nothing.close()

    assert ([], []) == (ports.opened, log.events)


@pytest.mark.asyncio
async def test_ports_are_named() -> None:
    """Each port that was taken is in the log, the real one if a free one was asked for."""
    ports, log = Ports(), RecordingEventLog()
    one = monitor(ports, log, Endpoint("localhost", -1))

    await one.listen()
    await one.close()
    await one.close()

    assert [MonitorStarting(None, "localhost", 8222, "http")] == log.events
    assert "Starting http monitor on localhost:8222" == log.texts()[0]
    assert {"http": 8222} == one.ports
    assert [True] == [opened.closed for opened in ports.opened]


@pytest.mark.asyncio
async def test_a_port_that_is_taken() -> None:
    """A port that is taken is named, and those that were taken before are given back."""
    ports, log = Ports(8443), RecordingEventLog()
    one = monitor(ports, log, Endpoint("localhost", 8222), Endpoint("::1", 8443))

    with pytest.raises(ListenError, match=r"^\[::1\]:8443: address already in use$"):
        await one.listen()

    assert [True] == [opened.closed for opened in ports.opened]


@pytest.mark.asyncio
async def test_defects_are_reported() -> None:
    """A defect is one line in the log."""
    log = RecordingEventLog()

    monitor(Ports(), log)._report("ZeroDivisionError: why")  # noqa: SLF001 - it is called by what is imported later

    assert [MonitorFailed(None, "ZeroDivisionError: why")] == log.events
    assert ["Internal error in monitoring: ZeroDivisionError: why"] == log.texts()


def test_nothing_heavy_is_imported_before_the_start() -> None:
    """What makes a start slow is loaded only when there is something to serve."""
    code = (
        "import sys, app.adapters.monitoring.monitor; "
        "print(sorted({'fastapi', 'uvicorn', 'starlette', 'pydantic'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "[]\n" == done.stdout
