"""What a client sends on one connection reaches what it has just asked for on another one (ADR 0026).

Server and test share a loop, so all that the test sends before it waits can be read at the same time.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.support.embedded import embedded_server
from tests.support.loops import LOOPS
from tests.support.raw_client import DEADLINE
from tests.support.twins import twins

HOST = "127.0.0.1"
GREETING = b'CONNECT {"verbose":false,"headers":true,"no_responders":true}\r\n'
PING, PONG = b"PING\r\n", b"PONG\r\n"
ROUNDS = 50

Scene = Callable[[str], Coroutine[Any, Any, None]]


@pytest.fixture(name="run", params=LOOPS)
def _run(request: pytest.FixtureRequest) -> Callable[[Scene], None]:
    """Runs a scene on each loop, over each twin."""

    def run(scene: Scene) -> None:
        for twin in twins():
            with asyncio.Runner(loop_factory=LOOPS[request.param]) as runner:
                runner.run(scene(twin))

    return run


class Peer:
    """A socket that is written to at once, without the loop."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection((HOST, port))
        self.socket.settimeout(0)

    async def expect(self, ending: bytes) -> bytes:
        """All that comes, up to and with `ending`, without the server's first PING."""
        got = b""
        async with asyncio.timeout(DEADLINE):
            while not got.endswith(ending):
                got += await asyncio.get_running_loop().sock_recv(self.socket, 65536)
        return got.replace(PING, b"")

    def send(self, data: bytes) -> None:
        """Send, now."""
        assert len(data) == self.socket.send(data)


@asynccontextmanager
async def _two(twin: str) -> AsyncIterator[tuple[Peer, Peer]]:
    """Two connections of one client, which have had a PONG."""
    async with embedded_server("tcp", twin, compatibility="current") as server:
        peers = (Peer(server.port), Peer(server.port))
        for peer in peers:
            peer.send(GREETING + PING)
            await peer.expect(PONG)
        try:
            yield peers
        finally:
            for peer in peers:
                peer.socket.close()
            await server.stop()
            await server.container.service().departed()


def test_a_socket_that_is_ready_first(run: Callable[[Scene], None]) -> None:
    """A message overtakes no SUB that was sent before it, though its socket is the first to be read."""

    async def scene(twin: str) -> None:
        async with _two(twin) as (subscriber, publisher):
            for number in range(ROUNDS):
                publisher.send(PING)
                subscriber.send(b"SUB a.%d %d\r\n" % (number, number))
                publisher.send(b"PUB a.%d 2\r\nok\r\n" % number)
                await publisher.expect(PONG)
                subscriber.send(PING)
                assert b"MSG a.%d %d 2\r\nok\r\nPONG\r\n" % (number, number) == await subscriber.expect(PONG)

    run(scene)


def test_requests_to_nobody(run: Callable[[Scene], None]) -> None:
    """Requests that nobody serves are answered in order, alone and while other connections send."""

    async def scene(twin: str) -> None:
        async with _two(twin) as (requester, other):
            requester.send(b"SUB re.* 1\r\n")
            for number in range(ROUNDS):
                requester.send(b"PUB nobody re.%d 0\r\n\r\n" % number)
                if number % 2:
                    other.send(PING)
            requester.send(PING)
            answers = await requester.expect(PONG)
            replies = [line.split()[1] for line in answers.splitlines() if line.startswith(b"HMSG")]
            assert [b"re.%d" % number for number in range(ROUNDS)] == replies

    run(scene)
