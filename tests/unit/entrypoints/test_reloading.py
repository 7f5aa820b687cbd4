"""Reloads that signals ask for."""

import asyncio

import pytest

from app.config.errors import ConfigError, Problem
from app.config.options import make_options
from app.entrypoints.events import ReloadFailed
from app.entrypoints.reload import ReloadRefused
from app.entrypoints.reloading import Reloading
from app.entrypoints.service import Addresses
from app.testing import wait_for
from tests.support.reload_rig import ReloadRig

pytestmark = pytest.mark.asyncio


async def test_signals_during_a_reload() -> None:
    """However many come, one more reload answers them; nothing is read before the server serves."""
    rig = ReloadRig()
    starting: asyncio.Future[Addresses] = asyncio.get_running_loop().create_future()
    reloading = Reloading(rig.container, rig.reloader, starting)
    for _ in range(3):
        reloading.begin()
    await asyncio.sleep(0)
    assert 0 == rig.reads
    starting.set_result(Addresses((), None, {}))
    await wait_for(lambda: rig.reads)
    rig.next = ConfigError([Problem("one")])
    for _ in range(3):
        reloading.begin()
    await wait_for(lambda: rig.log.of(ReloadFailed))

    assert 2 == rig.reads


async def test_signals_while_the_server_stops() -> None:
    """Nothing is read any more, and a reload that is under way changes nothing."""
    rig = ReloadRig()
    started: asyncio.Future[Addresses] = asyncio.get_running_loop().create_future()
    started.set_result(Addresses((), None, {}))
    reloading = Reloading(rig.container, rig.reloader, started)
    rig.next = make_options({"max_payload": 77})
    reloading.begin()
    reloading.begin()
    rig.container.broker().shutdown(lambda: None)
    reloading.close()
    reloading.begin()
    await wait_for(lambda: reloading.is_idle)

    assert 0 == rig.reads
    with pytest.raises(ReloadRefused, match="the server is stopping"):
        await rig.reloader.reload()
    assert 77 != rig.container.options.max_payload
