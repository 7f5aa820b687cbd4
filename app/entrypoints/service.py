"""A server as a thing to start and stop, within an event loop that somebody else runs."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from app.adapters.net_asyncio.tls_facts import TlsRequired
from app.adapters.process.own_thread import in_own_thread
from app.domain.broker import FLUSH_SECONDS, Broker
from app.domain.cluster.cluster import Cluster
from app.domain.cluster.events import RouteListenFailed, RouteListening
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
from app.domain.failure import described
from app.entrypoints.events import StopIncomplete
from app.entrypoints.memory_trimmer import BackgroundCall, MemoryTrimmer
from app.entrypoints.settings import PROGRAM, RUNTIME
from app.ports.authenticator import Authenticator
from app.ports.event_log import EventLog
from app.ports.monitor import Monitor
from app.ports.transport import LINGER_SECONDS, Address, Dialer, Listener, ListenError

DEPARTURE_SECONDS = 2 * LINGER_SECONDS
"""How long the last clients are waited for."""

PATIENCE_SECONDS = 2.0
"""How long a part that should end at once is waited for."""

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
    trim_memory: Callable[[], None]
    """Called, in a thread, when many clients have left."""


class Service:
    """One server: its broker, behind its listener."""

    def __init__(self, broker: Broker, parts: Parts) -> None:
        self.broker = broker
        self._parts = parts
        self._events = parts.events
        trim = BackgroundCall(parts.trim_memory)
        self._memory_trimmer = MemoryTrimmer(broker, broker.scheduler, trim)
        self._is_started = False
        self._are_closed = False
        self._ending: asyncio.Task[None] | None = None

    @property
    def monitoring_ports(self) -> Mapping[str, int]:
        """Where pages are served, by scheme (``http``, ``https``); known once it has started."""
        return self._parts.monitor.ports

    async def start(self) -> int:
        """Serve; return the port, which is the real one if a free one was asked for.

        Raises `CannotStart`, and leaves nothing open then: the last fact in the log, which is closed,
        says why. Raises `RuntimeError` when it was started before: a server starts once.
        """
        if self._is_started:
            raise RuntimeError("this server has been started before; make another one")
        self._is_started = True
        try:
            return await self._start()
        except CannotStart as error:
            self._events.record(error.fact)
            await self._close_parts()
            await self._close_log()
            raise
        except BaseException:
            await self._close_parts()
            raise

    async def _start(self) -> int:
        events, info = self._events, self.broker.greeting.info
        loop = asyncio.get_running_loop()
        kind = type(loop).__module__.partition(".")[0]
        events.record(ServerStarting(None, info.version))
        events.record(RuntimeChosen(None, PROGRAM, RUNTIME, kind, self._parts.data_plane))
        await self._listen_for_readers()
        cluster = self.broker.cluster
        address = await self._listen()
        if cluster is None:
            self.broker.listening_on(address.port)
        else:
            self.broker.listening_on(address.port, self._parts.client_urls(address.port))
            await self._listen_for_routes(cluster)
        events.record(Listening(None, info.host, address.port))
        if info.tls_required:
            events.record(TlsRequired(None))
        events.record(ServerIdentified(None, info.server_id))
        if cluster is not None:
            loop.call_soon(cluster.solicit)  # while the monitor starts: clients are served already
        await self._parts.monitor.start()
        events.record(ServerReady(None))
        self._memory_trimmer.start()
        return address.port

    async def _listen(self) -> Address:
        try:
            return await self._parts.listener.start(self.broker.accept)
        except ListenError as error:
            info = self.broker.greeting.info
            raise CannotStart(ListenFailed(None, info.host, info.port, str(error))) from error

    async def _listen_for_routes(self, cluster: Cluster) -> None:
        """Last, for a peer that comes in at once must learn all about us."""
        try:
            address = await self._parts.route_listener.start(self.broker.accept_route)
        except ListenError as error:
            settings = cluster.settings
            raise CannotStart(RouteListenFailed(None, settings.host, settings.port, str(error))) from error
        cluster.listening_on(address.port)
        self._events.record(RouteListening(None, cluster.settings.host, address.port))

    async def _listen_for_readers(self) -> None:
        """Take the ports of monitoring first, which are served when clients are."""
        try:
            await self._parts.monitor.listen()
        except ListenError as error:
            raise CannotStart(MonitorListenFailed(None, str(error))) from error

    async def stop(self) -> None:
        """Accept no more, send what is pending, close all clients. May be called twice.

        Whatever others do meanwhile, it takes `FLUSH_SECONDS` and a few more at most. Clients may still
        be reading their last bytes afterwards; the log is closed when they have left. See `departed`.
        """
        if self._ending is not None:
            return
        self._ending = asyncio.create_task(self._depart(stopped := asyncio.Event()))
        try:
            self._events.record(ServerExiting(None))
            self._memory_trimmer.stop()
            await self._close_listeners()
            await self._in_time("the clients", self._flush(), FLUSH_SECONDS)
            await self._close_parts()
        finally:
            stopped.set()

    async def departed(self) -> None:
        """Wait until all clients are gone, and after `stop` until the log is closed, which is soon."""
        if self._ending is None:
            await self._clients_left()
        else:
            await asyncio.wait([self._ending])

    async def _flush(self) -> None:
        flushed = asyncio.Event()
        self.broker.shutdown(flushed.set)
        await flushed.wait()

    async def _depart(self, stopped: asyncio.Event) -> None:
        try:
            await stopped.wait()
            await self._clients_left()
        finally:
            await self._close_log()

    async def _clients_left(self) -> None:
        deadline = asyncio.get_running_loop().time() + DEPARTURE_SECONDS
        while self.broker.wires and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110 - the broker is synchronous and has no event
            await asyncio.sleep(_DEPARTURE_CHECK_SECONDS)

    async def _close_listeners(self) -> None:
        parts = self._parts
        await self._in_time("the listener", parts.listener.close())
        if self.broker.cluster is not None:
            await self._in_time("the listener for routes", parts.route_listener.close())
            self._at_once("the dialer", parts.dialer.close)

    async def _close_parts(self) -> None:
        """All but the log, once."""
        if self._are_closed:
            return
        self._are_closed = True
        await self._close_listeners()
        await self._in_time("monitoring", self._parts.monitor.close())
        self._at_once("the authenticator", self._parts.authenticator.close)
        self._at_once("the authenticator of routes", self._parts.route_authenticator.close)

    async def _close_log(self) -> None:
        """In a thread: a destination that is stuck must not hold the loop."""
        try:
            await in_own_thread(self._events.close)
        except RuntimeError:  # there is no thread to be had
            self._events.close()

    async def _in_time(self, part: str, ending: Awaitable[None], seconds: float = 0.0) -> None:
        """Let a part end, for `PATIENCE_SECONDS` and so much more; the others end whatever comes of it."""
        seconds += PATIENCE_SECONDS
        task = asyncio.ensure_future(ending)
        try:
            _, late = await asyncio.wait([task], timeout=seconds)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if late:
            task.cancel()  # it may not obey, and is waited for no longer
            self._events.record(StopIncomplete(None, part, f"it takes longer than {seconds:g} s"))
        elif error := task.exception():
            self._events.record(StopIncomplete(None, part, described(error)))

    def _at_once(self, part: str, close: Callable[[], object]) -> None:
        try:
            close()
        except Exception as error:  # noqa: BLE001 - the code of others; the rest must end nevertheless
            self._events.record(StopIncomplete(None, part, described(error)))
