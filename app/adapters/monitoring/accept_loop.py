"""Accepting connections at a listening socket.

The loop is our own: when descriptors run out, uvloop closes its socket, and asyncio logs an
error for each place in the backlog. This one leaves connections in the backlog and retries.
At a TLS port it reads the first byte, so that a client of plain HTTP gets an explanation.
"""

import asyncio
import os
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

_BATCH = 16
"""Connections accepted in one iteration of the event loop."""

_SHORTEST_DELAY = 0.05
_LONGEST_DELAY = 1.0

_HANDSHAKE = b"\x16"
"""First byte from a TLS client."""

_REFUSAL_SECONDS = 1.0
"""Time for a client of plain HTTP to read the explanation."""

SHUTDOWN_SECONDS = 0.5
"""Time limit of a TLS shutdown."""


@dataclass(frozen=True, slots=True)
class ListenSocket:
    """A listening socket; connections to it use TLS if `tls` is given."""

    socket: socket.socket
    tls: ssl.SSLContext | None = None
    handshake_seconds: float = 0.0
    """Time limit of a TLS handshake."""


class AcceptLoop:
    """Accepts at one socket, from `start` to `close`. The socket stays open."""

    def __init__(
        self,
        listening: ListenSocket,
        protocol: Callable[[], asyncio.BaseProtocol],
        refusal: bytes,
        max_arriving: int,
        report: Callable[[str], None],
    ) -> None:
        """`protocol` makes one for each connection; `refusal` is the answer to plain HTTP at a TLS port.

        At most `max_arriving` connections are set up at once; further ones are closed. `report` is
        called once for each period in which no connection can be accepted.
        """
        self._listening = listening
        self._protocol = protocol
        self._refusal = refusal
        self._max_arriving = max_arriving
        self._report = report
        self._arriving: set[asyncio.Task[None]] = set()
        self._delay = _SHORTEST_DELAY
        self._retry: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self._is_open = False

    def start(self) -> None:
        """Accept from now on."""
        self._listening.socket.settimeout(0)
        self._is_open = True
        self._listen()

    def close(self) -> None:
        """Accept no more, and drop connections that are being set up. May be called twice."""
        if not self._is_open:
            return
        self._is_open = False
        if self._retry is not None:
            self._retry.cancel()
        self._loop.remove_reader(self._listening.socket)
        for task in list(self._arriving):
            task.cancel()

    def _listen(self) -> None:
        self._loop.add_reader(self._listening.socket, self._accept)

    def _accept(self) -> None:
        for _ in range(_BATCH):
            try:
                accepted, _ = self._listening.socket.accept()
            except BlockingIOError:
                return
            except ConnectionAbortedError:  # the client left while it waited
                continue
            except OSError as error:
                self._back_off(error)
                return
            self._delay = _SHORTEST_DELAY
            if len(self._arriving) >= self._max_arriving:
                accepted.close()
                continue
            task = self._loop.create_task(self._attach(accepted))
            self._arriving.add(task)  # the loop itself keeps no task alive
            task.add_done_callback(self._arriving.discard)

    def _back_off(self, error: OSError) -> None:
        """Pause: the socket stays readable, and would wake the loop at once."""
        if self._delay == _SHORTEST_DELAY:
            reason = os.strerror(error.errno).lower() if error.errno else str(error)
            self._report(f"no reader can be accepted: {reason}; trying again")
        self._loop.remove_reader(self._listening.socket)
        self._retry = self._loop.call_later(self._delay, self._listen)
        self._delay = min(self._delay * 2, _LONGEST_DELAY)

    async def _attach(self, accepted: socket.socket) -> None:
        listening = self._listening
        try:
            accepted.settimeout(0)
            if listening.tls is None:
                await self._loop.connect_accepted_socket(self._protocol, accepted)
                return
            async with asyncio.timeout(listening.handshake_seconds):
                first = await self._first_byte(accepted)
            if first == _HANDSHAKE:
                await self._loop.connect_accepted_socket(
                    self._protocol,
                    accepted,
                    ssl=listening.tls,
                    ssl_handshake_timeout=listening.handshake_seconds,
                    ssl_shutdown_timeout=SHUTDOWN_SECONDS,
                )
            elif first:
                await self._loop.connect_accepted_socket(lambda: _Refusal(self._refusal), accepted)
            else:
                accepted.close()
        except (
            OSError,
            TimeoutError,
            asyncio.CancelledError,
        ):  # a failure of this connection alone
            accepted.close()
        except Exception as error:  # noqa: BLE001 - it concerns one connection, and is reported
            accepted.close()
            self._report(f"{type(error).__name__}: {error}")

    async def _first_byte(self, accepted: socket.socket) -> bytes:
        """The first byte, which stays unread; empty if the client leaves before it."""
        readable = self._loop.create_future()

        def note() -> None:
            if not readable.done():
                readable.set_result(None)

        self._loop.add_reader(accepted, note)
        try:
            await readable
        finally:
            self._loop.remove_reader(accepted)
        return accepted.recv(1, socket.MSG_PEEK)


class _Refusal(asyncio.Protocol):
    """Sends the explanation and closes; input is ignored."""

    def __init__(self, text: bytes) -> None:
        self._text = text

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - it is a socket's
        transport.write(self._text)
        with suppress(OSError, RuntimeError):
            transport.write_eof()
        asyncio.get_running_loop().call_later(_REFUSAL_SECONDS, transport.abort)
