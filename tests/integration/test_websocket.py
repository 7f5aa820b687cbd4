"""Clients over websockets, with a real client library and real sockets."""

import asyncio
import json

import nats
import pytest
from dependency_injector import providers

from app.config.options import make_options
from app.entrypoints.container import Container
from app.entrypoints.service import Service
from tests.fakes.event_log import RecordingEventLog
from tests.support.certificates import certificates
from tests.support.patience import PATIENCE
from tests.support.raw_client import RawClient
from tests.support.websocket_stream import WebsocketStream

# nats-py calls aiohttp in a deprecated way, and leaves its session to the garbage collector.
pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

HOST = "127.0.0.1"


async def _started(**websocket: object) -> tuple[Service, RecordingEventLog, int, int]:
    section = {"host": HOST, "port": -1, **websocket}
    container = Container(make_options({"host": HOST, "port": -1, "websocket": section}))
    log = RecordingEventLog(trace=False)
    container.event_log.override(providers.Object(log))
    service = container.service()
    plain, web = (await service.start()).clients
    return service, log, plain.port, web.port


@pytest.mark.parametrize("compression", [False, True])
async def test_nats_py_over_a_websocket(compression: bool) -> None:  # noqa: FBT001 - a parameter of a test
    """A client over a websocket and a plain one reach each other, with payloads of all lengths."""
    service, log, plain, web = await _started(no_tls=True, compression=compression)
    try:
        one = await nats.connect(f"ws://{HOST}:{web}", allow_reconnect=False)
        two = await nats.connect(f"nats://{HOST}:{plain}", allow_reconnect=False)
        sub = await two.subscribe("echo")
        answers = await one.subscribe("back")
        await one.flush()
        await two.flush()
        for size in (0, 16, 200, 70_000, 1_000_000):
            await one.publish("echo", b"x" * size)
            message = await asyncio.wait_for(sub.next_msg(), PATIENCE)
            await two.publish("back", message.data)
            assert len((await asyncio.wait_for(answers.next_msg(), PATIENCE)).data) == size
        await one.close()
        await two.close()
    finally:
        await service.stop()
        await service.departed()
    assert f"Listening for websocket clients on ws://{HOST}:{web}" in [fact.text() for fact in log.events]


def _member(*routes: str, **websocket: object) -> Container:
    """A member of a cluster with websockets."""
    section = {"host": HOST, "port": -1, "no_tls": True, **websocket}
    cluster = {"host": HOST, "port": -1, "routes": routes}
    container = Container(make_options({"host": HOST, "port": -1, "websocket": section, "cluster": cluster}))
    container.event_log.override(providers.Object(RecordingEventLog(trace=False)))
    return container


async def test_addresses_of_the_cluster() -> None:
    """A client of a websocket hears of the websockets of all servers, and of no plain port."""
    one = _member()
    first = await one.service().start()
    assert first.routes is not None
    other = _member(f"nats://{HOST}:{first.routes.port}", advertise="ws.example.com")
    second = await other.service().start()
    reader, writer = await asyncio.open_connection(HOST, first.clients[1].port)
    stream = await WebsocketStream.opened(reader, writer)
    client = await RawClient.greet(stream, stream, writer.transport.abort)
    await client.send(b'CONNECT {"verbose":false,"protocol":1}\r\nPING\r\n')

    expected = [f"{HOST}:{first.clients[1].port}", f"ws.example.com:{second.clients[1].port}"]
    info = client.info
    async with asyncio.timeout(PATIENCE):
        while info.get("connect_urls") != expected:
            line = await client.line()
            info = json.loads(line[5:]) if line.startswith(b"INFO ") else info
    client.abort()
    for member in (one, other):
        await member.service().stop()
        await member.service().departed()

    assert "ws_connect_urls" not in info


async def test_nats_py_over_a_protected_websocket() -> None:
    """With TLS the websocket begins after the handshake."""
    files = certificates().files()
    tls = {"cert_file": files.cert_file, "key_file": files.key_file, "timeout": 10}
    service, _, _, web = await _started(tls=tls)
    try:
        client = await nats.connect(
            f"wss://localhost:{web}", tls=certificates().client_context(), allow_reconnect=False
        )
        await client.flush()
        assert client.is_connected
        await client.close()
    finally:
        await service.stop()
        await service.departed()
