"""What a stopped server leaves in the process that embeds it.

    python -m benchmarks.leaks [--servers N] [--idle]

Starts and stops servers one after the other, without monitoring and with it, and prints
what the process holds after the first ones and after the last: memory, descriptors, tasks,
threads and objects. The slope is per server; one that leaks has a slope in objects.
With ``--idle`` no page is asked for.
"""

import argparse
import asyncio
import gc
import os
import sys
import threading
import weakref
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from pathlib import Path

from app.config.options import make_options
from app.domain.broker import Broker
from app.entrypoints.container import Container

HOST = "127.0.0.1"
WARM_UP = 10
"""Servers after which all that is made once for a process is there."""

_PAGE = os.sysconf("SC_PAGE_SIZE")
_HEADINGS = ("RSS MiB", "descriptors", "tasks", "threads", "objects", "brokers")


@dataclass(frozen=True, slots=True)
class Holding:
    """What the process holds."""

    mebibytes: float
    descriptors: int
    tasks: int
    threads: int
    objects: int
    brokers: int
    """Stopped servers that are still alive."""


async def serve_once(options: Mapping[str, object], *, reads: bool = True) -> "weakref.ref[Broker]":
    """Start a server, ask for a page, stop it; what is left of it, if anything."""
    container = Container(make_options({"host": HOST, "port": -1, **options}))
    service = container.service()
    broker = weakref.ref(service.broker)
    addresses = await service.start()
    reader, writer = await asyncio.open_connection(HOST, addresses.clients[0].port)
    writer.write(b"PING\r\n")
    await reader.readuntil(b"PONG\r\n")
    writer.close()
    if reads:
        for page_port in addresses.monitoring.values():
            await _read_page(page_port)
    await service.stop()
    await service.departed()
    return broker


async def _read_page(port: int) -> None:
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(b"GET /connz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    await reader.read()
    writer.close()


def holding(brokers: list["weakref.ref[Broker]"]) -> Holding:
    """What is held now, when all that can be collected is."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return Holding(
        mebibytes=pages * _PAGE / 2**20,
        descriptors=len(list(Path("/proc/self/fd").iterdir())) - 1,
        tasks=len(asyncio.all_tasks()),
        threads=threading.active_count(),
        objects=len(gc.get_objects()),
        brokers=sum(broker() is not None for broker in brokers),
    )


async def measure(servers: int, options: Mapping[str, object], *, reads: bool) -> tuple[Holding, Holding]:
    """What is held after the first servers, and after the others."""
    brokers = [await serve_once(options, reads=reads) for _ in range(WARM_UP)]
    before = holding(brokers)
    brokers += [await serve_once(options, reads=reads) for _ in range(servers)]
    return before, holding(brokers)


def report(title: str, before: Holding, after: Holding, servers: int) -> str:
    """A table of both, and the slope."""
    lines = [title, f"{'':12}{'before':>12}{'after':>12}{'per server':>14}"]
    for name, first, last in zip(_HEADINGS, astuple(before), astuple(after), strict=True):
        lines.append(f"{name:12}{first:>12,.10g}{last:>12,.10g}{(last - first) / servers:>14.3f}")
    return "\n".join(lines)


def main() -> None:
    """Measure both, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--servers", type=int, default=200)
    parser.add_argument("--idle", action="store_true", help="ask for no page")
    asked = parser.parse_args()
    quiet: dict[str, object] = {"log_file": os.devnull}
    for title, options in (("without monitoring", quiet), ("with monitoring", {**quiet, "http_port": -1})):
        before, after = asyncio.run(measure(asked.servers, options, reads=not asked.idle))
        sys.stdout.write(report(f"{asked.servers} servers {title}", before, after, asked.servers) + "\n\n")


if __name__ == "__main__":
    main()
