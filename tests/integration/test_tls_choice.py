"""Clients that begin with TLS, wait for INFO, or go without TLS, on listeners that let them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import nats
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from dependency_injector import providers

from app.config.options import make_options
from app.domain.security.certificate_key import key_pin
from app.entrypoints.container import Container
from tests.fakes.event_log import RecordingEventLog
from tests.support.certificates import KeyPair, certificates
from tests.support.held_clock import LIMIT
from tests.support.patience import PATIENCE
from tests.support.tls_link import TlsMemoryClient
from tests.support.tls_server import HOST, TlsServer, tls_server
from tests.support.tls_stream import TlsStream

pytestmark = pytest.mark.asyncio

LONG = "60s"
SHORT = "20ms"


@asynccontextmanager
async def listening(
    *,
    first: bool | str = False,
    patience: float = 10.0,
    **options: object,
) -> AsyncIterator[TlsServer]:
    """A server with this `handshake_first`."""
    files = certificates().files()
    section = {
        "cert_file": files.cert_file,
        "key_file": files.key_file,
        "timeout": patience,
        "handshake_first": first,
    }
    async with tls_server(None, patience, tls_section=section, **options) as server:
        yield server


def are_protected(server: TlsServer) -> list[bool]:
    """Whether the links of its clients use TLS."""
    sessions = server.container.broker().sessions.values()
    return [session.connection.wire.security is not None for session in sessions]


async def echoed(server: TlsServer, *, tls: bool = True, first: bool = False) -> bytes:
    """What a nats-py client gets of what it sends to itself."""
    context = certificates().client_context() if tls else None
    client = await nats.connect(
        f"{'tls' if tls else 'nats'}://localhost:{server.port}",
        tls=context,
        tls_handshake_first=first,
        allow_reconnect=False,
    )
    subscription = await client.subscribe("echo")
    await client.publish("echo", b"hello")
    message = await subscription.next_msg(PATIENCE)
    await client.close()
    return message.data


@pytest.mark.parametrize(
    ("first", "client_first"),
    [(True, True), ("auto", True), ("auto", False), (LONG, True), (SHORT, False)],
    ids=str,
)
async def test_nats_py(first: bool | str, client_first: bool) -> None:  # noqa: FBT001 - parameters
    """A client with `tls_handshake_first` is served at once, and one that waits for INFO where it may."""
    async with listening(first=first) as server:
        assert b"hello" == await echoed(server, first=client_first)


@pytest.mark.parametrize(
    ("first", "tls", "client_first", "protected"),
    [
        (False, False, False, False),
        (SHORT, False, False, False),
        (LONG, True, True, True),
        (False, True, False, False),
    ],
    ids=["clear", "clear after a wait", "handshake first", "handshake after INFO"],
)
async def test_nats_py_where_tls_is_optional(
    first: bool | str,  # noqa: FBT001 - a parameter
    *,
    tls: bool,
    client_first: bool,
    protected: bool,
) -> None:
    """With `allow_non_tls` it uses TLS only if it begins with it, whatever its URL says."""
    async with listening(first=first, allow_non_tls=True) as server:
        client = await nats.connect(
            f"{'tls' if tls else 'nats'}://localhost:{server.port}",
            tls=certificates().client_context() if tls else None,
            tls_handshake_first=client_first,
            allow_reconnect=False,
        )
        await client.flush()
        used = are_protected(server)
        await client.close()

    assert [protected] == used


async def test_tls_after_info_where_it_is_optional() -> None:
    """A client that begins the handshake after INFO shares the port with one that goes without."""
    async with listening(allow_non_tls=True) as server:
        other = await server.connect()
        await other.send(b'CONNECT {"verbose":false}\r\nPING\r\n')
        await other.expect(b"PONG\r\n")
        used = are_protected(server)
        assert b"hello" == await echoed(server, tls=False)

    assert [True] == used


async def test_info_comes_inside_tls() -> None:
    """With `handshake_first` the first byte of the server is one of TLS, and INFO the first line in it."""
    async with listening(first=True) as server:
        reader, writer = await asyncio.open_connection(HOST, server.port)
        stream = TlsStream(reader, writer, certificates().client_context())
        await stream.shake_hands()
        line = await asyncio.wait_for(stream.read(65536), PATIENCE)
        writer.close()

    assert json.loads(line.removeprefix(b"INFO "))["tls_required"] is True


@pytest.mark.parametrize("said", [b"CONNECT {}\r\nPING\r\n", b"\x16", b""], ids=["clear", "half", "silent"])
async def test_nothing_is_said_in_clear_text(said: bytes) -> None:
    """A client that makes no handshake is closed without a byte in clear text, and no other notices."""
    async with listening(first=True, patience=0.3) as server:
        reader, writer = await asyncio.open_connection(HOST, server.port)
        writer.write(said)
        heard = await asyncio.wait_for(reader.read(), PATIENCE)
        writer.close()
        assert b"hello" == await echoed(server, first=True)
        failures = [text for text in server.log.texts() if "handshake error" in text]

    assert heard == b""
    assert len(failures) == 1


async def test_info_where_tls_is_optional() -> None:
    """INFO says `tls_available`, and not that TLS is required."""
    async with listening(allow_non_tls=True, compatibility="current") as server:
        reader, writer = await asyncio.open_connection(HOST, server.port)
        line = await asyncio.wait_for(reader.readline(), PATIENCE)
        writer.close()

    info = json.loads(line.removeprefix(b"INFO "))
    assert info["tls_available"] is True
    assert not info.get("tls_required")


async def test_a_silent_client_is_one_without_tls() -> None:
    """A client that has not begun TLS in time is served in clear text."""
    async with listening(allow_non_tls=True, patience=0.1) as server:
        reader, writer = await asyncio.open_connection(HOST, server.port)
        await reader.readline()
        async with asyncio.timeout(PATIENCE):
            while not server.container.broker().sessions:  # noqa: ASYNC110 - the broker has no event
                await asyncio.sleep(0.001)
        writer.write(b"PING\r\n")
        answer = await asyncio.wait_for(reader.readline(), PATIENCE)
        writer.close()

    assert answer == b"PONG\r\n"


async def test_clear_text_where_tls_is_required() -> None:
    """After the wait of `auto` TLS is required as without it."""
    async with listening(first="auto") as server:
        reader, writer = await asyncio.open_connection(HOST, server.port)
        writer.write(b"CONNECT {}\r\n")
        greeting = await asyncio.wait_for(reader.readline(), PATIENCE)
        refusal = await asyncio.wait_for(reader.readline(), PATIENCE)
        with suppress(ConnectionError):
            writer.close()

    assert greeting.startswith(b"INFO ")
    assert refusal == b"-ERR 'Secure Connection - TLS Required'\r\n"


# --- half handshakes, on each kind of listener ---------------------------------------------------

HALF_HANDSHAKES = 300
REFUSAL = b"-ERR 'Secure Connection - TLS Required'\r\n"
LISTENERS = pytest.mark.parametrize(
    ("first", "optional"), [(True, False), ("auto", False), (False, True), ("5s", True)], ids=str
)


@LISTENERS
@pytest.mark.parametrize("said", [b"\x16", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(9)])
async def test_half_a_handshake_is_given_up(first: bool | str, optional: bool, said: bytes) -> None:  # noqa: FBT001 - parameters
    """A client that stops within its handshake is closed in time, without clear text after INFO."""
    async with listening(first=first, allow_non_tls=optional, patience=LIMIT) as server:
        reader, writer = await asyncio.open_connection(HOST, server.port)
        writer.write(said)
        assert b"hello" == await echoed(server, first=first is not False)
        await server.clock.run_out()
        heard = await asyncio.wait_for(reader.read(), PATIENCE)
        writer.close()

        failures = [text for text in server.log.texts() if "handshake error" in text]

    assert heard == b"" or (first is False and heard.startswith(b"INFO ") and heard.count(b"\r\n") == 1)
    assert [text.rpartition(": ")[2] for text in failures] == ["timeout"]


@LISTENERS
async def test_many_half_handshakes(first: bool | str, optional: bool) -> None:  # noqa: FBT001 - parameters
    """They are all given up, another client is served meanwhile, and nothing of them is left."""
    async with listening(first=first, allow_non_tls=optional, patience=LIMIT) as server:
        links = [await asyncio.open_connection(HOST, server.port) for _ in range(HALF_HANDSHAKES)]
        for number, (_, writer) in enumerate(links):
            writer.write(b"\x16\x03\x01\x02\x00\x01"[: 1 + number % 6])
        endings = asyncio.gather(*(reader.read() for reader, _ in links), return_exceptions=True)
        served = await echoed(server, first=first is not False)
        async with asyncio.timeout(PATIENCE):
            await server.clock.run_out(HALF_HANDSHAKES)
            await endings
            for _, writer in links:
                writer.transport.abort()
            while server.container.broker().wires.left:  # noqa: ASYNC110 - the broker has no event
                await asyncio.sleep(0.001)

    assert served == b"hello"


# --- pinned certificates -----------------------------------------------------------------


def pin_of(pair: KeyPair) -> str:
    """The pin of a certificate."""
    certificate = x509.load_pem_x509_certificate(Path(pair.cert_file).read_bytes())
    return key_pin(certificate.public_bytes(Encoding.DER))


@pytest.mark.parametrize("pinned", [True, False])
async def test_pinned_certificates(pinned: bool) -> None:  # noqa: FBT001 - a parameter
    """A client whose key is pinned is served; another one of the same authority is closed, and logged."""
    made = certificates()
    section = {
        "cert_file": made.server.cert_file,
        "key_file": made.server.key_file,
        "ca_file": made.authority.ca_file,
        "verify": True,
        "pinned_certs": (pin_of(made.client if pinned else made.server).upper(),),
        "timeout": 10.0,
    }
    async with tls_server(None, tls_section=section) as server:
        reader, writer = await server.link()
        stream = TlsStream(reader, writer, made.client_context(made.client))
        await stream.shake_hands()
        stream.write(b"PING\r\n")
        with suppress(ConnectionError):
            assert await asyncio.wait_for(stream.read(64), PATIENCE) == (b"PONG\r\n" if pinned else b"")
        writer.close()
        complaints = server.complaints()

    assert complaints == ([] if pinned else ["TLS handshake error: certificate not pinned"])


# --- other listeners -------------------------------------------------------------------------


@asynccontextmanager
async def protected_websockets(**tls: object) -> AsyncIterator[tuple[int, RecordingEventLog]]:
    """A server for websockets over TLS: its port, and its log."""
    files = certificates().files()
    section = {"cert_file": files.cert_file, "key_file": files.key_file, "timeout": 0.3, **tls}
    websocket = {"host": HOST, "port": -1, "tls": section}
    container = Container(make_options({"host": HOST, "port": -1, "websocket": websocket}))
    log = RecordingEventLog(trace=False)
    container.event_log.override(providers.Object(log))
    service = container.service()
    port = (await service.start()).clients[1].port
    try:
        yield port, log
    finally:
        await service.stop()
        await service.departed()


@pytest.mark.parametrize(
    ("said", "answer", "reason"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", REFUSAL, "first record does not look like a TLS handshake"),
        (b"\x16\x03\x01", b"", "timeout"),
        (b"", REFUSAL, "timeout"),
    ],
    ids=["clear", "half", "silent"],
)
async def test_a_websocket_port_with_tls(said: bytes, answer: bytes, reason: str) -> None:
    """Clear text, half a handshake and silence at a websocket port with TLS end that link alone."""
    async with protected_websockets() as (port, log):
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(said)
        heard = await asyncio.wait_for(reader.read(), PATIENCE)
        writer.close()

    assert heard == answer
    (complaint,) = [text for text in log.texts() if "handshake error" in text]
    assert complaint.endswith(reason)


async def test_pins_at_a_websocket_port() -> None:
    """A websocket client whose key is not pinned is closed after the handshake."""
    made = certificates()
    tls = {"ca_file": made.authority.ca_file, "verify": True, "pinned_certs": ("0" * 64,), "timeout": 10.0}
    async with protected_websockets(**tls) as (port, log):
        reader, writer = await asyncio.open_connection(HOST, port)
        stream = TlsStream(reader, writer, made.client_context(made.client))
        await stream.shake_hands()
        with suppress(ConnectionError):
            assert await asyncio.wait_for(stream.read(64), PATIENCE) == b""
        writer.close()

    (complaint,) = [text for text in log.texts() if "handshake error" in text]
    assert complaint.endswith("certificate not pinned")


async def test_a_handshake_at_a_port_without_tls() -> None:
    """A client that begins TLS where there is none is closed, and nothing like TLS is sent to it."""
    container = Container(make_options({"host": HOST, "port": -1}))
    container.event_log.override(providers.Object(RecordingEventLog()))
    service = container.service()
    port = (await service.start()).clients[0].port
    reader, writer = await asyncio.open_connection(HOST, port)
    await reader.readline()

    writer.write(TlsMemoryClient().shake())
    heard = await asyncio.wait_for(reader.read(), PATIENCE)
    writer.close()
    await service.stop()
    await service.departed()

    assert heard.startswith(b"-ERR 'Unknown Protocol Operation'\r\n")
