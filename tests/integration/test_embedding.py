"""A server within a program of somebody else's changes nothing of its process."""

import gc
import logging
import resource
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from app.config.options import make_options
from app.entrypoints.container import Container
from tests.support.embedded import HOST, embedded_server
from tests.support.twins import twins

pytestmark = pytest.mark.asyncio

SETTERS = {
    gc: ("collect", "disable", "enable", "freeze", "set_debug", "set_threshold", "unfreeze"),
    resource: ("setrlimit",),
    signal: ("signal", "setitimer"),
    sys: ("setrecursionlimit", "setswitchinterval"),
}
"""What changes a process, and needs no restoring to have been felt."""


def state() -> dict[str, object]:
    """What belongs to the whole process, and to the program that runs in it."""
    return {
        "recursion limit": sys.getrecursionlimit(),
        "switch interval": sys.getswitchinterval(),
        "gc enabled": gc.isenabled(),
        "gc thresholds": gc.get_threshold(),
        "signals": {number: _handler(number) for number in signal.valid_signals()},
        "descriptors": resource.getrlimit(resource.RLIMIT_NOFILE),
        "root handlers": list(logging.root.handlers),
        "root level": logging.root.level,
        "excepthooks": (sys.excepthook, threading.excepthook, sys.unraisablehook),
        "warnings": list(warnings.filters),
        "streams": (sys.stdin, sys.stdout, sys.stderr),
    }


def _handler(number: signal.Signals | int) -> object:
    with suppress(ValueError):
        return signal.getsignal(number)
    return None


@contextmanager
def untouched() -> Iterator[Callable[[], None]]:
    """What is called within the block finds all as it was, and so do we at its end; no setter is called."""
    before, calls = state(), list[str]()

    def check() -> None:
        assert before == state()

    with pytest.MonkeyPatch.context() as patch:
        for module, names in SETTERS.items():
            for name in names:
                patch.setattr(module, name, _noted(calls, f"{module.__name__}.{name}"))
        yield check
    check()
    assert [] == calls


def _noted(calls: list[str], name: str) -> object:
    return lambda *_: calls.append(name)


@pytest.mark.parametrize("twin", twins())
async def test_an_embedded_server_leaves_its_process_alone(twin: str) -> None:
    """While it serves clients and pages, and afterwards, all is as it was before."""
    with untouched() as check:
        async with embedded_server("tcp", twin, http_port=-1, routes=()) as server:
            client = await server.connect()
            await client.send(b"PING\r\n")
            said = await client.line()
            check()
            client.abort()
        await server.container.service().departed()

    assert said == b"PONG\r\n"


async def test_its_own_log_leaves_the_process_alone(tmp_path: Path) -> None:
    """The log of a configuration goes where it says, and into no logger of the program."""
    asked = {"host": HOST, "port": -1, "http_port": -1, "log_file": str(tmp_path / "log"), "debug": True}
    with untouched() as check:
        service = Container(make_options(asked)).service()
        await service.start()
        check()
        await service.stop()
        await service.departed()

    assert "Server is ready" in (tmp_path / "log").read_text()
