"""Clients over TLS: who is let in, who is turned away, and what the others notice of it."""

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress

import nats
import pytest
import pytest_asyncio

from app.domain.security.link_security import Security
from tests.support.certificates import KeyPair, certificates
from tests.support.held_clock import LIMIT
from tests.support.patience import PATIENCE
from tests.support.raw_client import RawClient
from tests.support.tls_server import HOST, TlsServer, tls_server
from tests.support.tls_stream import TlsStream

pytestmark = pytest.mark.asyncio

REFUSAL = b"-ERR 'Secure Connection - TLS Required'\r\n"
DEADLINE = PATIENCE
LARGE = bytes(range(256)) * 4000
HALF_HANDSHAKES = 1000


@pytest_asyncio.fixture(name="server")
async def _server() -> AsyncIterator[TlsServer]:
    async with tls_server() as server:
        yield server


@pytest_asyncio.fixture(name="hasty")
async def _hasty() -> AsyncIterator[TlsServer]:
    """A server whose limit for handshakes is over when a test says so."""
    async with tls_server(patience=LIMIT) as server:
        yield server


@contextmanager
def quiet_nats() -> Iterator[None]:
    """Bear with nats-py, whose protocol answers asyncio's TLS in a way that asyncio logs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield


async def subscribed(server: TlsServer) -> RawClient:
    """A client that has subscribed to ``a``."""
    client = await server.connect()
    await client.send(b'CONNECT {"verbose":false}\r\nSUB a 1\r\n')
    await client.fence()
    return client


async def exchange(url: str, context: ssl.SSLContext, data: bytes) -> bytes:
    """What comes back when a nats-py client sends this to itself."""
    client = await nats.connect(url, tls=context, allow_reconnect=False)
    subscription = await client.subscribe("echo")
    await client.publish("echo", data)
    message = await subscription.next_msg(DEADLINE)
    await client.close()
    return message.data


# --- who is let in -----------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"hello", LARGE], ids=["small", "large"])
async def test_nats_py_over_tls(server: TlsServer, data: bytes) -> None:
    """The client of today finds in INFO that TLS is needed, and messages of any size come and go."""
    with quiet_nats():
        assert data == await exchange(f"tls://localhost:{server.port}", certificates().client_context(), data)


async def test_nats_py_with_a_certificate() -> None:
    """Where clients are verified, one with a certificate of the authority is served."""
    async with tls_server(certificates().files(verify=True)) as server:
        context = certificates().client_context(certificates().client)
        with quiet_nats():
            assert b"x" == await exchange(f"tls://localhost:{server.port}", context, b"x")


async def test_what_info_says(server: TlsServer) -> None:
    """INFO comes in clear text and says that TLS is required; there is no second one."""
    reader, writer = await asyncio.open_connection(HOST, server.port)
    line = await reader.readline()
    stream = TlsStream(reader, writer, certificates().client_context())
    await stream.shake_hands()
    client = RawClient(stream, stream, writer.transport.abort)
    server.clients.append(client)

    assert b'"ssl_required":true,"tls_required":true,"tls_verify":false' in line
    await client.send(b"PING\r\n")
    await client.expect(b"PONG\r\n")


async def test_the_log_and_the_figures_name_what_was_agreed(server: TlsServer) -> None:
    """Each link is logged in the words of gnatsd, and its figures name version and suite."""
    await subscribed(server)

    agreed = Security("1.3", "TLS_AES_256_GCM_SHA384")
    assert [
        "Client connection created",
        "Starting TLS client connection handshake",
        "TLS handshake complete",
        "TLS version 1.3, cipher suite TLS_AES_256_GCM_SHA384",
    ] == server.log.texts()[-4:]
    assert "TLS required for client connections" in server.log.texts()
    [session] = server.container.broker().sessions.values()
    assert agreed == session.stats().connection.security


async def test_a_login_over_tls() -> None:
    """Credentials are checked after the handshake, and the time for them starts there."""
    login = {"user": "derek", "password": "T0pS3cr3t", "timeout": 0.3}
    async with tls_server(authorization=login) as server:
        reader, writer = await server.link()
        idle = await server.connect()
        await idle.expect_end(b"-ERR 'Authorization Timeout'\r\n")

        stream = TlsStream(reader, writer, certificates().client_context())
        await stream.shake_hands()
        slow = RawClient(stream, stream, writer.transport.abort)
        server.clients.append(slow)
        await slow.send(b'CONNECT {"verbose":true,"user":"derek","pass":"T0pS3cr3t"}\r\n')
        await slow.expect(b"+OK\r\n")


async def test_clients_of_any_age_share_a_server(server: TlsServer) -> None:
    """A client of TLS 1.2 and one of TLS 1.3 exchange messages."""
    old = certificates().client_context()
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    subscriber = await subscribed(server)
    publisher = await server.connect(old)

    await publisher.send(b'CONNECT {"verbose":false}\r\nPUB a 5\r\nhello\r\n')

    await subscriber.expect(b"MSG a 1 5\r\nhello\r\n")


async def test_an_rsa_certificate_serves_as_well() -> None:
    """The kind of key is the operator's choice."""
    async with tls_server(certificates().files(pair=certificates().rsa_server)) as server:
        client = await server.connect()

        await client.send(b"PING\r\n")
        await client.expect(b"PONG\r\n")


