"""What peers can do at will fills no log: of each kind of line a few pass, and the rest are counted."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from dependency_injector import providers

from app.adapters.clock_manual import ManualClock
from app.adapters.logs.rate_limit import LINES_PER_SECOND, FurtherErrors, RateLimitedEventLog
from app.config.options import make_options
from app.entrypoints.container import Container
from tests.fakes.event_log import RecordingEventLog
from tests.support.certificates import certificates
from tests.support.raw_client import DEADLINE

pytestmark = pytest.mark.asyncio

HOST = "127.0.0.1"
TIMES = 3 * LINES_PER_SECOND
HELD = TIMES - LINES_PER_SECOND
LOGIN = b'CONNECT {"verbose":false,"user":"u","pass":"p","headers":true}\r\n'
WEBSOCKET = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
RULES = {"publish": {"deny": "closed"}, "subscribe": {"deny": "closed"}}


class Flooded:
    """A server whose log is limited in a time that does not pass."""

    def __init__(self, **options: object) -> None:
        self.clock = ManualClock()
        self.lines = RecordingEventLog(debug=False, trace=False)
        self.container = Container(make_options({"host": HOST, "port": -1, **options}))
        self.container.event_log.override(
            providers.Object(RateLimitedEventLog(self.lines, lambda: self.clock))
        )
        self.ports: list[int] = []

    async def say(self, data: bytes, end: bytes = b"", port: int = 0) -> None:
        """Connect, send, and read up to `end`, or to the end."""
        reader, writer = await asyncio.open_connection(HOST, self.ports[port])
        writer.write(data)
        try:
            async with asyncio.timeout(DEADLINE):
                await (reader.readuntil(end) if end else reader.read())
        except ConnectionError:
            pass
        finally:
            writer.transport.abort()

    async def repeat(self, data: bytes, port: int = 0) -> None:
        """The same from many connections, one after the other."""
        for _ in range(TIMES):
            await self.say(data, port=port)


@asynccontextmanager
async def _flooded(**options: object) -> AsyncIterator[Flooded]:
    server = Flooded(**options)
    service = server.container.service()
    server.ports = [address.port for address in (await service.start()).clients]
    try:
        yield server
    finally:
        await service.stop()
        await service.departed()


Cause = Callable[[Flooded], Awaitable[None]]


def _in_a_row(lines: bytes) -> Cause:
    """One client sends the same again and again, and stays."""

    async def cause(server: Flooded) -> None:
        await server.say(LOGIN + TIMES * lines + b"PING\r\n", end=b"PONG\r\n")

    return cause


def _from_many(data: bytes, port: int = 0) -> Cause:
    """Many clients, each of which is closed for it."""

    async def cause(server: Flooded) -> None:
        await server.repeat(data, port)

    return cause


@dataclass(frozen=True)
class Flood:
    """What peers do, and which events it causes."""

    cause: Cause
    event: str
    options: Mapping[str, object] = field(default_factory=dict)


def _users() -> dict[str, object]:
    return {"authorization": {"users": [{"user": "u", "password": "p", "permissions": RULES}]}}


def _tls() -> dict[str, object]:
    files = certificates().files()
    return {"tls": {"cert_file": files.cert_file, "key_file": files.key_file, "timeout": 10}}


WEB = {"websocket": {"host": HOST, "port": -1, "no_tls": True}}
WRONG = b'CONNECT {"verbose":false,"user":"u","pass":"wrong"}\r\n'
QUIET = b'CONNECT {"verbose":false}\r\n'

FLOODS = {
    "denied messages": Flood(_in_a_row(b"PUB closed 0\r\n\r\n"), "PublishDenied", _users()),
    "denied replies": Flood(_in_a_row(b"PUB a _R_.x 0\r\n\r\n"), "PublishDenied", _users()),
    "denied headers": Flood(
        _in_a_row(b"HPUB closed 12 12\r\nNATS/1.0\r\n\r\n\r\n"), "PublishDenied", _users()
    ),
    "denied subscriptions": Flood(_in_a_row(b"SUB closed 1\r\n"), "SubscriptionDenied", _users()),
    "wrong logins": Flood(_from_many(WRONG), "AuthorizationFailed", _users()),
    "no logins": Flood(_from_many(b"PING\r\n"), "AuthorizationFailed", _users()),
    "garbage": Flood(_from_many(QUIET + b"GARBAGE\r\n"), "ReadFailed"),
    "long lines": Flood(_from_many(QUIET + b"SUB " + 9000 * b"a" + b" 1\r\n"), "ReadFailed"),
    "large payloads": Flood(_from_many(QUIET + b"PUB a 99999999\r\n"), "PayloadExceeded"),
    "errors of clients": Flood(_from_many(QUIET + b"-ERR 'x'\r\n"), "ClientReportedError"),
    "websockets that are refused": Flood(
        _from_many(b"GET /mqtt HTTP/1.1\r\n\r\n", port=1), "WebsocketRefused", WEB
    ),
    "frames that lie": Flood(_from_many(WEBSOCKET + b"\x82\x01x", port=1), "WebsocketBroken", WEB),
    "handshakes that fail": Flood(_from_many(b"\x16\x03\x01\0\x05hello"), "HandshakeFailed", _tls()),
    "no handshakes": Flood(_from_many(QUIET), "HandshakeFailed", _tls()),
}


@pytest.mark.parametrize("name", FLOODS)
async def test_floods(name: str) -> None:
    """The first lines of a second pass; then one line has the number of the others and the last of them."""
    flood = FLOODS[name]
    async with _flooded(**flood.options) as server:
        await flood.cause(server)
        passed = [fact for fact in server.lines.events if type(fact).__name__ == flood.event]
        server.clock.advance(1.0)
        rest = [fact for fact in server.lines.of(FurtherErrors) if fact.kind == flood.event]

        assert (LINES_PER_SECOND, [HELD]) == (len(passed), [fact.count for fact in rest])


async def test_too_many_connections() -> None:
    """Clients above the limit of connections fill no log either."""
    async with _flooded(max_connections=1) as server:
        _, writer = await asyncio.open_connection(HOST, server.ports[0])
        await server.repeat(b"")
        server.clock.advance(1.0)
        writer.transport.abort()

        passed = [fact for fact in server.lines.events if type(fact).__name__ == "ConnectionsExceeded"]
        rest = [fact.count for fact in server.lines.of(FurtherErrors) if fact.kind == "ConnectionsExceeded"]
        assert TIMES == len(passed) + sum(rest)
        assert LINES_PER_SECOND == len(passed)
