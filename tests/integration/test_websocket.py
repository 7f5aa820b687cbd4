"""Clients over websockets, with a real client library and real sockets."""

import asyncio

import nats
import pytest
from dependency_injector import providers

from app.config.options import make_options
from app.entrypoints.container import Container
from app.entrypoints.service import Service
from tests.fakes.event_log import RecordingEventLog
from tests.support.certificates import certificates

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
            message = await asyncio.wait_for(sub.next_msg(), 10)
            await two.publish("back", message.data)
            assert len((await asyncio.wait_for(answers.next_msg(), 10)).data) == size
        await one.close()
        await two.close()
    finally:
        await service.stop()
        await service.departed()
    assert f"Listening for websocket clients on ws://{HOST}:{web}" in [fact.text() for fact in log.events]


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
