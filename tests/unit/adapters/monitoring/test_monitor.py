"""Monitoring as a thing to start and stop."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from socket import socket
from typing import cast

import pytest

from app.adapters.clock_manual import ManualClock
from app.adapters.monitoring.context import MonitorSettings
from app.adapters.monitoring.events import MonitorAvailable, MonitorUnavailable
from app.adapters.monitoring.monitor import (
    HttpMonitor,
    MonitorEndpoint,
    MonitorNeeds,
)
from app.domain.events import MonitorFailed, MonitorStarting
from app.ports.transport import ListenError
from tests.fakes.broker_view import FakeBrokerView
from tests.fakes.event_log import RecordingEventLog
from tests.support.patience import PATIENCE


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


def monitor(ports: Ports, log: RecordingEventLog, *endpoints: MonitorEndpoint) -> HttpMonitor:
    """Monitoring at these endpoints."""
    clock = ManualClock()
    needs = MonitorNeeds(FakeBrokerView(clock), clock, log, ports.open)
    return HttpMonitor(endpoints, MonitorSettings(tls_timeout=0.5), needs)


@pytest.mark.asyncio
async def test_without_endpoints_nothing_happens() -> None:
    """Where nothing is to be served, starting and closing do nothing."""
    ports, log = Ports(), RecordingEventLog()
    nothing = monitor(ports, log)

    await nothing.listen()
    await nothing.prepare()
    await nothing.start()
    await nothing.close()

    assert ([], []) == (ports.opened, log.events)


@pytest.mark.asyncio
async def test_ports_are_named() -> None:
    """Each port that was taken is in the log, the real one if a free one was asked for."""
    ports, log = Ports(), RecordingEventLog()
    one = monitor(ports, log, MonitorEndpoint("localhost", -1))

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
    one = monitor(ports, log, MonitorEndpoint("localhost", 8222), MonitorEndpoint("::1", 8443))

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


class Waits:
    """Waiting that takes no time; after some of it the world is in order again."""

    def __init__(self, *repairs: Callable[[], object]) -> None:
        self.seconds: list[float] = []
        self._repairs = list(repairs)

    async def wait(self, seconds: float) -> None:
        """Note how long."""
        self.seconds.append(seconds)
        if self._repairs:
            self._repairs.pop(0)()


class FakeServer:
    """Serves, or fails in one of its steps."""

    def __init__(self, world: "World") -> None:
        self._world = world

    async def prepare(self) -> None:
        """Fail, if that is what happens now."""
        self._world.step("prepare")

    def start(self) -> None:
        """Fail, if that is what happens now."""
        self._world.step("start")

    async def close(self) -> None:
        """Fail, if that is what happens now."""
        self._world.step("close")


class World:
    """What happens to monitoring while it starts."""

    def __init__(self, fails: str) -> None:
        self.fails = fails
        self.steps: list[str] = []

    def step(self, name: str) -> None:
        """Do it, or fail."""
        self.steps.append(name)
        if self.fails == name:
            raise OSError(24, "Too many open files")

    def make(self) -> FakeServer:
        """A server, or a failure."""
        self.step("make")
        return FakeServer(self)

    def heal(self) -> None:
        """Nothing fails from now on."""
        self.fails = ""


@pytest.mark.asyncio
@pytest.mark.parametrize("fails", ["make", "prepare", "start"])
async def test_it_fails_alone_and_tries_again(monkeypatch: pytest.MonkeyPatch, fails: str) -> None:
    """Whatever goes wrong is said, and tried again after more and more time, until pages are served."""
    log, world = RecordingEventLog(), World(fails)
    waits = Waits(lambda: None, lambda: None, world.heal)
    clock = ManualClock()
    needs = MonitorNeeds(FakeBrokerView(clock), clock, log, Ports().open, sleep=waits.wait)
    one = HttpMonitor([MonitorEndpoint("localhost", -1)], MonitorSettings(tls_timeout=0.5), needs)
    monkeypatch.setattr(one, "_make_server", world.make)

    await one.listen()
    await one.prepare()
    await one.start()
    async with asyncio.timeout(PATIENCE):
        while not log.of(MonitorAvailable):  # noqa: ASYNC110 - a log that remembers has no event
            await asyncio.sleep(0)
    await one.close()

    assert [1.0, 2.0, 4.0] == waits.seconds
    assert [1.0, 2.0, 4.0] == [fact.seconds for fact in log.of(MonitorUnavailable)]
    assert (
        "Monitoring is not available: OSError: [Errno 24] Too many open files; trying again in 1 s"
        == log.texts()[1]
    )
    assert ["prepare", "start", "close"] == world.steps[-3:]


@pytest.mark.asyncio
async def test_the_end_comes_while_it_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    """A monitor that never served ends like any other, and one whose end fails says so."""
    log, world = RecordingEventLog(), World("make")
    clock = ManualClock()
    needs = MonitorNeeds(FakeBrokerView(clock), clock, log, Ports().open)
    one = HttpMonitor([MonitorEndpoint("localhost", -1)], MonitorSettings(tls_timeout=0.5), needs)
    monkeypatch.setattr(one, "_make_server", world.make)
    await one.listen()
    await one.prepare()
    await one.start()
    await one.close()

    other = HttpMonitor([MonitorEndpoint("localhost", -1)], MonitorSettings(tls_timeout=0.5), needs)
    world.fails = "close"
    monkeypatch.setattr(other, "_make_server", world.make)
    await other.listen()
    await other.prepare()
    await other.start()
    await other.close()

    assert [MonitorFailed(None, "OSError: [Errno 24] Too many open files")] == log.of(MonitorFailed)


def test_nothing_heavy_is_imported_before_the_start() -> None:
    """What makes a start slow is loaded only when there is something to serve."""
    code = (
        "import sys, app.adapters.monitoring.monitor; "
        "print(sorted({'fastapi', 'uvicorn', 'starlette', 'pydantic'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "[]\n" == done.stdout
