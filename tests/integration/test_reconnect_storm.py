"""A server that is killed and comes back: all its clients return at once, with and without TLS."""

import asyncio
import os
import signal
import ssl
from contextlib import suppress

import pytest

from app.testing import free_port
from tests.support.certificates import certificates
from tests.support.server_process import CURRENT, ServerProcess

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(180)]

CLIENTS = {False: 600, True: 150}
"""Without TLS and with it."""

PAUSE = 0.05
"""Seconds before a client tries again."""

SECONDS = 60.0
"""Until which all must be in."""

HELLO = b'CONNECT {"verbose":false}\r\nSUB news 1\r\nPING\r\n'


class Returning:
    """A client that connects whenever it can, and counts how often it was in."""

    def __init__(self, port: int, context: ssl.SSLContext | None) -> None:
        self._port = port
        self._context = context
        self.inside = 0
        self.failures = 0

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            with suppress(OSError, asyncio.IncompleteReadError):
                await self._visit()
            self.failures += 1
            await asyncio.sleep(PAUSE)

    async def _visit(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            await reader.readuntil(b"\r\n")
            if self._context is not None:
                await writer.start_tls(self._context, server_hostname="localhost")
            writer.write(HELLO)
            await reader.readuntil(b"PONG\r\n")
            self.inside += 1
            await reader.read()
        finally:
            writer.close()


@pytest.mark.parametrize("tls", [False, True])
async def test_all_come_back(tls: bool) -> None:  # noqa: FBT001 - pytest's way
    """Each of them is in again after the server was killed; one whose handshake was too slow tries again."""
    pair, port = certificates().server, free_port()
    section = ("--tlscert", pair.cert_file, "--tlskey", pair.key_file, "--tls") if tls else ()
    context = ssl.create_default_context(cafile=certificates().authority.ca_file) if tls else None
    flags = (*CURRENT, "-p", str(port), *section)
    clients = [Returning(port, context) for _ in range(CLIENTS[tls])]
    with ServerProcess(*flags) as server:
        tasks = [asyncio.create_task(client.run()) for client in clients]
        await _all_in(clients, 1)
        os.kill(server.pid, signal.SIGKILL)
    with ServerProcess(*flags) as server:
        await _all_in(clients, 2)
        is_alive = server.is_alive
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

    assert is_alive
    assert min(client.inside for client in clients) >= 2


async def _all_in(clients: list[Returning], times: int) -> None:
    async with asyncio.timeout(SECONDS):
        while not all(client.inside >= times for client in clients):  # noqa: ASYNC110 - they count, and have no event
            await asyncio.sleep(PAUSE)
