"""The log shows no secret of a CONNECT, whichever way it comes in."""

import asyncio
import json
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.support.patience import PATIENCE
from tests.support.server_process import ServerProcess

pytestmark = pytest.mark.asyncio

SECRETS = ("pass", "auth_token", "jwt", "sig", "password", "token", "PASS", "Sig")
LINE = (
    b"CONNECT "
    + json.dumps(
        {
            "verbose": True,
            "user": "shown",
            **{key: f"hidden-{key}" for key in SECRETS},
            "inner": {"token": "hidden-inner", "list": [{"jwt": "hidden-list"}]},
            "name": "shown too",
        }
    ).encode()
    + b"\r\n"
)
BROKEN = (
    b'CONNECT {"pass":"hidden-1",\r\n',
    b'CONNECT {"pass":"hidden-2"} {"token":"hidden-3"}\r\n',
    b'CONNECT "hidden-4"\r\n',
    b'CONNECT {"pass":["hidden-5"],"sig":{"x":"hidden-6"},"jwt":7}\r\n',
    b'CONNECT {"user":"hidden-7","pass":"' + 5000 * b"x" + b'hidden-8"}\r\n',
    b'CONNEC {"pass":"hidden-9"}\r\n',
)


@pytest.mark.parametrize("compatibility", ["current", "0.8.0"])
@pytest.mark.parametrize("login", [False, True], ids=["open", "guarded"])
async def test_nothing_hidden_is_logged(tmp_path: Path, compatibility: str, *, login: bool) -> None:
    """Whole, byte by byte, in frames of a websocket and malformed: only names and flags are traced."""
    file = tmp_path / "nats.conf"
    users = 'authorization { user: "derek", password: "hidden-own" }\n' if login else ""
    file.write_text(
        f'{users}websocket {{ listen: "127.0.0.1:-1", no_tls: true }}\ncompatibility: "{compatibility}"\n'
    )
    with ServerProcess("-c", str(file), "-DV", "--compatibility", compatibility) as server:
        log = server.wait_for("Listening for websocket clients on")
        web = int(log.rpartition(":")[2])
        for size in (len(LINE), 700, 7, 1):
            await over_tcp(server.port, LINE, size)
            await over_websocket(web, LINE, size)
        for broken in BROKEN:
            await over_tcp(server.port, broken, len(broken))
            await over_websocket(web, broken, 1000)
        server.stop()

        hidden = [line for line in server.log.splitlines() if "hidden" in line]
        traced = [line for line in server.log.splitlines() if '"name":"shown too"' in line]

    # What is no CONNECT is an unknown operation, of which the log shows the beginning.
    assert [] == [line for line in hidden if "CONNEC {" not in line]
    assert 8 == len(traced)
    assert all(10 == line.count("[REDACTED]") and '"user":"shown"' in line for line in traced)


async def over_tcp(port: int, data: bytes, size: int) -> None:
    """Send in pieces of `size` bytes, each by itself, and read what comes before the next ones."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.transport.set_write_buffer_limits(high=0)
    await reader.readline()
    try:
        for start in range(0, len(data), size):
            writer.write(data[start : start + size])
            await writer.drain()
        await asyncio.wait_for(reader.readline(), PATIENCE)
    except ConnectionError:
        pass
    writer.transport.abort()


async def over_websocket(port: int, data: bytes, size: int) -> None:
    """The same, a frame for each piece."""
    async with connect(f"ws://127.0.0.1:{port}") as link:
        await link.recv()
        try:
            for start in range(0, len(data), size):
                await link.send(data[start : start + size])
            await asyncio.wait_for(link.recv(), PATIENCE)
        except ConnectionClosed:
            pass
