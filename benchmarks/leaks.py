"""What stopped servers, and clients that have left, leave in the process of a program that embeds a server.

    python -m benchmarks.leaks [--servers N] [--monitored N] [--connections N] [--idle]

Starts and stops servers one after the other, without monitoring and with it, and lets clients
connect to one server and leave. Prints what the process holds after the first ones and after the
last, with the slope of some readings in between. The exit status is 1 if something grows.
With ``--idle`` no page of monitoring is asked for.
"""

import argparse
import asyncio
import gc
import os
import socket
import sys
import weakref
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

from app import Server
from app.config.options import make_options
from app.domain.broker import Broker
from app.domain.closed_clients import CLOSED_CLIENTS
from app.entrypoints.container import Container
from benchmarks.client import PATIENCE, await_pong
from benchmarks.holding import Growth, Holding, Limits, holding

HOST = "127.0.0.1"
WARM_UP = 10
"""Servers after which all that is made once for a process is there."""

HEAP_WARM_UP = 600
"""Servers after which the heap has its size: in the first hundreds the C library keeps what they free."""

READINGS = 10
_ABREAST = 100
"""Clients that are connected at the same time."""

_ADDRESSES = 250
"""Clients come from as many addresses of the loopback, so that no address runs out of ports."""

_HELLO = b'CONNECT {"verbose":false,"name":"visitor"}\r\nSUB a.%d 1\r\nPUB a.%d 5\r\nhello\r\nPING\r\n'

_PATIENCE, _CHECK_SECONDS = 50, 0.1
"""How often, and how far apart, it is checked whether the last ones are gone."""

PER_SERVER = Limits(kibibytes=1.0, objects=0.5)
PER_CONNECTION = Limits(kibibytes=0.03, objects=0.01)


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


async def measure_servers(
    title: str, servers: int, options: Mapping[str, object], *, reads: bool, warm_up: int = WARM_UP
) -> Growth:
    """What is held after some servers, and after others."""
    brokers = weakref.WeakSet[Broker]()

    async def serve(count: int) -> Holding:
        for _ in range(count):
            broker = (await serve_once(options, reads=reads))()
            if broker is not None:
                brokers.add(broker)
            del broker
        for _ in range(_PATIENCE):
            gc.collect()
            if not brokers:
                break
            await asyncio.sleep(_CHECK_SECONDS)
        return holding(len(brokers))

    counts, held = [0], [await serve(warm_up)]
    for part in _parts(servers):
        counts.append(counts[-1] + part)
        held.append(await serve(part))
    return Growth(title, "server", tuple(counts), tuple(held), PER_SERVER)


async def measure_connections(connections: int, warm_up: int = CLOSED_CLIENTS + _ABREAST) -> Growth:
    """The same for clients of one server: after those that it keeps for its page, and after others."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="visitors") as visitors:
        return await _measure_visitors(visitors, connections, warm_up)


async def _measure_visitors(visitors: ThreadPoolExecutor, connections: int, warm_up: int) -> Growth:
    async with Server(log_file=os.devnull) as server:

        def held_now() -> Holding:
            return holding(server.connz()["num_connections"] + server.subsz()["num_subscriptions"])

        async def now() -> Holding:
            """When the last clients are gone: no more descriptors than before the first."""
            for _ in range(_PATIENCE):
                found = held_now()
                if found.descriptors <= idle.descriptors and not found.leftovers:
                    return found
                await asyncio.sleep(_CHECK_SECONDS)
            return held_now()

        idle = held_now()
        await _visit_all(visitors, server.port, warm_up)
        counts, held = [0], [await now()]
        for part in _parts(connections):
            await _visit_all(visitors, server.port, part)
            counts.append(counts[-1] + part)
            held.append(await now())
    return Growth("Clients that came and left", "connection", tuple(counts), tuple(held), PER_CONNECTION)


async def _visit_all(visitors: ThreadPoolExecutor, port: int, count: int) -> None:
    """In another thread, as other programs would; always the same, so that the threads can be counted."""
    loop = asyncio.get_running_loop()
    for start in range(0, count, _ABREAST):
        numbers = range(start, min(count, start + _ABREAST))
        await loop.run_in_executor(visitors, _visit, port, numbers)


def _visit(port: int, numbers: range) -> None:
    """Clients that subscribe, hear their own message and leave, at the same time."""
    links = [
        socket.create_connection(
            (HOST, port), PATIENCE, source_address=(f"127.0.0.{1 + number % _ADDRESSES}", 0)
        )
        for number in numbers
    ]
    for number, link in zip(numbers, links, strict=True):
        link.sendall(_HELLO % (number, number))
    for link in links:
        await_pong(link)
        link.close()


def _parts(count: int) -> list[int]:
    """Equal parts, as many as there are readings."""
    edges = [count * at // READINGS for at in range(READINGS + 1)]
    return [after - before for before, after in pairwise(edges) if after > before]


def main(words: Sequence[str] | None = None) -> int:
    """Measure all, and print; the exit status is 1 if something grows."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--servers", type=int, default=1000, help="without monitoring (default: 1000)")
    parser.add_argument("--monitored", type=int, default=100, help="with it (default: 100)")
    parser.add_argument("--connections", type=int, default=100_000, help="(default: 100000)")
    parser.add_argument("--idle", action="store_true", help="ask for no page")
    asked = parser.parse_args(words)
    quiet: dict[str, object] = {"log_file": os.devnull}
    leaks: list[str] = []
    for title, count, options in (
        ("Servers without monitoring", asked.servers, quiet),
        ("Servers with monitoring", asked.monitored, {**quiet, "http_port": -1}),
    ):
        if count:
            measured = measure_servers(
                title, count, options, reads=not asked.idle, warm_up=min(count, HEAP_WARM_UP)
            )
            leaks += _print(asyncio.run(measured))
    if asked.connections:
        leaks += _print(asyncio.run(measure_connections(asked.connections)))
    return 1 if leaks else 0


def _print(growth: Growth) -> list[str]:
    sys.stdout.write(growth.table() + "\n")
    sys.stdout.flush()
    return growth.leaks()


if __name__ == "__main__":
    sys.exit(main())
