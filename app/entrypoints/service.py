"""Service: a server to start and stop within the event loop of its caller.

It changes nothing of its process: signals, the garbage collector and the like belong to the
program; see ``app.entrypoints.process``.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from ..adapters.hooks.runners import HookRunners
from ..adapters.net_asyncio.tls_events import TlsAvailable, TlsFirst, TlsRequired
from ..adapters.net_asyncio.unix_events import UnixListenFailed, UnixListening
from ..adapters.net_asyncio.websocket_events import WebsocketListening
from ..adapters.process.event_loop import to_its_end
from ..adapters.process.own_thread import in_own_thread
from ..domain.broker import FLUSH_SECONDS, Broker
from ..domain.cluster.events import RouteListenFailed, RouteListening
from ..domain.connection_type import ConnectionType
from ..domain.events import Event, ListenFailed, Listening, ServerExiting, ServerReady
from ..domain.failure import described
from ..domain.lame_duck import LameDuckTerms
from ..domain.protocol.encode import ListenerInfo
from ..domain.sessions.wire import Handler, Wire
from ..domain.value_object import value_object
from ..ports.authenticator import Authenticator
from ..ports.event_log import EventLog
from ..ports.monitor import Monitor
from ..ports.transport import LINGER_SECONDS, Address, Dialer, Listener, ListenError
from .events import (
    JetStreamFailed,
    MonitorListenFailed,
    RuntimeChosen,
    ServerIdentified,
    ServerStarting,
    StopIncomplete,
)
from .identity import PROGRAM, RUNTIME
from .leaf_nodes import LeafNodes, NoLeafListener
from .streams import CannotOpen, Streams

if TYPE_CHECKING:
    from ..domain.cluster.cluster import Cluster

DEPARTURE_SECONDS = 2 * LINGER_SECONDS
"""How long the last clients are waited for."""

STREAM_SECONDS = 30.0
"""How much longer than that a disk may take to have all that is stored."""

PATIENCE_SECONDS = 2.0
"""How long a part that should end at once is waited for."""


class CannotStart(Exception):
    """A part cannot begin; `fact` says which and why."""

    def __init__(self, fact: Event) -> None:
        super().__init__(fact.text())
        self.fact = fact


@value_object
class ClientListener:
    """A place where clients come in, and what they must know of it."""

    listener: Listener
    host: str
    port: int
    """As configured, for the log; -1 is any free port."""
    tls_required: bool = False
    tls_verify: bool = False
    tls_available: bool = False
    """Whether clients may use TLS, and need not."""
    tls_first: bool = False
    """Whether each client must begin with the handshake."""
    websocket: str = ""
    """The scheme for clients, ``ws`` or ``wss``, where they connect over websockets."""
    unix: bool = False
    """Whether the host is the path of a unix socket."""

    def listening(self, address: Address) -> Event:
        """The fact that clients can connect there."""
        if self.unix:
            return UnixListening(None, self.host)
        if self.websocket:
            return WebsocketListening(None, self.host, address.port, self.websocket)
        return Listening(None, self.host, address.port)

    def failed(self, reason: str) -> Event:
        """The fact that they cannot."""
        if self.unix:
            return UnixListenFailed(None, self.host, reason)
        return ListenFailed(None, self.host, self.port, reason)


@value_object
class Addresses:
    """Where a started server listens; every port is the real one."""

    clients: tuple[Address, ...]
    """In the order of `Parts.listeners`."""
    routes: Address | None
    """None without a cluster."""
    monitoring: Mapping[str, int]
    """Ports by scheme (``http``, ``https``)."""
    leaves: Address | None = None
    """None without leaf nodes."""


@value_object
class MeshParts:
    """What brings links of other servers, and judges them."""

    listener: Listener
    authenticator: Authenticator
    dialer: Dialer


@value_object
class Parts:
    """What a server consists of besides its broker."""

    listeners: Sequence[ClientListener]
    """One at least. The cluster advertises the first one, and monitoring shows it."""
    client_urls: Callable[[int], tuple[str, ...]]
    """Our addresses for clients, for the cluster; called with the clients' port."""
    websocket_urls: Callable[[int], tuple[str, ...]]
    """The same for clients that speak websocket."""
    events: EventLog
    authenticator: Authenticator
    monitor: Monitor
    data_plane: str
    """Name of the twin that runs, for the log."""
    are_descriptors_plenty: Callable[[], bool]
    """Whether clients may come in before monitoring has opened what it needs (ADR 0028)."""
    hooks: HookRunners
    mesh: MeshParts | None = None
    """What takes part in a cluster; None without one."""
    streams: Streams | None = None
    """JetStream, if it is on."""
    leaf_nodes: LeafNodes | None = None
    """Leaf nodes, if there may be some."""


