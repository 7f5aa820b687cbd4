"""Websockets over TLS where each client needs a certificate, with the client libraries of Python."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import nats
import pytest
from dependency_injector import providers

from app.config.options import make_options
from app.entrypoints.container import Container
from tests.fakes.event_log import RecordingEventLog
from tests.support.certificates import certificates
from tests.support.loops import LOOPS
from tests.support.raw_client import DEADLINE
from tests.support.twins import twins

aiohttp = pytest.importorskip("aiohttp")

# nats-py calls aiohttp in a deprecated way, and leaves its session to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

HOST = "127.0.0.1"
TIMES = 5
SIZES = (0, 16, 70_000, 300_000)

Scene = Callable[["Server"], Coroutine[Any, Any, None]]


class Server:
    """One that listens for websockets over TLS, and demands a certificate."""

    def __init__(self, twin: str) -> None:
        files = certificates().files(verify=True)
        tls = {
            "cert_file": files.cert_file,
            "key_file": files.key_file,
            "ca_file": files.ca_file,
            "verify": True,
            "timeout": 10,
        }
        section = {"host": HOST, "port": -1, "tls": tls}
        self.container = Container(make_options({"host": HOST, "port": -1, "websocket": section}), twin)
        self.log = RecordingEventLog(debug=False, trace=False)
        self.container.event_log.override(providers.Object(self.log))
        self.url = ""

    async def start(self) -> None:
        """Listen."""
        _, web = (await self.container.service().start()).clients
        self.url = f"wss://localhost:{web.port}"

    @property
    def errors(self) -> list[str]:
        """What the log says of failures."""
        return [text for text in self.log.texts() if "error" in text.lower()]


@asynccontextmanager
async def _server(twin: str) -> AsyncIterator[Server]:
    server = Server(twin)
    await server.start()
    try:
        yield server
    finally:
        await server.container.service().stop()
        await server.container.service().departed()


def _context() -> ssl.SSLContext:
    return certificates().client_context(certificates().client)


@pytest.fixture(name="play", params=[(loop, twin) for loop in LOOPS for twin in twins()], ids="-".join)
def _play(request: pytest.FixtureRequest) -> Callable[[Scene], None]:
    """Plays a scene on each loop, over each twin."""
    loop, twin = request.param

    async def whole(scene: Scene) -> None:
        async with _server(twin) as server:
            async with asyncio.timeout(6 * DEADLINE):
                await scene(server)
            assert [] == server.errors

    def play(scene: Scene) -> None:
        with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
            runner.run(whole(scene))

    return play


def test_nats_py(play: Callable[[Scene], None]) -> None:
    """Clients come in one after the other, and each gets its own messages of all sizes."""

    async def scene(server: Server) -> None:
        for _ in range(TIMES):
            client = await nats.connect(server.url, tls=_context(), allow_reconnect=False)
            subscription = await client.subscribe("echo")
            for size in SIZES:
                await client.publish("echo", b"x" * size)
            got = [len((await subscription.next_msg(DEADLINE)).data) for _ in SIZES]
            assert list(SIZES) == got
            await client.close()

    play(scene)


def test_many_of_nats_py(play: Callable[[Scene], None]) -> None:
    """Clients that come in at the same time all get in, and answer each other."""

    async def scene(server: Server) -> None:
        clients = await asyncio.gather(
            *(nats.connect(server.url, tls=_context(), allow_reconnect=False) for _ in range(TIMES))
        )
        subscriptions = [await client.subscribe("all") for client in clients]
        await asyncio.gather(*(client.flush() for client in clients))
        await clients[0].publish("all", b"hello")
        got = [(await subscription.next_msg(DEADLINE)).data for subscription in subscriptions]
        assert TIMES * [b"hello"] == got
        await asyncio.gather(*(client.close() for client in clients))

    play(scene)


def test_aiohttp(play: Callable[[Scene], None]) -> None:
    """The library beneath it has its frames answered, and its close as well."""

    async def scene(server: Server) -> None:
        for _ in range(TIMES):
            async with aiohttp.ClientSession() as session:
                link = await session.ws_connect(server.url, ssl=_context())
                assert (await link.receive_bytes(timeout=DEADLINE)).startswith(b"INFO ")
                await link.send_bytes(b'CONNECT {"verbose":false}\r\nPING\r\n')
                assert b"PONG\r\n" == await link.receive_bytes(timeout=DEADLINE)
                await link.close()
                assert 1000 == link.close_code

    play(scene)


def test_without_a_certificate(play: Callable[[Scene], None]) -> None:
    """A client without one does not get in, and keeps nobody else out."""

    async def scene(server: Server) -> None:
        for _ in range(TIMES):
            async with aiohttp.ClientSession() as session:
                with pytest.raises((aiohttp.ClientError, ConnectionError, ssl.SSLError)):
                    await session.ws_connect(server.url, ssl=certificates().client_context())
            client = await nats.connect(server.url, tls=_context(), allow_reconnect=False)
            await client.flush()
            await client.close()
        assert TIMES <= sum("certificate" in text for text in server.errors)  # aiohttp may try twice
        server.log.events.clear()

    play(scene)
