"""A server with streams that stops: what it has stored was acknowledged."""

import asyncio
import json
from pathlib import Path

import pytest

from app import Server
from tests.support.patience import PATIENCE
from tests.support.twins import twins

pytestmark = pytest.mark.asyncio

MESSAGES = 50


@pytest.mark.parametrize("twin", twins())
@pytest.mark.parametrize("interval", ["always", "1s"])
async def test_what_is_stored_was_acknowledged(twin: str, interval: str, tmp_path: Path) -> None:
    """Whatever waits for the disk when it stops: the acknowledgements come before the connection ends."""
    settings = {"jetstream": {"store_dir": str(tmp_path), "sync_interval": interval}}
    server = await Server(settings, data_plane=twin).start()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    config = json.dumps({"name": "S", "subjects": ["s"]}).encode()
    writer.write(b'CONNECT {"verbose":false}\r\nSUB _I.* 1\r\n')
    writer.write(b"PUB $JS.API.STREAM.CREATE.S _I.0 %d\r\n%b\r\n" % (len(config), config))
    while b"did_create" not in (await asyncio.wait_for(reader.readline(), PATIENCE)):
        pass
    with server.faults.disk(sync_seconds=0.2):
        for number in range(MESSAGES):
            writer.write(b"PUB s _I.%d 1\r\nx\r\nPING\r\n" % number)
        heard = await asyncio.wait_for(reader.readuntil(b"PONG\r\n"), PATIENCE)
        rest = asyncio.create_task(reader.read())
        await server.stop()
        heard += await asyncio.wait_for(rest, PATIENCE)
    writer.close()
    async with Server(settings, data_plane=twin) as again, again.client() as client:
        answer = await client.request("$JS.API.STREAM.INFO.S")
        stored = json.loads(answer.data)["state"]["messages"]

    assert 0 < stored <= MESSAGES
    assert heard.count(b'"seq":') == stored
