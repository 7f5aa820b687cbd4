"""How long a server in the process takes to start and to stop, beside a program that is started.

    python -m benchmarks.starting [--rounds N]

Medians in milliseconds, of rounds in which all kinds take turns: from the start to the first PONG on
a socket, and the stop; the same for a cluster of three from the start until it is meshed. The Go
server is started as tests do it: the program, its port, a connection that is tried until it answers.
The fastest start is that of a machine that has nothing else to do for a moment; the time of the
processor is that of all processes, for start and stop. In addition, what the first
import costs, in new processes.
"""

import argparse
import asyncio
import resource
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from statistics import median

import uvloop

from app import Cluster, Server
from app.domain.dataplane import NATIVE
from benchmarks.servers import ROOT, CannotStart, Contender, RunningServer, contenders

GOAL_MS = 5.0
CLUSTER = 3
_IMPORTS = 5
_BARE = "pass"
_IMPORT = "import app; app.Server"
_FIRST = "import asyncio, app\nasync def main():\n async with app.Server(): pass\nasyncio.run(main())"


@dataclass(frozen=True, slots=True)
class Times:
    """Of one start and stop, in seconds."""

    start: float
    stop: float
    processor: float = 0.0
    """Of both."""


@dataclass(frozen=True, slots=True)
class Line:
    """One kind of server, and its times of all rounds."""

    title: str
    times: Sequence[Times]

    @property
    def start_ms(self) -> float:
        """The median."""
        return 1000 * median(one.start for one in self.times)

    @property
    def fastest_ms(self) -> float:
        """The fastest start, as on a machine that has nothing else to do."""
        return 1000 * min(one.start for one in self.times)

    @property
    def processor_ms(self) -> float:
        """The median."""
        return 1000 * median(one.processor for one in self.times)

    @property
    def stop_ms(self) -> float:
        """The median."""
        return 1000 * median(one.stop for one in self.times)


async def start_one() -> Times:
    """A server in this loop."""
    server = Server(data_plane=NATIVE)
    return await _timed(server.start, lambda: _pong(server.port), server.stop)


async def start_monitored() -> Times:
    """The same with monitoring."""
    server = Server(data_plane=NATIVE, http=-1)
    return await _timed(server.start, lambda: _pong(server.port), server.stop)


async def start_cluster() -> Times:
    """Three of them, meshed."""
    cluster = Cluster(CLUSTER, data_plane=NATIVE)
    return await _timed(cluster.start, _nothing, cluster.stop)


async def _timed(
    start: Callable[[], Awaitable[object]],
    use: Callable[[], Awaitable[object]],
    stop: Callable[[], Awaitable[object]],
) -> Times:
    began, used = time.perf_counter(), _processor()
    await start()
    await use()
    started = time.perf_counter()
    await stop()
    return Times(started - began, time.perf_counter() - started, _processor() - used)


def _processor() -> float:
    """Seconds that this process and those that it has started and waited for have had."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


async def _pong(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"PING\r\n")
    await reader.readuntil(b"PONG\r\n")
    writer.close()


async def _nothing() -> None:
    """It has been used enough."""


def start_program(contender: Contender) -> Times:
    """A program of its own."""
    began, used = time.perf_counter(), _processor()
    server = RunningServer(contender)
    started = time.perf_counter()
    server.stop()
    return Times(started - began, time.perf_counter() - started, _processor() - used)


def measure(rounds: int) -> list[Line]:
    """All kinds, in turns. Raises `CannotStart` when the Go server is not installed."""
    peer = contenders()[2]
    kinds: dict[str, Callable[[], Times]] = {
        "a server, asyncio": lambda: _run(asyncio.new_event_loop, start_one),
        "a server, uvloop": lambda: _run(uvloop.new_event_loop, start_one),
        "a server with monitoring": lambda: _run(asyncio.new_event_loop, start_monitored),
        "three servers, meshed": lambda: _run(asyncio.new_event_loop, start_cluster),
        "nats-server, as a program": lambda: start_program(peer),
    }
    found: dict[str, list[Times]] = {title: [] for title in kinds}
    for kind in kinds.values():
        kind()  # whatever the first one costs
    for _ in range(rounds):
        for title, kind in kinds.items():
            found[title].append(kind())
    return [Line(title, times) for title, times in found.items()]


def _run(make_loop: Callable[[], asyncio.AbstractEventLoop], work: Callable[[], Awaitable[Times]]) -> Times:
    """Without what the loop itself costs."""

    async def main() -> Times:
        return await work()

    with asyncio.Runner(loop_factory=make_loop) as runner:
        return runner.run(main())


def measure_imports() -> list[Line]:
    """The import alone, and with the first start and stop, in new processes; `start` has the time of all."""
    found = {"the first import": _IMPORT, "the first import, start and stop": _FIRST}
    bare = _processes(_BARE)
    return [Line(title, [_besides(one, bare) for one in _processes(code)]) for title, code in found.items()]


def _processes(code: str) -> list[Times]:
    times = []
    for _ in range(_IMPORTS):
        began, used = time.perf_counter(), _processor()
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
        times.append(Times(time.perf_counter() - began, 0.0, _processor() - used))
    return times


def _besides(one: Times, bare: Sequence[Times]) -> Times:
    """What a process takes besides the start of Python itself."""
    start, processor = (
        median(each.start for each in bare),
        median(each.processor for each in bare),
    )
    return Times(one.start - start, 0.0, one.processor - processor)


def table(lines: Sequence[Line]) -> str:
    """For the terminal, and for a page."""
    rows = ["| median, ms | start | fastest start | stop | processor |", "| --- | --: | --: | --: | --: |"]
    for line in lines:
        stop = f"{line.stop_ms:.1f}" if line.stop_ms else ""
        figures = f"{line.start_ms:.1f} | {line.fastest_ms:.1f} | {stop} | {line.processor_ms:.1f}"
        rows.append(f"| {line.title} | {figures} |")
    return "\n".join(rows) + "\n"


def main(words: Sequence[str] | None = None) -> int:
    """Measure and print; the exit status is 1 if a start takes longer than the goal."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=30)
    try:
        lines = measure(parser.parse_args(words).rounds)
    except CannotStart as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(table([*lines, *measure_imports()]))
    return 0 if lines[0].start_ms <= GOAL_MS else 1


if __name__ == "__main__":
    sys.exit(main())
