"""One broker behind several client listeners, each with an address, TLS and layers of its own."""

import asyncio
import json
from collections.abc import AsyncIterator
from urllib.request import urlopen

import pytest
import pytest_asyncio
from dependency_injector import providers

from app.adapters.net_asyncio import TcpListener
from app.adapters.net_asyncio.tls_context import server_context
from app.adapters.net_asyncio.tls_layer import TlsLayers, TlsSettings
from app.adapters.net_memory import MemoryNetwork
from app.config.options import make_options
from app.domain.events import Listening
from app.entrypoints.container import Container
from app.entrypoints.service import Addresses, CannotStart, ClientListener
from app.ports.layers import LayerFactory
from app.testing import free_port
from tests.fakes.event_log import RecordingEventLog
from tests.fakes.layers import Framed
from tests.support.certificates import certificates
from tests.support.memory_client import open_connection
from tests.support.patience import PATIENCE
from tests.support.raw_client import RawClient
from tests.support.tls_stream import TlsStream

pytestmark = pytest.mark.asyncio

HOST = "127.0.0.1"


class Rig:
    """A server with a plain listener, one with TLS, and one in memory that frames its bytes."""

    def __init__(self, *, tls_port: int | None = None) -> None:
        plain, protected = free_port(), tls_port or free_port()
        self.log = RecordingEventLog(trace=False)
        self.container = Container(
            make_options({"compatibility": "0.8.0", "host": HOST, "port": -1, "http_port": -1})
        )
        self.container.event_log.override(providers.Object(self.log))
        self.network = MemoryNetwork(self.container.clock())
        self.tls = TlsLayers(TlsSettings(server_context(certificates().files()), 10.0, self.log.record))
        self.container.client_listeners.override(
            providers.Object(
                [
                    ClientListener(self._tcp(plain), HOST, plain),
                    ClientListener(self._tcp(protected, self.tls), HOST, protected, tls_required=True),
                    ClientListener(self.network.listener("memory", 4222, [Framed]), "memory", 4222),
                ]
            )
        )
        self.service = self.container.service()
        self.clients: list[RawClient] = []
        self.info: dict[str, object] = {}
        """What the client at the protected listener heard."""

    def _tcp(self, port: int, *layers: LayerFactory) -> TcpListener:
        return TcpListener(HOST, port, on_failure=self._fail, on_accept_failed=self.log.record, layers=layers)

    @staticmethod
    def _fail(error: Exception) -> None:
        raise error

    async def connect(self, addresses: Addresses) -> tuple[RawClient, RawClient, RawClient]:
        """A client at each listener that has read INFO."""
        plain, protected, _ = addresses.clients
        reader, writer = await asyncio.open_connection(HOST, plain.port)
        one = await RawClient.greet(reader, writer, writer.transport.abort)
        reader, writer = await asyncio.open_connection(HOST, protected.port)
        self.info = json.loads((await reader.readline()).removeprefix(b"INFO "))
        stream = TlsStream(reader, writer, certificates().client_context())
        await stream.shake_hands()
        two = RawClient(stream, stream, writer.transport.abort)
        near, far = await open_connection(self.network, "memory", 4222, layers=[Framed])
        three = await RawClient.greet(near, far, far.transport.abort)
        self.clients += [one, two, three]
        return one, two, three


@pytest_asyncio.fixture(name="rig")
async def _rig() -> AsyncIterator[Rig]:
    """A rig whose server is gone afterwards."""
    rig = Rig()
    yield rig
    await rig.service.stop()
    for client in rig.clients:
        client.abort()
    await rig.service.departed()


async def test_messages_cross_from_listener_to_listener(rig: Rig) -> None:
    """What is published at one listener reaches subscribers at all of them."""
    clients = await rig.connect(await rig.service.start())
    for client in clients:
        await client.send(b'CONNECT {"verbose":false}\r\nSUB news 1\r\nPING\r\n')
        assert await client.line() == b"PONG\r\n"

    for client in clients:
        await client.send(b"PUB news 2\r\nhi\r\n")

    for client in clients:
        heard = [await client.line() for _ in range(6)]
        assert heard == [b"MSG news 1 2\r\n", b"hi\r\n"] * 3


