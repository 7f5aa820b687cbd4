"""Monitoring under load: how long a page takes, and what its readers cost everybody else.

One server at a time: thousands of idle clients, a publisher at full speed, a client that
sends itself a message every few milliseconds, and a reader who asks for a page again and
again. The messages are sent by the clock, so that a long wait does not hide the next one.
"""

import http.client
import json
import multiprocessing
import resource
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

from app.testing import free_port
from benchmarks.client import dial, dial_many, read_some
from benchmarks.encode import publication, subscription
from benchmarks.latency import P50, P99, percentiles
from benchmarks.servers import Contender, RunningServer

CROWD = 5000
PAGE = "/connz?limit=1024"
PAUSES: tuple[float | None, ...] = (None, 1.0, 0.1)
"""Seconds between the answer to a reader and its next request; None for no reader."""

_PATIENCE = 60.0
_READY_SECONDS = 0.05
_SUBJECT = b"bench.pressure"
_ECHO = b"bench.echo"
_ECHO_SECONDS = 0.005
_BATCH = 2000
_ROOM = 1024 * 1024
_MS = 1e3
_MILLION = 1e6


@dataclass(frozen=True, slots=True)
class Reading:
    """What happened, round after round, while a reader asked so often. Times in milliseconds."""

    pause: float | None
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    """Messages that passed the server in a second."""
    pages: list[float] = field(default_factory=list)


def measure(contender: Contender, rounds: int, seconds: float) -> list[Reading]:
    """All readings of one server, taken by turns, so that a busy moment of the machine meets all."""
    port = free_port()
    readings = [Reading(pause) for pause in PAUSES]
    with ExitStack() as stack:
        server = stack.enter_context(RunningServer(contender, "-m", str(port)))
        _await_pages(port)
        stack.enter_context(_running(_stand_by, server.port))
        stack.enter_context(_running(_press, server.port))
        link = stack.enter_context(dial(server.port, subscription(_ECHO)))
        _echo(link, seconds)
        for _ in range(rounds):
            for reading in readings:
                _observe(reading, port, link, seconds)
    return readings


def table(results: Sequence[tuple[str, list[Reading]]]) -> str:
    """The medians, one line for each server and reader, in Markdown."""
    lines = [
        f"| Server, {CROWD} clients | {PAGE} | page, median | longest | {P50} | {P99} | million msgs/s |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for name, readings in results:
        for reading in readings:
            page = [statistics.median(reading.pages), max(reading.pages)] if reading.pages else []
            cells = [f"{value:.0f} ms" for value in page] or ["-", "-"]
            cells += [f"{statistics.median(values):.1f} ms" for values in (reading.p50, reading.p99)]
            rate = statistics.median(reading.rates) / _MILLION
            lines.append(f"| {name} | {_often(reading.pause)} | {' | '.join(cells)} | {rate:.1f} |")
    return "\n".join(lines)


def _often(pause: float | None) -> str:
    return "nobody reads" if pause is None else f"again after {pause:g} s"


def _observe(reading: Reading, port: int, link: socket.socket, seconds: float) -> None:
    """Measure messages beside a reader, and how many others passed meanwhile."""
    before, began = _messages(port), time.perf_counter()
    with _reader(port, reading):
        took = percentiles(_echo(link, seconds))
    passed, elapsed = _messages(port) - before, time.perf_counter() - began
    reading.rates.append(passed / elapsed)
    reading.p50.append(took[P50] / _MS)
    reading.p99.append(took[P99] / _MS)


def _echo(link: socket.socket, seconds: float) -> list[int]:
    """Send messages to oneself, whose payload is when they were due; the nanoseconds that each took."""
    count = max(1, int(seconds / _ECHO_SECONDS))
    times: list[int] = []
    listener = threading.Thread(target=_listen, args=(link, count, times))
    listener.start()
    due = time.perf_counter_ns()
    for _ in range(count):
        time.sleep(max(0, due - time.perf_counter_ns()) / 1e9)
        link.sendall(publication(_ECHO, b"%020d" % due))
        due += int(_ECHO_SECONDS * 1e9)
    listener.join()
    return times


def _listen(link: socket.socket, count: int, times: list[int]) -> None:
    unread = b""
    while len(times) < count:
        unread += read_some(link)
        now = time.perf_counter_ns()
        *lines, unread = unread.split(b"\r\n")
        times += [now - int(line) for line in lines if line.isdigit()]


# --- the reader ---------------------------------------------------------------------------


@contextmanager
def _reader(port: int, reading: Reading) -> Iterator[None]:
    """Ask for the page, at least once, until the block is left."""
    if reading.pause is None:
        yield
        return
    over = threading.Event()
    thread = threading.Thread(target=_read_on, args=(port, reading.pause, reading.pages, over))
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _read_on(port: int, pause: float, pages: list[float], over: threading.Event) -> None:
    while True:
        began = time.perf_counter()
        _read(port, PAGE)
        pages.append((time.perf_counter() - began) * _MS)
        if over.wait(pause):
            return


def _messages(port: int) -> int:
    return int(json.loads(_read(port, "/varz"))["in_msgs"])


def _read(port: int, path: str) -> bytes:
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
    try:
        link.request("GET", path)
        return link.getresponse().read()
    finally:
        link.close()


def _await_pages(port: int) -> None:
    """Until the pages are served, which may be a moment after clients are."""
    deadline = time.perf_counter() + _PATIENCE
    while True:
        try:
            _read(port, "/varz")
        except OSError:
            if time.perf_counter() > deadline:
                raise
            time.sleep(_READY_SECONDS)
        else:
            return


# --- processes beside ---------------------------------------------------------------------


@contextmanager
def _running(work: Callable[[int, Connection], None], port: int) -> Iterator[None]:
    """A process that does this until the block is left; entered when it says that it is ready."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=work, args=(port, theirs), daemon=True)
    process.start()
    try:
        ours.recv()
        yield
    finally:
        process.terminate()
        process.join()


def _stand_by(port: int, ready: Connection) -> None:
    """Hold the idle clients."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    links = dial_many(port, CROWD)
    ready.send(len(links))
    threading.Event().wait()


def _press(port: int, ready: Connection) -> None:
    """Publish at full speed to one reader."""
    reader, publisher = dial(port, subscription(_SUBJECT)), dial(port)
    batch = publication(_SUBJECT, b"16-byte-payload.") * _BATCH
    reader.settimeout(None)
    publisher.settimeout(None)
    threading.Thread(target=_drain, args=(reader,), daemon=True).start()
    ready.send(None)
    while True:
        publisher.sendall(batch)


def _drain(link: socket.socket) -> None:
    room = bytearray(_ROOM)
    while link.recv_into(room):
        pass
