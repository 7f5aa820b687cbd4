"""Servers for programs without an event loop: they run in a thread of their own.

Methods that wait are plain. Called where an event loop is running they do not block it: they
return something to await, so that one fixture serves tests of both kinds.
"""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, Self, Unpack

from ..adapters.faults.faults import Faults
from ..domain.protocol.header_block import Headers
from .client import Client, ClientClosed, Message, Subscription
from .cluster import Cluster
from .loops import Completed, LoopThread, is_in_loop, run_without_loop
from .server import WAIT_SECONDS, Server
from .views import ConnzQueryKeys, Page

_CHECK_SECONDS = 0.002


class _InThread(ABC):
    """What runs in a thread; it is entered with ``with``, or with ``async with``."""

    @abstractmethod
    def start(self) -> Any:  # noqa: ANN401 - nothing, or what can be awaited
        """Start it, and the thread."""

    @abstractmethod
    def stop(self) -> Any:  # noqa: ANN401 - nothing, or what can be awaited
        """End it, and the thread."""

    def start_now(self) -> None:
        """Start, and wait for it in this thread, whether a loop is running or not."""
        run_without_loop(self.start)

    def stop_now(self) -> None:
        """Stop, and wait for it in this thread, whether a loop is running or not."""
        run_without_loop(self.stop)

    def __enter__(self) -> Self:
        self.start_now()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop_now()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.stop()


