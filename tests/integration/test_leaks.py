"""Servers that a program embeds leave nothing in it."""

import asyncio
import gc
import os
import socket
import sys
import threading
import weakref
from pathlib import Path

import pytest
from dependency_injector import providers

from app.config.options import make_options
from app.domain.broker import Broker
from app.entrypoints.container import Container
from app.entrypoints.service import CannotStart
from app.testing import free_port
from benchmarks.leaks import measure_connections, measure_servers, serve_once
from tests.fakes.event_log import RecordingEventLog
from tests.support.patience import PATIENCE

QUIET: dict[str, object] = {"log_file": os.devnull}
SERVERS = 12
FILES = Path("/proc/self/fd")


@pytest.mark.parametrize("options", [{}, {"http_port": -1}])
def test_stopped_servers(options: dict[str, object]) -> None:
    """Servers that were started, used and stopped are gone, and with them their threads, tasks and files."""
    growth = asyncio.run(measure_servers("servers", SERVERS, QUIET | options, reads=True))
    before, after = growth.held[0], growth.held[-1]

    assert (0, 0) == (before.leftovers, after.leftovers)
    assert (before.descriptors, before.tasks, before.threads) == (
        after.descriptors,
        after.tasks,
        after.threads,
    )
    assert after.objects - before.objects < 20 * SERVERS, "a server is made of hundreds of objects"


def test_clients_that_left() -> None:
    """Descriptors, tasks, threads and subscriptions do not grow with clients that came and left."""
    growth = asyncio.run(measure_connections(200, warm_up=100))

    assert not {"descriptors", "tasks", "threads", "left over"} & set(growth.leaks()), growth.table()


def test_the_interpreter_stays_as_it_was() -> None:
    """An embedded server does not touch what belongs to the program."""
    before = (sys.getrecursionlimit(), gc.get_threshold(), sys.getswitchinterval())

    asyncio.run(serve_once(QUIET | {"http_port": -1}))

    assert before == (sys.getrecursionlimit(), gc.get_threshold(), sys.getswitchinterval())


@pytest.mark.parametrize("taken", ["port", "http_port", "cluster"])
def test_a_start_that_fails(taken: str) -> None:
    """Where a port is taken nothing stays open: no other port, no thread, no file."""
    threads = threading.active_count()
    with socket.create_server(("127.0.0.1", 0)) as somebody:
        port = somebody.getsockname()[1]
        asked: dict[str, object] = {"host": "127.0.0.1", "port": -1, "http_port": -1, **QUIET}
        asked[taken] = {"host": "127.0.0.1", "port": port} if taken == "cluster" else port
        descriptors = len(list(FILES.iterdir()))

        assert _fails(asked)() is None

        assert descriptors == len(list(FILES.iterdir()))
    assert threads == threading.active_count()


def _fails(asked: dict[str, object]) -> "weakref.ref[Broker]":
    async def start() -> "weakref.ref[Broker]":
        service = Container(make_options(asked)).service()
        with pytest.raises(CannotStart):
            await service.start()
        return weakref.ref(service.broker)

    broker = asyncio.run(start())
    gc.collect()
    return broker


@pytest.mark.asyncio
async def test_a_server_starts_once() -> None:
    """A second start is refused, and the first one ends in order: no port stays open."""
    container = Container(make_options({"host": "127.0.0.1", "port": free_port()}))
    container.event_log.override(providers.Object(RecordingEventLog()))
    service = container.service()
    addresses = await service.start()

    with pytest.raises(RuntimeError, match="started before"):
        await service.start()
    await service.stop()
    await service.stop()
    await service.departed()

    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", addresses.clients[0].port)
    with pytest.raises(RuntimeError, match="started before"):
        await service.start()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of the open socket
def test_a_server_that_is_dropped() -> None:
    """One that nobody has stopped leaves no thread when it is collected."""
    threads = threading.active_count()

    async def start() -> None:
        await Container(make_options({"host": "127.0.0.1", "port": -1, **QUIET})).service().start()

    asyncio.run(start())
    gc.collect()
    for thread in threading.enumerate():
        if thread.name == "event-log":
            thread.join(PATIENCE)

    assert threads == threading.active_count()
