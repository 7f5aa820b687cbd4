"""The second server: connected by a route, used for a moment, ended, started again."""

import asyncio
import contextlib
import itertools
import sys
from collections import Counter
from pathlib import Path

from soak.client import ServerFailed, logged_in
from soak.environment import Environment

ROOT = Path(__file__).parents[1]

_START_SECONDS = 30.0
_LIFE_SECONDS = 3.0
_PAUSE_SECONDS = 0.5
_KNOCK_SECONDS = 0.1
_STOP_SECONDS = 15.0


async def restart_for_ever(environment: Environment, counts: Counter[str]) -> None:
    """Start it, let its client take part, end it; every other time without a word."""
    for number in itertools.count():
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "app.entrypoints.server", "-c", environment.peer_config),
            cwd=ROOT,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            counts["messages over a route"] += await _take_part(environment.peer.clients)
            counts["routes restarted"] += 1
        except asyncio.CancelledError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            raise
        finally:
            await _end(process, politely=number % 2 == 0)
        await asyncio.sleep(_PAUSE_SECONDS)


async def _take_part(port: int) -> int:
    """Be a client of the second server for a while; the number of messages that came."""
    received = 0
    loop = asyncio.get_running_loop()
    starting = loop.time() + _START_SECONDS
    while True:
        try:
            async with logged_in(port, name="peer") as client:
                await client.send(b"SUB busy.> 1\r\nSUB busy.1 group 2\r\n")
                end = loop.time() + _LIFE_SECONDS
                while loop.time() < end:
                    received += await client.fence()
                    await client.send(b"PUB visits 2\r\nhi\r\nPUB busy.1 2\r\nhi\r\n")
                    await asyncio.sleep(_KNOCK_SECONDS)
        except (OSError, ServerFailed, TimeoutError):
            if loop.time() > starting:
                raise
            await asyncio.sleep(_KNOCK_SECONDS)
        else:
            return received


async def _end(process: asyncio.subprocess.Process, *, politely: bool) -> None:
    if process.returncode is not None:
        return
    if politely:
        process.terminate()
    else:
        process.kill()
    try:
        await asyncio.wait_for(process.wait(), _STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
