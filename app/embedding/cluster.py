"""Several servers in one event loop, connected with each other."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Self

from ..adapters.process.event_loop import to_its_end
from ..domain.dataplane import AUTO
from ..ports.clock import Clock
from ..ports.hooks import Hooks
from .clock import ManualClock
from .cluster_faults import ClusterFaults
from .server import WAIT_SECONDS, Server

_DIAL_STEP = 0.05


class Cluster:
    """A full mesh of servers on loopback, at free ports; enter it with ``async with``.

    When it is entered, each server has a route to each other one.
    """

    def __init__(  # noqa: PLR0913 - by name, and all have a default
        self,
        size: int = 3,
        *,
        config: Mapping[str, object] | None = None,
        data_plane: str = AUTO,
        clock: Clock | None = None,
        debug_log: bool = False,
        record: bool = False,
        hooks: Hooks | Mapping[str, object] | None = None,
        **keys: object,
    ) -> None:
        """`size` servers, from 1 on, all with this configuration; see `Server`.

        They are named ``n0`` and so on.
        Raises `ValueError` for a size below 1.
        """
        if size < 1:
            raise ValueError(f"a cluster has at least one server, not {size}")
        self._config = {**(config or {}), **keys}
        self._data_plane = data_plane
        self._clock = clock
        self._debug_log = debug_log
        self._record = record
        self._hooks = hooks
        self._size = size
        self.servers: list[Server] = []
        """In the order of their names."""
        self.faults = ClusterFaults(lambda: self.servers)
        """What goes wrong between the servers, on command."""

    @property
    def urls(self) -> list[str]:
        """Where clients connect, a URL for each server."""
        return [server.url for server in self.servers]

    async def start(self) -> Self:
        """Start all servers, and wait until they are connected. Without effect on a cluster that runs.

        Raises `CannotStart`, and `TimeoutError` if they do not find each other.
        """
        if self.servers:
            return self
        async with AsyncExitStack() as undo:
            for number in range(self._size):
                server = self._make(number)
                await server.start()
                undo.push_async_callback(server.stop)
                self.servers.append(server)
            undo.push_async_callback(self._forget)
            await self.wait_until_meshed()
            undo.pop_all()
        return self

    def _make(self, number: int) -> Server:
        given = self._config.get("cluster")
        section = {
            "host": "127.0.0.1",
            "port": -1,
            "name": "pynatsd",
            "routes": [server.route_url for server in self.servers],
            **(given if isinstance(given, Mapping) else {}),
        }
        return Server(
            {"server_name": f"n{number}", **self._config, "cluster": section},
            data_plane=self._data_plane,
            clock=self._clock,
            debug_log=self._debug_log,
            record=self._record,
            hooks=self._hooks,
        )

    async def _forget(self) -> None:
        self.servers.clear()

    async def wait_until_meshed(self, timeout: float = WAIT_SECONDS) -> None:  # noqa: ASYNC109 - the time limit of a test
        """Wait until each server has a route to each other one that runs. Raises `TimeoutError`."""
        passing = asyncio.create_task(self._pass_time())
        try:
            running = [server for server in self.servers if server.is_running]
            for server in running:
                await server.wait_for(lambda one: one.routez()["num_routes"] >= len(running) - 1, timeout)
        finally:
            passing.cancel()

    async def _pass_time(self) -> None:
        """Routes that are lost are dialled again after a time, which a manual clock does not let pass."""
        while isinstance(self._clock, ManualClock):
            await asyncio.sleep(_DIAL_STEP)
            await self._clock.advance(_DIAL_STEP)

    async def stop(self) -> None:
        """Stop all servers. Without effect on a cluster that does not run.

        If the caller is cancelled meanwhile, the cancellation is raised when all servers have ended.
        """
        await to_its_end(self._stop())

    async def _stop(self) -> None:
        servers, self.servers = self.servers, []
        for server in servers:
            await server.stop()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *_exc: object) -> None:
        await self.stop()