# --- who is turned away --------------------------------------------------------------------


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that the log or the broker shows."""
    async with asyncio.timeout(DEADLINE):
        while not condition():  # noqa: ASYNC110 - neither has an event
            await asyncio.sleep(0.001)


async def refused(server: TlsServer, context: ssl.SSLContext) -> str:
    """What the log says about a client that fails in its handshake."""
    reader, writer = await server.link()
    stream = TlsStream(reader, writer, context)
    with suppress(ssl.SSLError, ConnectionError):
        await stream.shake_hands()
        assert await stream.read(1) == b"", "the server talks to a client that should be refused"
    writer.transport.abort()
    await until(lambda: bool(server.complaints()))
    (complaint,) = server.complaints()
    return complaint.removeprefix("TLS handshake error: ")


@pytest.mark.parametrize(
    ("pair", "reason"),
    [
        (None, "peer did not return a certificate"),
        (
            certificates().untrusted_client,
            "certificate verify failed: unable to get local issuer certificate",
        ),
        (certificates().expired_client, "certificate verify failed: certificate has expired"),
        (certificates().self_signed, "certificate verify failed: self-signed certificate"),
    ],
    ids=["none", "of another authority", "expired", "self-signed"],
)
async def test_certificates_that_do_not_count(pair: KeyPair | None, reason: str) -> None:
    """A client without a good certificate is turned away with an alert, and the log says why."""
    async with tls_server(certificates().files(verify=True)) as server:
        witness = await server.connect(certificates().client_context(certificates().client))

        complaint = await refused(server, certificates().client_context(pair))

        assert reason == complaint
        await witness.send(b"PING\r\n")
        await witness.expect(b"PONG\r\n")


async def test_a_client_that_does_not_trust_us(server: TlsServer) -> None:
    """A client with another authority ends the handshake, which is one line here."""
    context = ssl.create_default_context(cafile=certificates().untrusted.ca_file)

    assert "unknown ca" in await refused(server, context)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_tls_1_1_is_refused(server: TlsServer) -> None:
    """A client that speaks nothing newer than TLS 1.1 gets an alert."""
    context = certificates().client_context()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1

    assert "unsupported protocol" == await refused(server, context)


async def test_weak_suites_are_refused(server: TlsServer) -> None:
    """A client that offers none of the good suites gets an alert."""
    context = certificates().client_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-ECDSA-AES128-SHA:AES128-SHA")

    assert "no shared cipher" == await refused(server, context)


async def test_a_plain_client_gets_the_reason(server: TlsServer) -> None:
    """CONNECT without a handshake is answered in clear text at once, and the link is closed."""
    reader, writer = await server.link()

    writer.write(b'CONNECT {"verbose":false}\r\nPING\r\n')

    assert REFUSAL == await reader.read()
    assert ["TLS handshake error: first record does not look like a TLS handshake"] == server.complaints()
    writer.transport.abort()


@pytest.mark.parametrize(
    ("said", "answer"),
    [(b"", REFUSAL), (b"\x16", b""), (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(9), b"")],
    ids=["nothing", "one byte", "half"],
)
async def test_half_a_handshake_is_given_up(hasty: TlsServer, said: bytes, answer: bytes) -> None:
    """Silence ends the link when the time is over; once a handshake was begun, without clear text."""
    witness = await subscribed(hasty)
    reader, writer = await hasty.link()

    writer.write(said)
    await witness.fence()
    await hasty.clock.run_out()
    heard = await reader.read()
    await witness.send(b"PUB a 5\r\nstill\r\n")

    assert answer == heard
    assert ["TLS handshake error: timeout"] == hasty.complaints()
    await witness.expect(b"MSG a 1 5\r\nstill\r\n")
    writer.transport.abort()


async def test_dripping_bytes_are_given_up(hasty: TlsServer) -> None:
    """A client that sends its handshake a byte at a time gets no longer than others."""
    witness = await subscribed(hasty)
    reader, writer = await hasty.link()
    heard = asyncio.ensure_future(reader.read())

    for piece in (b"\x16\x03\x01\x02\x00", bytes(20)):
        for value in piece:
            writer.write(bytes([value]))
            await witness.fence()  # the server has read it
        await hasty.clock.advance(LIMIT / 2)

    assert b"" == await heard
    assert ["TLS handshake error: timeout"] == hasty.complaints()
    writer.transport.abort()


async def test_a_thousand_half_handshakes(hasty: TlsServer) -> None:
    """They are all given up, and a witness is served meanwhile; nothing of them is left."""
    witness = await subscribed(hasty)

    links = await asyncio.gather(*(hasty.link() for _ in range(HALF_HANDSHAKES)))  # each waits for room
    for number, (_, writer) in enumerate(links):
        writer.write(b"\x16\x03\x01\x02\x00\x01"[: number % 7])
    answers = asyncio.gather(*(reader.read() for reader, _ in links), return_exceptions=True)
    await witness.fence()  # all of them were read before
    await hasty.clock.run_out(HALF_HANDSHAKES)
    while not answers.done():
        await witness.send(b"PUB a 5\r\nstill\r\n")
        await witness.expect(b"MSG a 1 5\r\nstill\r\n")
    for _, writer in links:
        writer.transport.abort()
    await until(lambda: hasty.container.broker().wires.left == 1)

    assert [b"" if number % 7 else REFUSAL for number in range(HALF_HANDSHAKES)] == await answers
    assert HALF_HANDSHAKES == len(hasty.complaints())


async def test_a_rush_of_clients(server: TlsServer) -> None:
    """Hundreds of clients that come at once are all let in, each when it is its turn."""
    contexts = [certificates().client_context() for _ in range(4)]

    clients = await asyncio.gather(*(server.connect(contexts[number % 4]) for number in range(300)))
    for client in clients:
        await client.send(b'CONNECT {"verbose":false}\r\n')
        await client.fence()

    assert [] == server.complaints()


# --- slow ones ---------------------------------------------------------------------------


async def test_a_slow_consumer_over_tls() -> None:
    """A subscriber that reads nothing is cut; a healthy one beside it loses nothing."""
    async with tls_server(max_pending_size=1_000_000, write_deadline=0.2) as server:
        stuck, healthy = await subscribed(server), await subscribed(server)
        publisher = await server.connect()
        message = b"PUB a 65536\r\n" + bytes(65536) + b"\r\n"
        delivered = b"MSG a 1 65536\r\n" + bytes(65536) + b"\r\n"

        sending = asyncio.ensure_future(publisher.flood(message, 300))
        got = await healthy.read_exactly(300 * len(delivered))
        await sending

        assert 300 * delivered == got
        assert 1 == server.container.broker().slow.closed
        assert any(text.startswith("Slow Consumer Detected") for text in server.log.texts())
        stuck.abort()


async def test_a_held_publisher_keeps_its_bytes(server: TlsServer) -> None:
    """What a publisher sent while its receiver lagged behind arrives whole and in order."""
    receiver, publisher = await subscribed(server), await server.connect()
    messages = [b"PUB a 100000\r\n%0100000d\r\n" % number for number in range(150)]
    delivered = [message.replace(b"PUB a", b"MSG a 1") for message in messages]

    sending = asyncio.ensure_future(publisher.send(b"".join(messages)))
    await asyncio.sleep(0)
    got = [await receiver.read_exactly(len(message)) for message in delivered]
    await sending

    assert delivered == got
