"""From the bytes of an HTTP request to a websocket, or to a refusal (RFC 6455, section 4).

The library `websockets` reads the request and negotiates; it is imported when the first
peer comes in, for a server without websockets does not need it. See docs/adr/0040.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from websockets.http11 import Request
    from websockets.server import ServerProtocol

REQUEST_BYTES = 16 * 1024
"""Bytes of a request with its headers, at most."""

_END = b"\r\n\r\n"
_NOT_SERVED = ("/mqtt", "/leafnode")
"""Paths at which nats-server offers other protocols."""
_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


@dataclass(frozen=True, slots=True)
class OriginRules:
    """Which web pages may connect. A peer that names no origin is no browser, and may."""

    same: bool = False
    """Only pages that come from the host and port which they connect to."""
    allowed: frozenset[tuple[str, str, int]] = field(default_factory=frozenset)
    """Scheme, host and port of the pages that may; all may if it is empty."""

    def refusal(self, origin: str | None, host: str | None, *, secure: bool) -> str:
        """Why a page of this origin may not connect; empty if it may."""
        if not origin or not (self.same or self.allowed):
            return ""
        try:
            scheme, name, port = parse_origin(origin)
            own = parse_origin(f"{'https' if secure else 'http'}://{host or ''}")
        except ValueError:
            return f"invalid origin {origin[:100]!r}"
        if self.same and (name, port) != own[1:]:
            return f"origin {origin[:100]!r} is not the same as {host!r}"
        if self.allowed and (scheme, name, port) not in self.allowed:
            return f"origin {origin[:100]!r} is not allowed"
        return ""


def parse_origin(text: str) -> tuple[str, str, int]:
    """Scheme, host and port of an origin. Raises `ValueError`."""
    parts = urlsplit(text)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError(f"must be written https://host or https://host:port, not {text!r}")
    return parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that gets no websocket."""

    status: HTTPStatus
    reason: str

    def response(self) -> bytes:
        """The whole answer."""
        body = f"{self.status.phrase}\n".encode()
        return (
            f"HTTP/1.1 {self.status.value} {self.status.phrase}\r\nSec-WebSocket-Version: 13\r\n"
            "X-Content-Type-Options: nosniff\r\nContent-Type: text/plain; charset=utf-8\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        ).encode() + body


@dataclass(frozen=True, slots=True)
class Upgrade:
    """A request that gets a websocket."""

    response: bytes
    rest: bytes
    """What the peer sent after its request."""
    deflate: bool
    window_bits: int
    """Logarithm of the window in which we may compress."""


Outcome = Upgrade | Refusal


class UpgradeRequest:
    """Collects the request of one peer."""

    __slots__ = ("_deflate", "_origins", "_received", "_secure")

    def __init__(self, origins: OriginRules, *, deflate: bool, secure: bool) -> None:
        self._origins = origins
        self._deflate = deflate
        self._secure = secure
        self._received = bytearray()

    def receive(self, data: bytes | memoryview) -> Outcome | None:
        """Take input; the outcome when it is clear."""
        known = max(0, len(self._received) - len(_END) + 1)
        self._received += data
        end = self._received.find(_END, known)
        if (end < 0 and len(self._received) > REQUEST_BYTES) or end > REQUEST_BYTES:
            return Refusal(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"request larger than {REQUEST_BYTES} bytes"
            )
        if end < 0:
            return None
        end += len(_END)
        return self._answer(bytes(self._received[:end]), bytes(self._received[end:]))

    def _answer(self, head: bytes, rest: bytes) -> Outcome:
        protocol = _protocol_maker()(deflate=self._deflate)
        protocol.receive_data(head)
        requests = [cast("Request", event) for event in protocol.events_received() if hasattr(event, "path")]
        if not requests:
            return Refusal(HTTPStatus.BAD_REQUEST, _plain(protocol.handshake_exc))
        return self._judge(protocol, requests[0], rest)

    def _judge(self, protocol: "ServerProtocol", request: "Request", rest: bytes) -> Outcome:
        path = request.path.partition("?")[0]
        if path.endswith(_NOT_SERVED):
            return Refusal(HTTPStatus.NOT_FOUND, f"nothing is served at {path[:100]!r}")
        if len(request.headers.get_all("Host")) != 1:
            return Refusal(HTTPStatus.BAD_REQUEST, "one header 'Host' is required")
        response = protocol.accept(request)
        if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
            return Refusal(HTTPStatus.BAD_REQUEST, _plain(protocol.handshake_exc))
        origins = request.headers.get_all("Origin")
        why = self._origins.refusal(
            ",".join(origins), request.headers.get_all("Host")[0], secure=self._secure
        )
        if why:
            return Refusal(HTTPStatus.FORBIDDEN, why)
        bits = [getattr(extension, "local_max_window_bits", 15) for extension in protocol.extensions]
        return Upgrade(response.serialize(), rest, bool(bits), bits[0] if bits else 15)


def _plain(error: Exception | None) -> str:
    """What is wrong with a request."""
    cause = error.__cause__ if error is not None and error.__cause__ is not None else error
    return str(cause or "no request")[:200]


@cache
def _protocol_maker() -> Callable[..., "ServerProtocol"]:
    """Makes the library's side of one handshake."""
    from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory  # noqa: PLC0415 - see above
    from websockets.server import ServerProtocol  # noqa: PLC0415

    # Nothing is kept between messages: an idle link needs no window, and each inflater starts empty.
    factory = ServerPerMessageDeflateFactory(server_no_context_takeover=True, client_no_context_takeover=True)

    def make(*, deflate: bool) -> ServerProtocol:
        return ServerProtocol(extensions=[factory] if deflate else None)

    return make
