"""What a server takes: memory, processor time, and time to start, to connect and to subscribe."""

import multiprocessing
import os
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.client import await_pong, dial, dial_many, hang_up, let_settle
from benchmarks.encode import PING, subscription
from benchmarks.sample import OpenProbe, Probe, Sample, Target

RATE = "per second"
BYTES = "bytes"
GROWTH = "growth"
SECONDS = "seconds"
PERCENT = "percent"

_BATCH = 10_000
_SETTLE_SECONDS = 12.0
_SETTLED = 0.02


def memory_of(pid: int) -> int:
    """Resident bytes of a process."""
    pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * resource.getpagesize()


def processor_seconds_of(pid: int) -> float:
    """User and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class _Once:
    """A probe whose samples are calls of one function."""

    def __init__(self, measure: Callable[[], dict[str, float]]) -> None:
        self._measure = measure

    def warm_up(self, seconds: float) -> None:
        """There is nothing to warm up: what is measured is the first time."""

    def measure(self) -> Sample:
        """Call it."""
        return Sample(self._measure())


def _probe(measure: Callable[[Target], dict[str, float]]) -> OpenProbe:
    @contextmanager
    def open_probe(server: Target) -> Iterator[Probe]:
        yield _Once(lambda: measure(server))

    return open_probe


def subscribing(count: int) -> OpenProbe:
    """One client subscribes to `count` subjects, leaves, and another one does the same."""
    lines = [
        b"".join(subscription(b"bench.%d" % n, sid=b"%d" % n) for n in range(start, start + _BATCH))
        for start in range(0, count, _BATCH)
    ]

    def subscribe(server: Target) -> tuple[float, int]:
        link = dial(server.port)
        began = time.perf_counter()
        for line in lines:
            link.sendall(line)
        link.sendall(PING)
        await_pong(link)
        elapsed = time.perf_counter() - began
        memory = memory_of(server.pid)
        link.close()
        _await_calm(server)
        return elapsed, memory

    def measure(server: Target) -> dict[str, float]:
        before = memory_of(server.pid)
        elapsed, first = subscribe(server)
        _, second = subscribe(server)
        return {
            RATE: count / elapsed,
            BYTES: (first - before) / count,
            GROWTH: max(0.0, (second - first) / first * 100),
        }

    return _probe(measure)


def _await_calm(server: Target) -> None:
    """Wait until the server has cleaned up: it hardly works any more."""
    deadline = time.perf_counter() + _SETTLE_SECONDS
    while time.perf_counter() < deadline:
        before = processor_seconds_of(server.pid)
        time.sleep(1.0)
        if processor_seconds_of(server.pid) - before <= _SETTLED:
            return


def connecting(count: int) -> OpenProbe:
    """`count` clients connect, stay for a moment, and leave."""

    def measure(server: Target) -> dict[str, float]:
        before = memory_of(server.pid)
        began = time.perf_counter()
        links = dial_many(server.port, count)
        elapsed = time.perf_counter() - began
        each = (memory_of(server.pid) - before) / count
        hang_up(links)
        let_settle(server.port)
        return {RATE: count / elapsed, BYTES: each}

    return _probe(measure)


def starting() -> OpenProbe:
    """From the start of the process to the first PONG."""
    return _probe(lambda server: {SECONDS: server.start_another()})


def idling(count: int, seconds: float) -> OpenProbe:
    """Processor time while `count` clients do nothing."""

    def measure(server: Target) -> dict[str, float]:
        with crowd(server.port, count):
            time.sleep(1.0)
            before = processor_seconds_of(server.pid)
            time.sleep(seconds)
            spent = processor_seconds_of(server.pid) - before
        return {PERCENT: spent / seconds * 100}

    return _probe(measure)


@contextmanager
def crowd(port: int, count: int) -> Iterator[None]:
    """This many idle clients, in a process of their own."""
    ours, theirs = multiprocessing.Pipe()
    holder = multiprocessing.Process(target=_hold, args=(port, count, theirs), daemon=True)
    holder.start()
    ours.recv()
    try:
        yield
    finally:
        ours.send(None)
        holder.join()


def _hold(port: int, count: int, signal: Connection) -> None:
    links = dial_many(port, count)
    signal.send(None)
    signal.recv()
    hang_up(links)


def beside(count: int, probe: OpenProbe) -> OpenProbe:
    """The same probe, while this many clients are idle."""

    @contextmanager
    def open_probe(server: Target) -> Iterator[Probe]:
        with crowd(server.port, count), probe(server) as inner:
            yield inner

    return open_probe
