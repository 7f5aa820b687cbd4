"""A server as a thing to start and stop, within an event loop that somebody else runs."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from app.adapters.net_asyncio.tls_facts import TlsRequired
from app.domain.broker import Broker
from app.domain.cluster.events import RouteListenFailed, RouteListening
from app.domain.cluster.mesh import Cluster
from app.domain.events import (
    Event,
    ListenFailed,
    Listening,
    MonitorListenFailed,
    RuntimeChosen,
    ServerExiting,
    ServerIdentified,
    ServerReady,
    ServerStarting,
)
from app.entrypoints.settings import PROGRAM, RUNTIME
from app.entrypoints.tidying import Tidying, in_background
from app.ports.authenticator import Authenticator
from app.ports.event_log import EventLog
from app.ports.monitor import Monitor
from app.ports.transport import LINGER_SECONDS, Address, Dialer, Listener, ListenError

DEPARTURE_SECONDS = 2 * LINGER_SECONDS
"""How long the last clients are waited for."""

_DEPARTURE_CHECK_SECONDS = 0.005


class CannotStart(Exception):
    """A part cannot begin; `fact` says which and why."""

    def __init__(self, fact: Event) -> None:
        super().__init__(fact.text())
        self.fact = fact


@dataclass(frozen=True, slots=True)
class Parts:
    """What a server consists of besides its broker."""

    listener: Listener
    route_listener: Listener
    """For other servers; used only in a cluster, as all that is named for routes."""
    route_authenticator: Authenticator
    dialer: Dialer
    client_urls: Callable[[int], tuple[str, ...]]
    """Our addresses for clients, for the cluster; called with the clients' port."""
    events: EventLog
    authenticator: Authenticator
    monitor: Monitor
    data_plane: str
    """Name of the twin that runs, for the log."""
    give_memory_back: Callable[[], None]
    """Called, in a thread, when many clients have left."""


class Service:
    """One server: its broker, behind its listener."""

    def __init__(self, broker: Broker, parts: Parts) -> None:
        self.broker = broker
        self._parts = parts
        self._events = parts.events
        trim = in_background(parts.give_memory_back)
        self._tidying = Tidying(broker, broker.scheduler, trim)

    async def start(self) -> int:
        """Serve; return the port, which is the real one if a free one was asked for.

        Raises `CannotStart`.
        """
        events, info = self._events, self.broker.info
        loop = asyncio.get_running_loop()
        kind = type(loop).__module__.partition(".")[0]
        events.record(ServerStarting(None, info.version))
        events.record(RuntimeChosen(None, PROGRAM, RUNTIME, kind, self._parts.data_plane))
        await self._listen_for_readers()
        cluster = self.broker.cluster
        try:
            address = await self._listen()
            if cluster is None:
                self.broker.listening_on(address.port)
            else:
                self.broker.listening_on(address.port, self._parts.client_urls(address.port))
                await self._listen_for_routes(cluster)
        except CannotStart:
            await self._parts.monitor.close()
            raise
        events.record(Listening(None, info.host, address.port))
        if info.tls_required:
            events.record(TlsRequired(None))
        events.record(ServerIdentified(None, info.server_id))
        if cluster is not None:
            loop.call_soon(cluster.solicit)  # while the monitor starts: clients are served already
        await self._parts.monitor.start()
        events.record(ServerReady(None))
        self._tidying.begin()
        return address.port

    async def _listen(self) -> Address:
        try:
            return await self._parts.listener.start(self.broker.accept)
        except ListenError as error:
            info = self.broker.info
            raise CannotStart(ListenFailed(None, info.host, info.port, str(error))) from error

    async def _listen_for_routes(self, cluster: Cluster) -> None:
        """Last, for a peer that comes in at once must learn all about us."""
        try:
            address = await self._parts.route_listener.start(self.broker.accept_route)
        except ListenError as error:
            client_port = self.broker.info.port
            raise CannotStart(RouteListenFailed(None, client_port, str(error))) from error
        cluster.listening_on(address.port)
        self._events.record(RouteListening(None, cluster.settings.host, address.port))

    async def _listen_for_readers(self) -> None:
        """Take the ports of monitoring first, which are served when clients are."""
        try:
            await self._parts.monitor.listen()
        except ListenError as error:
            raise CannotStart(MonitorListenFailed(None, str(error))) from error

    async def stop(self) -> None:
        """Accept no more, send what is pending, close all clients; the log stays open.

        Clients may still be reading their last bytes; see `departed`.
        """
        self._events.record(ServerExiting(None))
        self._tidying.end()
        await self._parts.listener.close()
        if self.broker.cluster is not None:
            await self._parts.route_listener.close()
            self._parts.dialer.close()
        flushed = asyncio.Event()
        self.broker.shutdown(flushed.set)
        await flushed.wait()
        await self._parts.monitor.close()
        self._parts.authenticator.close()
        self._parts.route_authenticator.close()

    async def departed(self) -> None:
        """Wait until all clients are gone, which after `stop` is soon."""
        deadline = asyncio.get_running_loop().time() + DEPARTURE_SECONDS
        while self.broker.wires and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110 - the broker is synchronous and has no event
            await asyncio.sleep(_DEPARTURE_CHECK_SECONDS)