async def test_info_speaks_of_the_listener_that_a_client_came_in_at(rig: Rig) -> None:
    """TLS is required where it is, and nowhere else; the port is the one that was dialed."""
    addresses = await rig.service.start()
    await rig.connect(addresses)
    reader, writer = await asyncio.open_connection(HOST, addresses.clients[0].port)
    first = json.loads((await reader.readline()).removeprefix(b"INFO "))
    writer.close()

    keys = ("host", "port", "tls_required", "ssl_required")
    assert [HOST, addresses.clients[0].port, False, False] == [first[key] for key in keys]
    assert [HOST, addresses.clients[1].port, True, True] == [rig.info[key] for key in keys]
    assert set(first) == set(rig.info)


async def test_start_returns_and_logs_each_address(rig: Rig) -> None:
    """Real ports come back in order, and each listener is one line of the log, with TLS named where it is."""
    addresses = await rig.service.start()

    ports = [address.port for address in addresses.clients]
    texts = rig.log.texts()
    assert [Listening(None, HOST, port) for port in ports[:2]] == rig.log.of(Listening)[:2]
    assert Listening(None, "memory", 4222) == rig.log.of(Listening)[2]
    assert texts.index("TLS required for client connections") == 1 + texts.index(
        Listening(None, HOST, ports[1]).text()
    )
    assert texts.count("TLS required for client connections") == 1
    assert 4222 == ports[2]


async def test_figures_cover_all_listeners(rig: Rig) -> None:
    """Monitoring names the first listener, and counts and lists the clients of all."""
    addresses = await rig.service.start()
    await rig.connect(addresses)

    varz, connz = [await _page(addresses.monitoring["http"], name) for name in ("varz", "connz")]

    assert (HOST, addresses.clients[0].port) == (varz["host"], varz["port"])
    assert 3 == varz["connections"] == connz["num_connections"]


async def _page(port: int, name: str) -> dict[str, object]:
    def read() -> bytes:
        with urlopen(f"http://{HOST}:{port}/{name}", timeout=PATIENCE) as page:
            return bytes(page.read())

    found: dict[str, object] = json.loads(await asyncio.to_thread(read))
    return found


async def test_a_stop_closes_all_listeners_and_clients(rig: Rig) -> None:
    """No address takes a link afterwards, and each client reads its end."""
    addresses = await rig.service.start()
    clients = await rig.connect(addresses)

    await rig.service.stop()
    ends = [await client.rest() for client in clients]

    for address in addresses.clients[:2]:
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(HOST, address.port)
    with pytest.raises(ConnectionRefusedError):
        await open_connection(rig.network, "memory", 4222)
    assert [b"", b"", b""] == ends


async def test_a_context_is_replaced_in_a_running_server(rig: Rig) -> None:
    """Clients that come later see the new certificate; those that are there go on."""
    addresses = await rig.service.start()
    _, old, _ = await rig.connect(addresses)

    rig.tls.replace_context(server_context(certificates().files(pair=certificates().expired_server)))
    reader, writer = await asyncio.open_connection(HOST, addresses.clients[1].port)
    await reader.readline()
    with pytest.raises(OSError, match="certificate has expired"):
        await TlsStream(reader, writer, certificates().client_context()).shake_hands()
    writer.close()
    await old.send(b"PING\r\n")

    assert b"PONG\r\n" == await old.line()


async def test_one_address_that_is_taken_stops_the_start() -> None:
    """The fact names it, the other listeners are closed, and clients that were in are gone."""
    taken = await asyncio.start_server(lambda _r, _w: None, HOST, 0)
    port = taken.sockets[0].getsockname()[1]
    rig = Rig(tls_port=port)

    with pytest.raises(CannotStart, match=f"Error listening on port: {HOST}:{port}"):
        await rig.service.start()
    taken.close()
    await taken.wait_closed()

    with pytest.raises(ConnectionRefusedError):
        await open_connection(rig.network, "memory", 4222)
    assert [] == rig.log.of(Listening)
    assert not rig.service.broker.serving
