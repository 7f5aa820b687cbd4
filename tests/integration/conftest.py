"""Servers for integration tests: each test runs over both transports and both twins.

A test that is marked ``every_listener`` runs at every other kind of listener for clients, too.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Unpack

import pytest
import pytest_asyncio

from app.adapters.net_memory import MemoryNetwork
from app.domain.cluster import cluster
from app.domain.sessions import keep_alive
from tests.support.broker_fixture import Settings
from tests.support.embedded import EmbeddedServer, Transport, embedded_server
from tests.support.held_clock import LIMIT
from tests.support.leaf_servers import LeafRig, few_pairs, leaf_rig
from tests.support.patience import give_patience_to_nats_py
from tests.support.twins import twins

give_patience_to_nats_py()

TRANSPORTS: tuple[Transport, ...] = ("tcp", "memory")


@pytest.fixture(autouse=True)
def _late_pings(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server in this process sends its PINGs at the interval alone.

    The first one to a client, after 2 s, and those to routes would come within answers, on a slow machine.
    """
    monkeypatch.setattr(keep_alive, "FIRST_PING_SECONDS", LIMIT)
    monkeypatch.setattr(cluster, "ROUTE_PING_SECONDS", LIMIT)


LISTENERS: tuple[Transport, ...] = ("tls", "websocket", "websocket-tls", "unix")
"""Further listeners. All that differs is beneath the twin, so that one twin is enough."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test that needs a broker for each kind of server."""
    if "broker" in metafunc.fixturenames:
        cases = [(transport, twin) for transport in TRANSPORTS for twin in twins()]
        if metafunc.definition.get_closest_marker("every_listener"):
            cases += [(listener, twins()[-1]) for listener in LISTENERS]
        metafunc.parametrize("broker", cases, ids="-".join, indirect=True)


class ServerKind:
    """One combination of transport and twin, and the servers a test started of it."""

    def __init__(self, transport: Transport, twin: str) -> None:
        self.transport = transport
        self.twin = twin
        self.started: list[EmbeddedServer] = []

    @asynccontextmanager
    async def __call__(
        self, port: int = -1, network: MemoryNetwork | None = None, **settings: Unpack[Settings]
    ) -> AsyncIterator[EmbeddedServer]:
        """A server, stopped when the block is left."""
        async with embedded_server(self.transport, self.twin, port, network, **settings) as server:
            self.started.append(server)
            yield server


@pytest_asyncio.fixture
async def broker(request: pytest.FixtureRequest) -> AsyncIterator[ServerKind]:
    """Starts a server; see `tests.support.broker_fixture.StartBroker`."""
    transport, twin = request.param
    if transport == "memory" and request.node.get_closest_marker("tcp_only"):
        pytest.skip("this promise is about sockets; the memory transport has none")
    kind = ServerKind(transport, twin)
    yield kind
    for server in kind.started:
        for client in server.clients:
            client.abort()
        await server.container.service().departed()


@pytest.fixture(name="rig", params=few_pairs(), ids=str)
def _rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LeafRig]:
    """Starts the servers of leaf links, for each pair of programs."""
    with leaf_rig(request.param, tmp_path) as rig:
        yield rig