class ThreadedServer(_InThread):
    """A `Server` in a thread; enter it with ``with``, or use `start` and `stop`."""

    def __init__(self, *args: Any, **keys: Any) -> None:  # noqa: ANN401 - those of Server
        """What `Server` takes."""
        self._server = Server(*args, **keys)
        self._thread: LoopThread | None = None

    # --- starting and stopping -------------------------------------------------------

    def start(self) -> Any:  # noqa: ANN401 - nothing, or what can be awaited
        """Serve; see `Server.start`."""
        if self._thread is None:
            self._thread = LoopThread()
            self._server.faults.run = self._thread.call
        return self._thread.begin(self._start())

    async def _start(self) -> None:
        try:
            await self._server.start()
        except BaseException:
            self._thread = None
            raise

    def stop(self) -> Any:  # noqa: ANN401 - nothing, or what can be awaited
        """End it; see `Server.stop`. The thread ends too."""
        thread, self._thread = self._thread, None
        return Completed() if thread is None else thread.end(self._server.stop())

    def reload(self, *args: Any, **keys: Any) -> Any:  # noqa: ANN401 - as above
        """See `Server.reload`."""
        return self._live.do(self._server.reload(*args, **keys))

    def lame_duck(self, *, duration: float | None = None, grace: float | None = None) -> Any:  # noqa: ANN401 - as above
        """See `Server.lame_duck`; the thread ends with the next `stop`."""
        if self._thread is None:
            return Completed()
        return self._thread.do(self._server.lame_duck(duration=duration, grace=grace))

    # --- where it is -------------------------------------------------------------------

    @property
    def is_running(self) -> bool:
        """See `Server.is_running`."""
        return self._server.is_running

    @property
    def port(self) -> int:
        """See `Server.port`."""
        return self._server.port

    @property
    def url(self) -> str:
        """See `Server.url`."""
        return self._server.url

    @property
    def http_url(self) -> str:
        """See `Server.http_url`."""
        return self._server.http_url

    @property
    def route_url(self) -> str:
        """See `Server.route_url`."""
        return self._server.route_url

    @property
    def leaf_url(self) -> str:
        """See `Server.leaf_url`."""
        return self._server.leaf_url

    @property
    def websocket_url(self) -> str:
        """See `Server.websocket_url`."""
        return self._server.websocket_url

    @property
    def name(self) -> str:
        """See `Server.name`."""
        return self._server.name

    @property
    def log(self) -> list[str]:
        """See `Server.log`."""
        return self._server.log

    # --- what it does --------------------------------------------------------------------

    def varz(self) -> Page:
        """See `Server.varz`."""
        return self._live.call(self._server.varz)

    def connz(self, **query: Unpack[ConnzQueryKeys]) -> Page:
        """See `Server.connz`."""
        return self._live.call(lambda: self._server.connz(**query))

    def routez(self, *, subs: bool = False) -> Page:
        """See `Server.routez`."""
        return self._live.call(lambda: self._server.routez(subs=subs))

    def leafz(self, *, subs: bool = False) -> Page:
        """See `Server.leafz`."""
        return self._live.call(lambda: self._server.leafz(subs=subs))

    def subsz(self, *, subs: bool = False) -> Page:
        """See `Server.subsz`."""
        return self._live.call(lambda: self._server.subsz(subs=subs))

    def summary(self) -> str:
        """See `Server.summary`."""
        return self._thread.call(self._server.summary) if self._thread else self._server.summary()

    @property
    def faults(self) -> Faults:
        """See `Server.faults`."""
        return self._server.faults

    def conversation(self, number: int) -> list[str]:
        """See `Server.conversation`."""
        return self._server.conversation(number)

    def wait_for(self, condition: Callable[[Self], object], timeout: float = WAIT_SECONDS) -> Any:  # noqa: ANN401 - nothing, or what can be awaited
        """See `Server.wait_for`; `condition` is called in the caller's thread."""
        if is_in_loop():
            return asyncio.ensure_future(self._await(condition, timeout))
        deadline = time.monotonic() + timeout
        while not self._holds(condition, deadline, timeout):
            time.sleep(_CHECK_SECONDS)
        return Completed()  # a loop that is not asyncio's awaits it

    async def _await(self, condition: Callable[[Self], object], limit: float) -> None:
        deadline = time.monotonic() + limit
        while not self._holds(condition, deadline, limit):  # noqa: ASYNC110 - there is no event for each condition
            await asyncio.sleep(_CHECK_SECONDS)

    def _holds(self, condition: Callable[[Self], object], deadline: float, limit: float) -> bool:
        """Raises `TimeoutError` when it is too late."""
        if condition(self):
            return True
        if time.monotonic() > deadline:
            raise TimeoutError(f"not true within {limit:g} s; {self.summary()}")
        return False

    def client(self, name: str = "") -> "ThreadedClient":
        """A client without a socket, to be entered with ``with``."""
        return ThreadedClient(self._live, self._server.client(name))

    @property
    def _live(self) -> LoopThread:
        if self._thread is None:
            raise RuntimeError("the server is not running")
        return self._thread


class ThreadedMember(ThreadedServer):
    """A server of a cluster, which runs in the thread of that."""

    def __init__(self, server: Server, thread: LoopThread) -> None:
        """`server` runs in `thread`."""
        self._server = server
        self._thread = thread
        server.faults.run = thread.call

    def start(self) -> Any:  # noqa: ANN401 - nothing, or what can be awaited
        """See `Server.start`."""
        return self._live.do(self._server.start())

    def stop(self) -> Any:  # noqa: ANN401 - nothing, or what can be awaited
        """See `Server.stop`."""
        return Completed() if self._live.loop.is_closed() else self._live.do(self._server.stop())


