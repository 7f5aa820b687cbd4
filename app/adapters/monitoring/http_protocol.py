"""HTTP on one connection: uvicorn's protocol, bounded in time and size.

A whole request must arrive within `PATIENCE` seconds of the start of the connection, or of
the end of the answer before; single bytes do not extend that time. An answer may take any
time if its reader makes progress in each such period. Input that is no request is refused
at its first line, with a hint for clients of the messaging protocol.
"""

import asyncio
import logging
import re
import sys
import time
from http import HTTPStatus
from typing import Any

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.server import ServerState

from .stepper import Stepper

PATIENCE = 3.0
"""Seconds for a request, and for some progress of an answer."""

LEAST_PROGRESS = 16 * 1024
"""Bytes of an answer that its reader must take in that time, or all that are left."""

MAX_CONNECTIONS = 1024
"""Connections at a time; further ones are closed at once."""

MAX_HEAD = 64 * 1024
"""Bytes of request line and headers."""

_REQUEST_LINE = re.compile(rb"[^ ]+ [^ ]+ HTTP/[0-9]\.[0-9]")
_CLIENT_LINE = re.compile(rb"(?:CONNECT|PING|PONG|SUB|UNSUB|PUB|HPUB|INFO|\+OK|-ERR)\b", re.IGNORECASE)

NO_REQUEST = "Invalid HTTP request received."
NO_CLIENTS = "This port is for monitoring, over HTTP. Messages go over another one."
NO_PLAIN_HTTP = "This port speaks HTTPS: ask for https:// here."

_LINGER = 1.0
"""Seconds during which further input of a refused request is ignored, so that the answer arrives."""


class BoundedHttp(H11Protocol):
    """One connection."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        logger: logging.Logger,
        stepper: Stepper,
    ) -> None:
        """`stepper` is charged for the time of reading requests."""
        super().__init__(config, server_state, app_state)
        self.logger = logger
        self.access_log = False
        self._stepper = stepper
        self._first_line: bytes | None = b""
        self._unread = 0
        self._refused = False
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # uvicorn narrows it too
        super().connection_made(transport)
        if len(self.connections) > MAX_CONNECTIONS:
            transport.abort()
            return
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        begun = time.perf_counter()
        if self._first_line is not None:
            self._check_first_line(data)
        if not self._refused:
            super().data_received(data)
        self._stepper.charge(time.perf_counter() - begun)

    def _check_first_line(self, data: bytes) -> None:
        """Refuse input that cannot be a request; h11 would wait for the end of its headers."""
        line, is_whole, _ = ((self._first_line or b"") + data).lstrip(b"\r\n").partition(b"\n")
        if not is_whole:
            self._first_line = line if len(line) <= MAX_HEAD else None
            return
        self._first_line = None
        if not _REQUEST_LINE.fullmatch(line.rstrip(b"\r")):
            self._refuse(HTTPStatus.BAD_REQUEST, NO_CLIENTS if _CLIENT_LINE.match(line) else NO_REQUEST)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.transport.is_closing():
            self._unset_keepalive_if_required()
            self._expect()

    def send_400_response(self, msg: str) -> None:
        """Refuse a request that is invalid or too large; h11's error says which."""
        error = sys.exception()
        status = error.error_status_hint if isinstance(error, h11.RemoteProtocolError) else 400
        self._refuse(status, HTTPStatus(status).phrase if status != HTTPStatus.BAD_REQUEST else msg)

    def _refuse(self, status: int, text: str) -> None:
        self._refused = True
        self.transport.write(refusal(status, text))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._restart_timer(_LINGER)

    # --- time ------------------------------------------------------------------

    def _expect(self) -> None:
        """Start the time in which the answer must be read and the next request must arrive."""
        self._unread = 0
        self._restart_timer(PATIENCE)

    def _restart_timer(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_later(seconds, self._on_timer)

    def _on_timer(self) -> None:
        unread = self.transport.get_write_buffer_size()
        cycle: RequestResponseCycle | None = self.cycle
        answering = cycle is not None and not cycle.response_complete
        stuck = self._unread and unread > max(0, self._unread - LEAST_PROGRESS)
        if self._refused or stuck:
            self.transport.abort()
            return
        if not (unread or answering):
            self.transport.close()
            return
        self._unread = unread
        self._restart_timer(PATIENCE)


def refusal(status: int, text: str) -> bytes:
    """A complete answer in plain text; the connection closes after it."""
    body = text.encode()
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\n"
        "X-Content-Type-Options: nosniff\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode() + body
