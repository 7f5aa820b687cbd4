"""What stopped servers, and clients that have left, leave in the process of a program that embeds a server.

    python -m benchmarks.leaks [--servers N] [--connections N] [--idle]

Starts and stops servers one after the other, without monitoring and with it, and lets clients
connect to one server and leave. Prints what the process holds after the first ones and after the
last, with the slope of some readings in between. The exit status is 1 if something grows.
With ``--idle`` no page of monitoring is asked for.
"""

import argparse
import asyncio
import os
import sys
import weakref
from collections.abc import Mapping, Sequence
from itertools import pairwise

from app import Server
from app.config.options import make_options
from app.domain.broker import Broker
from app.domain.closed_clients import CLOSED_CLIENTS
from app.entrypoints.container import Container
from benchmarks.holding import Growth, Holding, Limits, holding

HOST = "127.0.0.1"
WARM_UP = 10
"""Servers after which all that is made once for a process is there."""

READINGS = 10
_ABREAST = 100
"""Clients that are connected at the same time."""

_ADDRESSES = 250
"""Clients come from as many addresses of the loopback, so that no address runs out of ports."""

_HELLO = b'CONNECT {"verbose":false,"name":"visitor"}\r\nSUB a.* 1\r\nPUB a.b 5\r\nhello\r\nPING\r\n'

PER_SERVER = Limits(kibibytes=1.0, objects=0.5)
PER_CONNECTION = Limits(kibibytes=0.02, objects=0.01)


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


async def measure_servers(title: str, servers: int, options: Mapping[str, object], *, reads: bool) -> Growth:
    """What is held after some servers, and after others."""
    brokers = [await serve_once(options, reads=reads) for _ in range(WARM_UP)]

    def now() -> Holding:
        return holding(sum(broker() is not None for broker in brokers))

    counts, held = [0], [now()]
    for part in _parts(servers):
        brokers += [await serve_once(options, reads=reads) for _ in range(part)]
        counts.append(counts[-1] + part)
        held.append(now())
    return Growth(title, "server", tuple(counts), tuple(held), PER_SERVER)


async def measure_connections(connections: int) -> Growth:
    """The same for clients of one server: after those that it keeps for its page, and after others."""
    async with Server(log_file=os.devnull) as server:

        async def now() -> Holding:
            await server.wait_for(lambda one: one.connz()["num_connections"] == 0, timeout=30)
            return holding(server.subsz()["num_subscriptions"])

        await _visit_all(server.port, CLOSED_CLIENTS + _ABREAST)
        counts, held = [0], [await now()]
        for part in _parts(connections):
            await _visit_all(server.port, part)
            counts.append(counts[-1] + part)
            held.append(await now())
    return Growth("Clients that came and left", "connection", tuple(counts), tuple(held), PER_CONNECTION)


async def _visit_all(port: int, count: int) -> None:
    for start in range(0, count, _ABREAST):
        await asyncio.gather(*(_visit(port, at) for at in range(start, min(count, start + _ABREAST))))


async def _visit(port: int, number: int) -> None:
    """A client that subscribes, hears its own message, and leaves."""
    own = (f"127.0.0.{1 + number % _ADDRESSES}", 0)
    reader, writer = await asyncio.open_connection(HOST, port, local_addr=own)
    writer.write(_HELLO)
    await reader.readuntil(b"PONG\r\n")
    writer.close()
    await writer.wait_closed()


def _parts(count: int) -> list[int]:
    """Equal parts, as many as there are readings."""
    edges = [count * at // READINGS for at in range(READINGS + 1)]
    return [after - before for before, after in pairwise(edges) if after > before]


def main(words: Sequence[str] | None = None) -> int:
    """Measure all, and print; the exit status is 1 if something grows."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--servers", type=int, default=1000)
    parser.add_argument("--connections", type=int, default=100_000)
    parser.add_argument("--idle", action="store_true", help="ask for no page")
    asked = parser.parse_args(words)
    quiet: dict[str, object] = {"log_file": os.devnull}
    leaks: list[str] = []
    for title, options in (
        ("Servers without monitoring", quiet),
        ("Servers with monitoring", {**quiet, "http_port": -1}),
    ):
        if asked.servers:
            leaks += _print(asyncio.run(measure_servers(title, asked.servers, options, reads=not asked.idle)))
    if asked.connections:
        leaks += _print(asyncio.run(measure_connections(asked.connections)))
    return 1 if leaks else 0


def _print(growth: Growth) -> list[str]:
    sys.stdout.write(growth.table() + "\n")
    sys.stdout.flush()
    return growth.leaks()


if __name__ == "__main__":
    sys.exit(main())