class ThreadedCluster(_InThread):
    """A `Cluster` in a thread; enter it with ``with``, or use `start` and `stop`."""

    def __init__(self, *args: Any, **keys: Any) -> None:  # noqa: ANN401 - those of Cluster
        """What `Cluster` takes."""
        self._cluster = Cluster(*args, **keys)
        self._thread: LoopThread | None = None
        self.faults = self._cluster.faults
        """See `Cluster.faults`."""
        self.servers: list[ThreadedServer] = []
        """In the order of their names."""

    @property
    def urls(self) -> list[str]:
        """Where clients connect, a URL for each server."""
        return [server.url for server in self.servers]

    def start(self) -> Any:  # noqa: ANN401 - nothing, or what can be awaited
        """See `Cluster.start`."""
        if self._thread is None:
            self._thread = LoopThread()
        return self._thread.begin(self._start(self._thread))

    async def _start(self, thread: LoopThread) -> None:
        try:
            await self._cluster.start()
        except BaseException:
            self._thread = None
            raise
        self.servers = [ThreadedMember(server, thread) for server in self._cluster.servers]

    def wait_until_meshed(self, timeout: float = WAIT_SECONDS) -> Any:  # noqa: ANN401 - nothing, or what can be awaited
        """See `Cluster.wait_until_meshed`."""
        if self._thread is None:
            raise RuntimeError("the cluster is not running")
        return self._thread.do(self._cluster.wait_until_meshed(timeout))

    def stop(self) -> Any:  # noqa: ANN401 - nothing, or what can be awaited
        """End all servers, and the thread."""
        thread, self._thread = self._thread, None
        self.servers = []
        return Completed() if thread is None else thread.end(self._cluster.stop())


class ThreadedClient:
    """A `Client` whose server runs in another thread."""

    def __init__(self, thread: LoopThread, client: Client) -> None:
        self._thread = thread
        self._client = client

    def __enter__(self) -> Self:
        self._thread.do(self._enter())
        return self

    async def _enter(self) -> None:
        await self._client.__aenter__()

    def __exit__(self, *_exc: object) -> None:
        self._leave()

    async def __aenter__(self) -> Self:
        await self._thread.do(self._enter())
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self._leave()

    def _leave(self) -> Any:  # noqa: ANN401 - as `do`
        """A server that has stopped has ended the client."""
        return Completed() if self._thread.loop.is_closed() else self._thread.do(self._client.__aexit__())

    def publish(
        self, subject: str, data: bytes = b"", *, reply: str = "", headers: Headers | None = None
    ) -> Any:  # noqa: ANN401 - nothing, or what can be awaited
        """See `Client.publish`."""
        return self._thread.do(self._client.publish(subject, data, reply=reply, headers=headers))

    def flush(self) -> Any:  # noqa: ANN401 - nothing, or what can be awaited
        """See `Client.flush`."""
        return self._thread.do(self._client.flush())

    def request(
        self, subject: str, data: bytes = b"", *, timeout: float = 1.0, headers: Headers | None = None
    ) -> Any:  # noqa: ANN401 - a message, or what can be awaited for it
        """See `Client.request`."""
        return self._thread.do(self._client.request(subject, data, timeout=timeout, headers=headers))

    def subscribe(self, subject: str, queue: str = "") -> "ThreadedSubscription":
        """See `Client.subscribe`; to be entered with ``with``, and gone through with ``for``."""
        return ThreadedSubscription(self._thread, self._client.subscribe(subject, queue))


class ThreadedSubscription:
    """A `Subscription` of a server in another thread."""

    def __init__(self, thread: LoopThread, subscription: Subscription) -> None:
        self._thread = thread
        self._subscription = subscription

    def __enter__(self) -> Self:
        self._thread.call(self._subscription.begin)
        return self

    def __exit__(self, *_exc: object) -> None:
        self._thread.call(self._subscription.end)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(self, *_exc: object) -> None:
        self.__exit__()

    def next(self, timeout: float | None = None) -> Any:  # noqa: ANN401 - a message, or what can be awaited for it
        """See `Subscription.next`."""
        return self._thread.do(self._subscription.next(timeout))

    def __iter__(self) -> Iterator[Message]:
        self._thread.call(self._subscription.begin)
        while True:
            try:
                yield self.next()
            except ClientClosed:
                return

    def __aiter__(self) -> Self:
        self._thread.call(self._subscription.begin)
        return self

    async def __anext__(self) -> Message:
        try:
            message: Message = await self.next()
        except ClientClosed:
            raise StopAsyncIteration from None
        return message
