"""Users by certificate over TLS and over protected websockets, and users for clients without credentials."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import nats
import pytest
from dependency_injector import providers
from nats.aio.client import Client
from nats.errors import Error
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from app.config.options import make_options
from app.domain.broker import Broker
from app.entrypoints.container import Container
from app.entrypoints.service import Addresses
from tests.fakes.event_log import RecordingEventLog
from tests.support.certificates import KeyPair, certificates
from tests.support.patience import PATIENCE
from tests.support.tls_stream import TlsStream
from tests.support.twins import twins

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.parametrize("twin", twins()),
    pytest.mark.parametrize("compatibility", ["current", "0.8.0"]),
]

HOST = "127.0.0.1"
VIOLATION = b"-ERR 'Authorization Violation'\r\n"
PONG = b"PONG\r\n"
NAMED = "CN=derek,OU=Tests,O=Example"


class Rig:
    """A running server, and its clients."""

    def __init__(self, broker: Broker, log: RecordingEventLog, addresses: Addresses) -> None:
        self.broker = broker
        self.log = log
        self.tcp, *others = (address.port for address in addresses.clients)
        self.web = others[0] if others else 0

    @property
    def user(self) -> str:
        """Of the latest client."""
        return list(self.broker.sessions.values())[-1].profile.user

    async def over_tcp(self, connect: dict[str, str], pair: KeyPair | None, *, tls: bool = True) -> bytes:
        """The answer to a CONNECT and a PING, and the name under which the client is known."""
        reader, writer = await asyncio.open_connection(HOST, self.tcp)
        await reader.readline()
        if tls:
            stream = TlsStream(reader, writer, certificates().client_context(pair))
            await stream.shake_hands()
            stream.write(line(connect))
            answer = await asyncio.wait_for(stream.read(4096), PATIENCE)
        else:
            writer.write(line(connect))
            answer = await asyncio.wait_for(reader.readline(), PATIENCE)
        user = self.user.encode() if answer == PONG else answer
        writer.transport.abort()
        return user

    async def over_websocket(self, asked: dict[str, str], tls: ssl.SSLContext | None) -> bytes:
        """The same over a websocket."""
        scheme = "ws" if tls is None else "wss"
        async with connect(f"{scheme}://localhost:{self.web}", ssl=tls, host=HOST) as link:
            info = await link.recv(decode=False)
            assert info.startswith(b"INFO ")
            await link.send(line(asked))
            answer = b""
            try:
                while not answer.endswith((PONG, VIOLATION)):
                    answer += await asyncio.wait_for(link.recv(decode=False), PATIENCE)
            except ConnectionClosed:
                pass
            return self.user.encode() if answer == PONG else answer


def line(connect: dict[str, str]) -> bytes:
    """CONNECT with this, and a PING."""
    return b"CONNECT " + json.dumps({"verbose": False, **connect}).encode() + b"\r\nPING\r\n"


@asynccontextmanager
async def serve(twin: str, compatibility: str, **options: object) -> AsyncIterator[Rig]:
    """A server with these options."""
    given = {"host": HOST, "port": -1, "compatibility": compatibility, **options}
    container = Container(make_options(given), twin)
    log = RecordingEventLog(trace=False)
    container.event_log.override(providers.Object(log))
    service = container.service()
    addresses = await service.start()
    try:
        yield Rig(container.broker(), log, addresses)
    finally:
        await service.stop()
        await service.departed()


def tls(**more: object) -> dict[str, object]:
    """A section, with time enough on a busy machine."""
    files = certificates().files()
    pair = {"cert_file": files.cert_file, "key_file": files.key_file, "ca_file": files.ca_file}
    return {**pair, "timeout": 20, **more}


USERS = (
    {"user": "client@example.org"},
    {"user": NAMED, "password": "secret"},
    {"user": "bob", "password": "foo"},
    {"user": "guest"},
)


async def test_over_tls_and_websockets(twin: str, compatibility: str) -> None:
    """The certificate names the user at both listeners, and a password counts beside it."""
    mapped, ours = tls(verify_and_map=True), certificates()
    websocket = {"host": HOST, "port": -1, "tls": mapped}
    async with serve(
        twin, compatibility, authorization={"users": USERS}, tls=mapped, websocket=websocket
    ) as rig:
        for ask in (
            rig.over_tcp,
            lambda connect, pair: rig.over_websocket(connect, ours.client_context(pair)),
        ):
            assert b"client@example.org" == await ask({}, ours.client)
            assert b"client@example.org" == await ask({"user": "bob"}, ours.client)
            assert NAMED.encode() == await ask({"pass": "secret"}, ours.named_client)
            assert VIOLATION == await ask({}, ours.named_client)
            assert VIOLATION == await ask({"user": "bob", "pass": "foo"}, ours.client)
            assert VIOLATION == await ask({"user": "bob", "pass": "foo"}, ours.server)
    assert any("User required in certificate: localhost" in text for text in rig.log.texts())


async def test_with_a_client_library(twin: str, compatibility: str) -> None:
    """A current client needs nothing but its certificate."""
    mapped, ours = tls(verify_and_map=True), certificates()
    async with serve(twin, compatibility, authorization={"users": USERS}, tls=mapped) as rig:
        client = await nats.connect(
            f"tls://localhost:{rig.tcp}", tls=ours.client_context(ours.client), allow_reconnect=False
        )
        await client.flush()
        assert "client@example.org" == rig.user
        await client.close()


async def test_a_listener_without_certificates_beside(twin: str, compatibility: str) -> None:
    """There users have passwords, and the name of a certificate's user opens nothing."""
    websocket = {"host": HOST, "port": -1, "no_tls": True, "no_auth_user": "guest"}
    async with serve(
        twin,
        compatibility,
        authorization={"users": USERS},
        tls=tls(verify_and_map=True),
        websocket=websocket,
    ) as rig:
        assert b"bob" == await rig.over_websocket({"user": "bob", "pass": "foo"}, None)
        assert VIOLATION == await rig.over_websocket({"user": "client@example.org"}, None)
        assert b"guest" == await rig.over_websocket({}, None)
        assert VIOLATION == await rig.over_tcp({}, certificates().server)


