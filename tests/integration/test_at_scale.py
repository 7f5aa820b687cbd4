"""Full speed and many connections, against a server in a process of its own."""

import resource
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.support.blocking_client import CountingReader, dial, read_until
from tests.support.patience import PATIENCE
from tests.support.server_process import ServerProcess
from tests.support.twins import twins

MESSAGES = 2_000_000
BATCH = 10_000
PUBLISH = b"PUB speed 16\r\n0123456789abcdef\r\n"
DELIVERY = b"MSG speed 1 16\r\n0123456789abcdef\r\n"

SLOW = 20
BULK = b"PUB bulk 4096\r\n" + b"x" * 4096 + b"\r\n"

IDLE = 5_000
BYTES_PER_IDLE_CONNECTION = 4096
FEW = 8
"""Descriptors of clients that are just leaving."""

BYTES_KEPT = 10 * 1024 * 1024
"""What may stay after 5,000 clients: pages that Python keeps for small objects, for the next crowd."""

BYTES_OF_CLOSED = 10 * 1024 * 1024
"""What the last 10,000 closed clients take besides, once, with the pages between them."""


@pytest.fixture(params=twins())
def server(request: pytest.FixtureRequest) -> Iterator[ServerProcess]:
    """A server with default limits, on either twin."""
    with ServerProcess(env={"DATA_PLANE": request.param}) as process:
        yield process


def publish(port: int, messages: int) -> None:
    """Publish as fast as the server reads, and wait until it has read all."""
    with dial(port) as link:
        for _ in range(messages // BATCH):
            link.sendall(PUBLISH * BATCH)
        link.sendall(b"PING\r\n")
        read_until(link, b"PONG\r\n")


def test_full_speed_loses_nothing(server: ServerProcess) -> None:
    """One publisher at full speed, one healthy subscriber: all arrives, nobody is closed."""
    with dial(server.port, b"SUB speed 1\r\n") as link:
        counting = CountingReader(link, MESSAGES * len(DELIVERY))
        publish(server.port, MESSAGES)

        assert MESSAGES * len(DELIVERY) == counting.result()
        link.sendall(b"PING\r\n")
        assert b"PONG\r\n" == read_until(link, b"PONG\r\n")
    assert "Slow Consumer" not in server.log


def test_slow_consumer_is_cut_alone(server: ServerProcess) -> None:
    """A subscriber that stops reading is closed; a second one misses nothing."""
    with dial(server.port, b"SUB speed 1\r\n") as stopped, dial(server.port, b"SUB speed 1\r\n") as healthy:
        counting = CountingReader(healthy, MESSAGES * len(DELIVERY))
        publish(server.port, MESSAGES)

        assert MESSAGES * len(DELIVERY) == counting.result()
        server.wait_for("Slow Consumer Detected", PATIENCE)
        cut = CountingReader(stopped, MESSAGES * len(DELIVERY))
        with suppress(ConnectionResetError):
            assert MESSAGES * len(DELIVERY) > cut.result()
    assert 1 == server.log.count("Slow Consumer Detected")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc, on Linux")
def test_idle_connections_cost_little(server: ServerProcess) -> None:
    """5,000 idle connections take under 4 KiB each, all are served, and they leave next to nothing behind."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = IDLE + 200
    if hard < wanted:
        pytest.skip(f"needs a limit of {wanted} open files (ulimit -Hn); this one is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    dial(server.port).close()
    before, descriptors = memory_of(server.pid), descriptors_of(server.pid) + FEW

    first = crowd(server)
    expect_settled(server, descriptors, before + BYTES_KEPT + BYTES_OF_CLOSED)
    second = crowd(server)
    expect_settled(server, descriptors, before + BYTES_KEPT + BYTES_OF_CLOSED)
    remembering = memory_of(server.pid)
    crowd(server)
    expect_settled(server, descriptors, remembering + BYTES_KEPT)

    assert first - before < IDLE * BYTES_PER_IDLE_CONNECTION
    assert second - before < IDLE * BYTES_PER_IDLE_CONNECTION


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc, on Linux")
def test_slow_consumers_leave_nothing_behind(server: ServerProcess) -> None:
    """What waited for subscribers that were cut is given back to the system, however few they were."""
    dial(server.port).close()
    before, descriptors = memory_of(server.pid), descriptors_of(server.pid) + FEW
    with ExitStack() as stack:
        for _ in range(SLOW):
            stack.enter_context(dial(server.port, b"SUB bulk 1\r\n"))
        publisher = stack.enter_context(dial(server.port))
        while server.log.count("Slow Consumer Detected") < SLOW:
            publisher.sendall(BULK * 100 + b"PING\r\n")
            read_until(publisher, b"PONG\r\n")

    expect_settled(server, descriptors, before + BYTES_KEPT)


def crowd(server: ServerProcess) -> int:
    """Memory with 5,000 idle connections, each of which then gets an answer and leaves."""
    with ExitStack() as stack:
        links = [stack.enter_context(dial(server.port)) for _ in range(IDLE)]
        memory = memory_of(server.pid)
        for link in links:
            link.sendall(b"PING\r\n")
        for link in links:
            read_until(link, b"PONG\r\n")
    return memory


def expect_settled(server: ServerProcess, descriptors: int, memory: int) -> None:
    """Wait until the server is as small as that; the test's time limit is the bound."""
    while descriptors_of(server.pid) > descriptors or memory_of(server.pid) > memory:
        time.sleep(0.05)  # it gives memory back by a timer of its own


def memory_of(pid: int) -> int:
    """Resident bytes of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


def descriptors_of(pid: int) -> int:
    """Open files of a process."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))
