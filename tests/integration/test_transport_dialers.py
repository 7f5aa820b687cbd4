"""Every dialer keeps the promises of ``app/ports/transport.py``."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from app.domain.sessions.wire import Wire
from tests.fakes.handler import ReceiveRoom, RecordingHandler
from tests.support.certificates import certificates
from tests.support.transport_harness import LOOPBACK, MEMORY, PAYLOAD, TCP, TLS, TransportHarness, over_every

DIALED = [transport for transport in TCP + TLS if transport.tls != "greeting"]

over_every_dialer = over_every([*DIALED, *(memory for memory in MEMORY if not memory.tls)])
over_protected_dialers = over_every([transport for transport in DIALED if transport.tls])
over_tcp_dialers = over_every(DIALED)


@asynccontextmanager
async def other_server(words: bytes = b"") -> AsyncIterator[int]:
    """The port of a server that is none of ours: it says these words to its one peer, and then nothing."""
    done = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(words)
        with suppress(ConnectionError):
            await reader.read()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        done.set()

    async with await asyncio.start_server(serve, LOOPBACK, 0) as server:
        yield server.sockets[0].getsockname()[1]
        await done.wait()


@over_every_dialer
async def test_a_dialed_link_carries_bytes_both_ways(harness: TransportHarness) -> None:
    """Both acceptors are called once, later, and what they write arrives; nobody is refused."""
    accepted = await harness.serve()
    dialed, refusals = harness.acceptor(), list[str]()

    harness.dialer().dial(harness.address.host, harness.address.port, dialed, refusals.append)
    dialed_at_once = len(dialed.handlers)
    await harness.until(lambda: bool(dialed.handlers and accepted.handlers))
    near, far = dialed.handlers[0], accepted.handlers[0]
    near.wire.write(PAYLOAD[:100_000])
    far.wire.write(b"INFO {}\r\n")
    await harness.until(lambda: len(far.data) == 100_000 and near.data == b"INFO {}\r\n")

    assert dialed_at_once == 0
    assert far.data == PAYLOAD[:100_000]
    assert near.wire.peer.port == harness.address.port
    assert (near.open, far.open) == (True, True)
    assert near.wire.security == far.wire.security
    assert (near.wire.security is not None) == bool(harness.transport.tls)
    assert refusals == []


@over_every_dialer
async def test_a_dial_to_nobody_is_refused_later(harness: TransportHarness) -> None:
    """Where nobody listens the refusal comes once, in plain words, and after the call."""
    listener = harness.listener()
    address = await listener.start(harness.acceptor())
    await listener.close()
    dialed, refusals = harness.acceptor(), harness.notes()

    harness.dialer().dial(address.host, address.port, dialed, refusals.append)
    refused_at_once = list(refusals)
    await harness.until(lambda: bool(refusals))

    assert refused_at_once == []
    assert refusals == ["connection refused"]
    assert dialed.handlers == []


@over_every_dialer
async def test_a_closed_dialer_calls_nobody(harness: TransportHarness) -> None:
    """What was under way is given up without a word; links that are open go on."""
    await harness.serve()
    dialer, dialed, late, refusals = harness.dialer(), harness.acceptor(), harness.acceptor(), harness.notes()
    dialer.dial(harness.address.host, harness.address.port, dialed, refusals.append)
    await harness.until(lambda: bool(dialed.handlers))

    dialer.dial(harness.address.host, harness.address.port, late, refusals.append)
    dialer.close()
    await harness.round_trip()

    assert late.handlers == []
    assert refusals == []
    assert dialed.handlers[0].calls == []


@over_tcp_dialers
async def test_a_dial_ends_within_its_time(harness: TransportHarness) -> None:
    """A server that takes the link and then is silent is given up; a plain link is one already."""
    dialed, refusals = harness.acceptor(), harness.notes()
    async with other_server() as port:
        harness.dialer().dial(LOOPBACK, port, dialed, refusals.append)
        await harness.until(lambda: bool(dialed.handlers or refusals))
        for handler in dialed.handlers:
            handler.wire.abort()

    assert refusals == (["timeout"] if harness.transport.tls else [])


@over_tcp_dialers
async def test_hosts_that_cannot_be_dialed_are_refused_in_plain_words(harness: TransportHarness) -> None:
    """A name that is none, and a port that is none, are refusals and no defects."""
    refusals = harness.notes()

    for host, port in (("no.such.host.invalid", 1), ("a" * 70 + ".b", 1), ("a\0b", 1), (LOOPBACK, 65536)):
        harness.dialer().dial(host, port, harness.acceptor(), refusals.append)
    await harness.until(lambda: len(refusals) == 4)

    assert sorted(refusals) == ["no such host"] * 3 + ["port must be between 1 and 65535"]


@over_tcp_dialers
async def test_a_name_is_resolved(harness: TransportHarness) -> None:
    """A host may be dialed by its name; each of its addresses is tried."""
    accepted = await harness.serve()
    dialed, refusals = harness.acceptor(), harness.notes()

    harness.dialer().dial("localhost", harness.address.port, dialed, refusals.append)
    await harness.until(lambda: bool((dialed.handlers and accepted.handlers) or refusals))

    assert refusals == []


@over_tcp_dialers
async def test_a_defect_in_the_acceptor_of_a_dial_is_reported(harness: TransportHarness) -> None:
    """It ends that link, and the dialer goes on."""

    def fail(wire: Wire, room: ReceiveRoom, on_change: Callable[[], None]) -> RecordingHandler:
        if not harness.failures:
            raise ZeroDivisionError
        return RecordingHandler(wire, room, on_change)

    accepted = await harness.serve()
    dialer, dialed, refusals = harness.dialer(), harness.acceptor(fail), harness.notes()

    dialer.dial(harness.address.host, harness.address.port, dialed, refusals.append)
    await harness.until(lambda: bool(harness.failures))
    dialer.dial(harness.address.host, harness.address.port, dialed, refusals.append)
    await harness.until(lambda: bool(dialed.handlers) and len(accepted.handlers) == 2)

    assert isinstance(harness.failures.pop(), ZeroDivisionError)
    assert refusals == []


@over_protected_dialers
async def test_a_server_of_another_name_is_refused(harness: TransportHarness) -> None:
    """The certificate must bear the host that was dialed."""
    await harness.serve(pair=certificates().client)
    dialed, refusals = harness.acceptor(), harness.notes()

    harness.dialer().dial(LOOPBACK, harness.address.port, dialed, refusals.append)
    await harness.until(lambda: bool(refusals))
    await harness.round_trip()

    assert dialed.handlers == []
    assert refusals[0].startswith("TLS handshake error: certificate verify failed: IP address mismatch")


@over_protected_dialers
async def test_a_server_that_expired_is_refused(harness: TransportHarness) -> None:
    """A server whose certificate has expired is not dialled."""
    await harness.serve(pair=certificates().expired_server)
    refusals = harness.notes()

    harness.dialer().dial(LOOPBACK, harness.address.port, harness.acceptor(), refusals.append)
    await harness.until(lambda: bool(refusals))
    await harness.round_trip()

    assert refusals == ["TLS handshake error: certificate verify failed: certificate has expired"]


@over_protected_dialers
async def test_another_authority_is_refused(harness: TransportHarness) -> None:
    """A dialed server's certificate must come from an authority that is trusted."""
    await harness.serve()
    refusals = harness.notes()

    harness.dialer(trusting=certificates().untrusted).dial(
        LOOPBACK, harness.address.port, harness.acceptor(), refusals.append
    )
    await harness.until(lambda: bool(refusals))
    await harness.round_trip()

    assert len(refusals) == 1
    assert refusals[0].startswith("TLS handshake error: certificate verify failed: ")


@over_protected_dialers
async def test_a_plain_server_is_refused(harness: TransportHarness) -> None:
    """What answers in clear text is no protected link."""
    dialed, refusals = harness.acceptor(), harness.notes()
    async with other_server(b"INFO {}\r\n") as port:
        harness.dialer().dial(LOOPBACK, port, dialed, refusals.append)
        await harness.until(lambda: bool(refusals))

    assert refusals == ["TLS handshake error: first record does not look like a TLS handshake"]
    assert dialed.handlers == []