class Service:
    """One server: its broker, and all that brings it links."""

    def __init__(self, broker: Broker, parts: Parts) -> None:
        self.broker = broker
        self._parts = parts
        self._events = parts.events
        self._ports: dict[ClientListener, int] = {}
        """Real ports."""
        self._is_started = False
        self._are_closed = False
        self._ending: asyncio.Task[None] | None = None
        self._left: asyncio.Event | None = None
        """Lame duck mode is over; None if it has not begun."""

    async def start(self) -> Addresses:
        """Serve; return where.

        Raises `CannotStart`, and leaves nothing open then: the last fact in the log, which is closed,
        says why. Raises `RuntimeError` when it was started before: a server starts once.
        """
        if self._is_started:
            raise RuntimeError("this server has been started before; create another one")
        self._is_started = True
        try:
            return await self._start()
        except CannotStart as error:
            self._events.record(error.fact)
            await to_its_end(self._give_up())
            await self._close_log()
            raise
        except BaseException:
            await to_its_end(self._give_up())
            raise

    async def _give_up(self) -> None:
        """Leave nothing open, clients included that came in at a listener which had started."""
        await self._close_listeners()
        if self.broker.serving:
            await self._let_clients_go()
        await self._close_parts()

    async def _start(self) -> Addresses:
        events, info = self._events, self.broker.greeting.info
        loop = asyncio.get_running_loop()
        kind = type(loop).__module__.partition(".")[0]
        events.record(ServerStarting(None, info.version))
        events.record(RuntimeChosen(None, PROGRAM, RUNTIME, kind, self._parts.data_plane))
        await self._start_streams()
        await self._listen_for_readers()
        pages_are_later = self._parts.are_descriptors_plenty()
        if not pages_are_later:
            await self._parts.monitor.prepare()
        cluster = self.broker.cluster
        clients = [await self._listen(listener) for listener in self._parts.listeners]
        leaves = await self._listen_for_leaves()
        mesh = self._parts.mesh
        routes = None if cluster is None or mesh is None else await self._listen_for_routes(cluster, mesh)
        for listener, address in zip(self._parts.listeners, clients, strict=True):
            events.record(listener.listening(address))
            for fact in _about_tls(listener):
                events.record(fact)
        events.record(ServerIdentified(None, info.server_id))
        if cluster is not None:
            loop.call_soon(cluster.solicit)  # while the monitor starts: clients are served already
        if self.broker.leaves is not None:
            loop.call_soon(self.broker.leaves.solicit)
        if pages_are_later:
            await self._parts.monitor.prepare()
        await self._parts.monitor.start()
        events.record(ServerReady(None))
        return Addresses(tuple(clients), routes, self._parts.monitor.ports, leaves)

    async def _start_streams(self) -> None:
        """First of all, so that clients find what is stored."""
        if self._parts.streams is not None:
            try:
                await self._parts.streams.start()
            except CannotOpen as error:
                raise CannotStart(JetStreamFailed(None, str(error))) from error

    async def _listen(self, asked: ClientListener) -> Address:
        """Let clients in at one place; after the first one the broker knows its port."""
        try:
            address = await asked.listener.start(partial(self._accept, asked))
        except ListenError as error:
            raise CannotStart(asked.failed(str(error))) from error
        self._ports[asked] = address.port
        if asked is self._parts.listeners[0]:
            urls = () if self.broker.cluster is None else self._parts.client_urls(address.port)
            self.broker.listening_on(address.port, urls)
        if asked.websocket and self.broker.cluster is not None:
            self.broker.websockets_at(self._parts.websocket_urls(address.port))
        return address

    def _accept(self, at: ClientListener, wire: Wire) -> Handler:
        if at is self._parts.listeners[0]:
            return self.broker.accept(wire)
        return self.broker.accept(wire, self._info_of(at))

    def _info_of(self, at: ClientListener) -> ListenerInfo:
        """What INFO says of a listener; at a unix socket it names the first one, which others can use."""
        if at.unix:
            info = self.broker.greeting.info
            return ListenerInfo(info.advertised_host or info.host, info.advertised_port or info.port)
        port = self._ports.get(at, at.port)
        kind = ConnectionType.WEBSOCKET if at.websocket else ConnectionType.STANDARD
        return ListenerInfo(at.host, port, at.tls_required, at.tls_verify, at.tls_available, kind)

    async def _listen_for_routes(self, cluster: "Cluster", mesh: MeshParts) -> Address:
        """Last, for a peer that comes in at once must learn all about us."""
        try:
            address = await mesh.listener.start(self.broker.accept_route)
        except ListenError as error:
            settings = cluster.settings
            raise CannotStart(RouteListenFailed(None, settings.host, settings.port, str(error))) from error
        cluster.listening_on(address.port)
        self._events.record(RouteListening(None, cluster.settings.host, address.port))
        return address

    async def _listen_for_leaves(self) -> Address | None:
        """Before routes: other servers learn where leaves connect."""
        leaf_nodes = self._parts.leaf_nodes
        if leaf_nodes is None:
            return None
        try:
            return await leaf_nodes.listen(self.broker, self._events.record)
        except NoLeafListener as error:
            raise CannotStart(error.fact) from error

    async def _listen_for_readers(self) -> None:
        """Take the ports of monitoring first: what is in use is known before clients come."""
        try:
            await self._parts.monitor.listen()
        except ListenError as error:
            raise CannotStart(MonitorListenFailed(None, str(error))) from error

    def advertise(
        self,
        client_urls: Callable[[int], tuple[str, ...]],
        websocket_urls: Callable[[int], tuple[str, ...]],
    ) -> None:
        """Name other addresses to clients of the cluster from now on; see `Parts`."""
        first, *others = self._parts.listeners
        if first not in self._ports:
            return  # it has not started: it will name those of its start
        websockets = [asked for asked in others if asked.websocket]
        self.broker.advertise(
            client_urls(self._ports[first]),
            tuple(url for asked in websockets for url in websocket_urls(self._ports[asked])),
        )

    async def lame_duck(self, terms: LameDuckTerms) -> None:
        """Let the clients go elsewhere, one after the other; return when that is over, or `stop` was called.

        A second call changes nothing, and returns with the first. Call `stop` next.
        """
        if self._left is None:
            self._left = asyncio.Event()
            await self._close_client_listeners()
            self.broker.lame_duck(terms, self._left.set)
        await self._left.wait()

    async def stop(self, *, keep_log: bool = False) -> None:
        """Accept no more, send what is pending, close all clients. May be called twice.

        Whatever others do meanwhile, it takes `FLUSH_SECONDS` and a few more at most. Clients may still
        be reading their last bytes afterwards; the log is closed when they have left, unless the caller keeps
        it, and closes it. See `departed`.
        """
        if self._ending is not None:
            return
        self._ending = asyncio.create_task(self._depart(stopped := asyncio.Event(), keep_log=keep_log))
        try:
            self._events.record(ServerExiting(None))
            await self._close_listeners()
            await self._let_clients_go()
            await self._close_parts()
        finally:
            stopped.set()

    async def departed(self) -> None:
        """Wait until all clients are gone, and after `stop` until the log is closed, which is soon."""
        if self._ending is None:
            await self._clients_left()
        else:
            await asyncio.wait([self._ending])

    async def _let_clients_go(self) -> None:
        """Answer those who wait for messages, then send what is pending, and close all clients."""
        if self._parts.streams is not None:
            await self._in_time("requests for messages", self._parts.streams.end_requests())
        await self._in_time("the clients", self._flush(), FLUSH_SECONDS)

    async def _flush(self) -> None:
        flushed = asyncio.Event()
        self.broker.shutdown(flushed.set)
        await flushed.wait()

    async def _depart(self, stopped: asyncio.Event, *, keep_log: bool) -> None:
        try:
            await stopped.wait()
            await self._clients_left()
        finally:
            if not keep_log:
                await self._close_log()

    async def _clients_left(self) -> None:
        left = asyncio.Event()
        self.broker.wires.when_none_is_left(left.set)
        with suppress(TimeoutError):
            await asyncio.wait_for(left.wait(), DEPARTURE_SECONDS)

    async def _close_client_listeners(self) -> None:
        for listener in self._parts.listeners:
            await self._in_time("the listener", listener.listener.close())

    async def _close_listeners(self) -> None:
        parts = self._parts
        await self._close_client_listeners()
        if parts.mesh is not None:
            await self._in_time("the listener for routes", parts.mesh.listener.close())
            self._at_once("the dialer", parts.mesh.dialer.close)
        if parts.leaf_nodes is not None:
            await self._in_time("the listener for leaf nodes", parts.leaf_nodes.listener.close())
            self._at_once("the dialers of leaf nodes", parts.leaf_nodes.stop_dialling)

    async def _close_parts(self) -> None:
        """All but the log, once."""
        if self._are_closed:
            return
        self._are_closed = True
        await self._close_listeners()
        if self._parts.streams is not None:
            await self._in_time("JetStream", self._parts.streams.stop(), STREAM_SECONDS)
        await self._in_time("monitoring", self._parts.monitor.close())
        await self._in_time("the hooks", self._parts.hooks.close(), PATIENCE_SECONDS)
        self._at_once("the authenticator", self._parts.authenticator.close)
        if self._parts.mesh is not None:
            self._at_once("the authenticator of routes", self._parts.mesh.authenticator.close)
        if self._parts.leaf_nodes is not None:
            self._at_once("the authenticator of leaf nodes", self._parts.leaf_nodes.close)

    async def _close_log(self) -> None:
        """In a thread if it may wait: a destination that is stuck must not hold the loop."""
        if not self._events.may_wait:
            self._events.close()
            return
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


def _about_tls(at: ClientListener) -> Iterator[Event]:
    """What the log says of TLS for clients."""
    if at.tls_required:
        yield TlsRequired(None)
    if at.tls_available:
        yield TlsAvailable(None)
    if at.tls_first:
        yield TlsFirst(None)
