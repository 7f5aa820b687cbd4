"""Taking readers from the queue of a listening socket.

The loop is our own: when descriptors run out, uvloop's closes its socket and asyncio's
complains for each place in the queue. This one leaves readers there and tries again.
At a port for TLS it looks at the first byte, so that one who speaks plain HTTP learns why
there is no answer.
"""

import asyncio
import os
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

_BATCH = 16
"""Readers accepted in one turn of the loop."""

_SHORTEST_DELAY = 0.05
_LONGEST_DELAY = 1.0

_HANDSHAKE = b"\x16"
"""What a TLS client sends first."""

_REFUSAL_SECONDS = 1.0
"""How long one who does not speak TLS may take to read why."""

SHUTDOWN_SECONDS = 0.5
"""How long the end of a TLS link may take."""


@dataclass(frozen=True, slots=True)
class ListenSocket:
    """A listening socket; with `tls` what comes in is to be unwrapped first."""

    socket: socket.socket
    tls: ssl.SSLContext | None = None
    handshake_seconds: float = 0.0
    """Time for a handshake; without effect where there is no TLS."""


class AcceptLoop:
    """Accepts at one opening, from `start` to `close`. The socket stays open."""

    def __init__(
        self,
        opening: ListenSocket,
        protocol: Callable[[], asyncio.BaseProtocol],
        refusal: bytes,
        most: int,
        report: Callable[[str], None],
    ) -> None:
        """`protocol` makes one for each link; `refusal` answers who does not speak TLS.

        At most `most` links are being set up at once; others are closed. `report` hears, once for
        each time, that no reader can be accepted.
        """
        self._opening = opening
        self._protocol = protocol
        self._refusal = refusal
        self._most = most
        self._report = report
        self._arriving: set[asyncio.Task[None]] = set()
        self._delay = _SHORTEST_DELAY
        self._retry: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self._is_open = False

    def start(self) -> None:
        """Accept from now on."""
        self._opening.socket.settimeout(0)
        self._is_open = True
        self._listen()

    def close(self) -> None:
        """Accept no more, and give up who is about to come in. May be called twice."""
        if not self._is_open:
            return
        self._is_open = False
        if self._retry is not None:
            self._retry.cancel()
        self._loop.remove_reader(self._opening.socket)
        for task in list(self._arriving):
            task.cancel()

    def _listen(self) -> None:
        self._loop.add_reader(self._opening.socket, self._accept)

    def _accept(self) -> None:
        for _ in range(_BATCH):
            try:
                accepted, _ = self._opening.socket.accept()
            except BlockingIOError:
                return
            except ConnectionAbortedError:  # the reader went away while it waited
                continue
            except OSError as error:
                self._back_off(error)
                return
            self._delay = _SHORTEST_DELAY
            if len(self._arriving) >= self._most:
                accepted.close()
                continue
            task = self._loop.create_task(self._attach(accepted))
            self._arriving.add(task)  # the loop itself keeps no task alive
            task.add_done_callback(self._arriving.discard)

    def _back_off(self, error: OSError) -> None:
        """Leave the queue alone for a while: it stays readable, and would wake us at once."""
        if self._delay == _SHORTEST_DELAY:
            reason = os.strerror(error.errno).lower() if error.errno else str(error)
            self._report(f"no reader can be accepted: {reason}; trying again")
        self._loop.remove_reader(self._opening.socket)
        self._retry = self._loop.call_later(self._delay, self._listen)
        self._delay = min(self._delay * 2, _LONGEST_DELAY)

    async def _attach(self, accepted: socket.socket) -> None:
        opening = self._opening
        try:
            accepted.settimeout(0)
            if opening.tls is None:
                await self._loop.connect_accepted_socket(self._protocol, accepted)
                return
            async with asyncio.timeout(opening.handshake_seconds):
                first = await self._first_byte(accepted)
            if first == _HANDSHAKE:
                await self._loop.connect_accepted_socket(
                    self._protocol,
                    accepted,
                    ssl=opening.tls,
                    ssl_handshake_timeout=opening.handshake_seconds,
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
        ):  # a stranger's link; ours are none of its business
            accepted.close()
        except Exception as error:  # noqa: BLE001 - one link could not be set up; the others are fine
            accepted.close()
            self._report(f"{type(error).__name__}: {error}")

    async def _first_byte(self, accepted: socket.socket) -> bytes:
        """What the reader sends first, left where it is; nothing where it goes away before."""
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
    """Says why there is no answer, and ends the link; what comes in is thrown away meanwhile."""

    def __init__(self, text: bytes) -> None:
        self._text = text

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - it is a socket's
        transport.write(self._text)
        with suppress(OSError, RuntimeError):
            transport.write_eof()
        asyncio.get_running_loop().call_later(_REFUSAL_SECONDS, transport.abort)
