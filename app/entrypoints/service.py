"""A server as a thing to start and stop, within an event loop that somebody else runs."""

import asyncio
import platform

from app.domain.broker import Broker
from app.domain.events import (
    Listening,
    RuntimeChosen,
    ServerExiting,
    ServerIdentified,
    ServerReady,
    ServerStarting,
)
from app.ports.authenticator import Authenticator
from app.ports.event_log import EventLog
from app.ports.transport import Listener


class Service:
    """One server: its broker, behind its listener."""

    def __init__(
        self,
        broker: Broker,
        listener: Listener,
        events: EventLog,
        authenticator: Authenticator,
        data_plane: str,
    ) -> None:
        """`data_plane` is the name of the twin that runs, for the log."""
        self.broker = broker
        self._listener = listener
        self._events = events
        self._authenticator = authenticator
        self._data_plane = data_plane

    async def start(self) -> int:
        """Serve; return the port, which is the real one if a free one was asked for.

        Raises `ListenError`.
        """
        events, info = self._events, self.broker.info
        loop = type(asyncio.get_running_loop())
        events.record(ServerStarting(None, info.version))
        runtime = f"{platform.python_implementation()} {platform.python_version()}"
        events.record(RuntimeChosen(None, runtime, loop.__module__.partition(".")[0], self._data_plane))
        address = await self._listener.start(self.broker.accept)
        self.broker.listening_on(address.port)
        events.record(Listening(None, info.host, address.port))
        events.record(ServerIdentified(None, info.server_id))
        events.record(ServerReady(None))
        return address.port

    async def stop(self) -> None:
        """Accept no more, send what is pending, close all clients; the log stays open."""
        self._events.record(ServerExiting(None))
        await self._listener.close()
        flushed = asyncio.Event()
        self.broker.shutdown(flushed.set)
        await flushed.wait()
        self._authenticator.close()
