"""What TCP adds to the promises of a transport: hosts, ports, descriptors."""

import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from operator import attrgetter
from pathlib import Path

import pytest

from app.adapters.net_asyncio.listening_socket import listening_socket
from app.ports.transport import Address, ListenError
from tests.support.patience import PATIENCE
from tests.support.starved_listener import DESCRIPTORS, GREETING
from tests.support.transport_harness import LOOPBACK, TCP, Transport, TransportHarness

ROOT = Path(__file__).parents[2]

over_tcp = pytest.mark.parametrize("transport", TCP, ids=attrgetter("name"))


@over_tcp
@pytest.mark.parametrize("host", ["0.0.0.0", "::", ""])  # noqa: S104 - the very matter
@pytest.mark.parametrize("via", [LOOPBACK, "::1"])
def test_a_wildcard_host_takes_both_families(transport: Transport, host: str, via: str) -> None:
    """Listening on every address takes IPv4 and IPv6, and names each peer in its own notation."""
    if via == "::1" and not socket.has_dualstack_ipv6():
        pytest.skip("this system has no IPv6")

    async def scenario(harness: TransportHarness) -> None:
        acceptor = harness.acceptor()
        address = await harness.listener(host).start(acceptor)
        peer = await harness.connect(Address(via, address.port))
        await harness.until(lambda: len(acceptor.handlers) == 1)

        assert address.host == host
        assert acceptor.handlers[0].wire.peer.ip == via
        assert acceptor.handlers[0].wire.peer.port == peer.port

    transport.run(scenario)


@over_tcp
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux reports what a peer has not taken")
def test_what_the_peer_has_not_taken(transport: Transport) -> None:
    """Bytes that the system took from us count as untaken until the peer reads."""

    async def scenario(harness: TransportHarness) -> None:
        acceptor = harness.acceptor()
        peer = await harness.connect(await harness.listener().start(acceptor))
        await harness.until(lambda: len(acceptor.handlers) == 1)
        wire = acceptor.handlers[0].wire
        before = wire.untaken()
        wire.write(8 * 1024 * 1024 * b"x")
        await harness.until(lambda: wire.pending() > 0 and wire.untaken() > 0)
        await peer.read(8 * 1024 * 1024)
        await harness.until(lambda: wire.pending() == 0 and wire.untaken() == 0)

        assert 0 == before

    transport.run(scenario)


@over_tcp
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_host_may_be_an_address_or_a_name(transport: Transport, host: str) -> None:
    """A name is resolved, and stands for its IPv4 address if it has one."""

    async def scenario(harness: TransportHarness) -> None:
        acceptor = harness.acceptor()
        address = await harness.listener(host).start(acceptor)
        await harness.connect(Address(LOOPBACK, address.port))
        await harness.until(lambda: len(acceptor.handlers) == 1)

        assert address.host == host

    transport.run(scenario)


@over_tcp
@pytest.mark.parametrize(
    ("host", "port", "why"),
    [
        ("no.such.host.invalid", -1, "no such host"),
        ("a" * 70 + ".invalid", -1, "no such host"),
        ("192.0.2.1", -1, "cannot assign requested address"),
        (LOOPBACK, 65536, "port must be between 1 and 65535, or -1 for any free port"),
        (LOOPBACK, -2, "port must be between 1 and 65535, or -1 for any free port"),
    ],
)
def test_an_impossible_address_is_refused_in_plain_words(
    transport: Transport, host: str, port: int, why: str
) -> None:
    """An address that cannot be listened on fails with the reason, as people say it."""

    async def scenario(harness: TransportHarness) -> None:
        with pytest.raises(ListenError) as refusal:
            await harness.listener(host, port).start(harness.acceptor())

        assert str(refusal.value) == why

    transport.run(scenario)


@over_tcp
def test_sockets_answer_at_once_and_ports_are_free_again_at_once(transport: Transport) -> None:
    """Small writes are not held back, and a port can be taken over from links that linger."""

    async def scenario(harness: TransportHarness) -> None:
        del harness
        with await listening_socket(LOOPBACK, -1, backlog=1) as listening:
            assert listening.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert listening.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)

    transport.run(scenario)


@contextmanager
def _starved_listener(transport: Transport) -> Iterator[tuple[int, Iterator[str]]]:
    """A listener short of descriptors: its port, and the lines it reports failed accepts with."""
    program = [sys.executable, "-m", "tests.support.starved_listener", transport.name.removeprefix("tcp-")]
    with subprocess.Popen(
        program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        with process.stdin:
            yield int(process.stdout.readline()), process.stdout


@over_tcp
def test_running_out_of_descriptors_is_endured(transport: Transport) -> None:
    """Without descriptors, accepting is tried ever more rarely; peers wait, and are served in the end."""
    with _starved_listener(transport) as (port, reports), ExitStack() as stack:
        peers = [
            stack.enter_context(socket.create_connection((LOOPBACK, port), timeout=PATIENCE))
            for _ in range(DESCRIPTORS + DESCRIPTORS // 2)
        ]
        delays = [next(reports).split(maxsplit=1) for _ in range(8)]
        greeted, _, _ = select.select(peers, [], [], 0)
        waiting = [peer for peer in peers if peer not in greeted]
        for peer in greeted:
            peer.close()
        greetings = [peer.recv(len(GREETING)) for peer in waiting]

    assert [int(delay) for delay, _ in delays] == [10, 20, 40, 80, 160, 320, 640, 1000]
    assert {reason for _, reason in delays} == {"too many open files\n"}
    assert DESCRIPTORS // 2 < len(greeted) < DESCRIPTORS
    assert greetings == [GREETING] * len(waiting)
