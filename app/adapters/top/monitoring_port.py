"""Requests to a monitoring port, over HTTP or HTTPS."""

import http.client
import ssl
import time
from dataclasses import dataclass
from typing import Protocol

from .answers import InvalidAnswer, read_clients, read_server
from .rates import Meter, ServerReading

PATIENCE_SECONDS = 5.0
"""Time limit of a request without any progress."""

MAX_ANSWER = 64 * 1024 * 1024

SORTS = (
    *("cid", "start", "subs", "pending", "msgs_to", "msgs_from", "bytes_to", "bytes_from"),
    *("last", "idle", "uptime", "rtt"),
)
"""Sort keys of servers; older servers refuse some of them."""


class Unreachable(Exception):
    """A reading failed; the text says why, in one line."""


@dataclass(frozen=True, slots=True)
class ReadingQuery:
    """Which clients to request."""

    limit: int = 1024
    sort: str = "cid"
    subscriptions: bool = False

    @property
    def path(self) -> str:
        """The path of the request."""
        return f"/connz?limit={self.limit}&sort={self.sort}{'&subs=1' if self.subscriptions else ''}"


class ReadingSource(Protocol):
    """A source of readings."""

    def read(self, query: ReadingQuery) -> ServerReading:
        """Request a reading and wait for it. Raises `Unreachable`."""
        ...


class MonitoringPort:
    """One server's monitoring port. Used from one thread."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        self._address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._link = (
            http.client.HTTPConnection(host, port, timeout=PATIENCE_SECONDS)
            if tls is None
            else http.client.HTTPSConnection(host, port, timeout=PATIENCE_SECONDS, context=tls)
        )
        self._meter = Meter()

    def read(self, query: ReadingQuery) -> ServerReading:
        """Request the current state. Raises `Unreachable`."""
        try:
            server = read_server(self._get("/varz"))
            at = time.monotonic()
            clients = read_clients(self._get(query.path))
        except InvalidAnswer as error:
            raise Unreachable(f"{self._address}: {error}") from error
        return self._meter.read(at, server, clients)

    def close(self) -> None:
        """Close the connection; the next reading opens a new one."""
        self._link.close()

    def _get(self, path: str) -> bytes:
        try:
            body, status = self._exchange(path)
        except (OSError, ValueError, http.client.HTTPException) as error:
            self._link.close()
            raise Unreachable(f"{self._address}: {_reason(error)}") from error
        if status != http.client.OK:
            text = body.decode("utf-8", "replace").strip().partition("\n")[0][:200]
            raise Unreachable(f"{self._address}{path.partition('?')[0]} answers {status}: {text}")
        return body

    def _exchange(self, path: str) -> tuple[bytes, int]:
        try:
            self._link.request("GET", path)
            response = self._link.getresponse()
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            # The server has closed an idle connection: retry once.
            self._link.close()
            self._link.request("GET", path)
            response = self._link.getresponse()
        body = response.read(MAX_ANSWER + 1)
        if len(body) > MAX_ANSWER:
            raise http.client.HTTPException(f"{path} is larger than {MAX_ANSWER >> 20} MiB: lower the limit")
        return body, response.status


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is refused: {error.verify_message}"
    if isinstance(error, TimeoutError):
        return f"no answer within {PATIENCE_SECONDS:g} s"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
