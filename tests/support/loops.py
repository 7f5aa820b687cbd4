"""Event loops that servers may run on."""

import asyncio
from collections.abc import Callable

import pytest


def uvloop() -> asyncio.AbstractEventLoop:
    """A loop of uvloop; a test is left out where that does not exist."""
    module = pytest.importorskip("uvloop", reason="uvloop does not exist for this system")
    loop: asyncio.AbstractEventLoop = module.new_event_loop()
    return loop


LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop,
}