async def test_clients_without_credentials(twin: str, compatibility: str) -> None:
    """They are the user that is named, over all listeners; INFO asks nobody for a login."""
    websocket = {"host": HOST, "port": -1, "no_tls": True}
    async with serve(
        twin, compatibility, authorization={"users": USERS}, no_auth_user="guest", websocket=websocket
    ) as rig:
        assert b"guest" == await rig.over_tcp({}, None, tls=False)
        assert b"bob" == await rig.over_tcp({"user": "bob", "pass": "foo"}, None, tls=False)
        assert VIOLATION == await rig.over_tcp({"user": "bob"}, None, tls=False)
        assert b"guest" == await rig.over_websocket({}, None)
        reader, writer = await asyncio.open_connection(HOST, rig.tcp)
        info = json.loads((await reader.readline())[5:])
        writer.write(b"PUB a 0\r\n\r\nPING\r\n")
        answers = [await asyncio.wait_for(reader.readline(), PATIENCE) for _ in range(2)]
        writer.transport.abort()

        assert not info.get("auth_required", False)
        assert [b"+OK\r\n", PONG] == answers


async def test_a_client_library_without_credentials(twin: str, compatibility: str) -> None:
    """It connects as that user, and is refused with a wrong password."""
    async with serve(twin, compatibility, authorization={"users": USERS}, no_auth_user="guest") as rig:
        client = await nats.connect(f"nats://{HOST}:{rig.tcp}", allow_reconnect=False)
        await client.flush()
        assert "guest" == rig.user
        await client.close()
        other = Client()
        with pytest.raises(Error, match="Authorization Violation"):
            await other.connect(f"nats://bob:wrong@{HOST}:{rig.tcp}", allow_reconnect=False)
        await other.close()
