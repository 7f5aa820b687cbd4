"""The adapters that the page on adapters shows do what it says."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, Self

import pytest
from dependency_injector import providers

from app.adapters.net_asyncio import TcpListener
from app.config.options import make_options
from app.domain.events import Event
from app.entrypoints.container import Container
from app.entrypoints.service import ClientListener
from app.ports.authenticator import Authenticator
from app.ports.layers import LayerFactory, Lower, Upper
from app.ports.transport import Acceptor, Listener
from tests.fakes.event_log import RecordingEventLog
from tests.support.embedded import EmbeddedServer
from tests.support.raw_client import RawClient
from tests.support.server_process import ROOT

pytestmark = pytest.mark.asyncio

PAGE = (ROOT / "docs" / "adapters.md").read_text("utf-8")
TRANSPORT, LAYER, AUTHENTICATOR = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)

HOST = "127.0.0.1"


def shown(code: str, name: str) -> Any:  # noqa: ANN401 - whatever the page defines
    """What a block of the page defines under this name."""
    scope: dict[str, Any] = {"__name__": "shown"}
    exec(code, scope)  # noqa: S102 - our own page
    return scope[name]


def fail(error: Exception) -> NoReturn:
    """Take no defect."""
    raise error


class Server:
    """A server with one client listener more than usual."""

    def __init__(self, listener: Listener, address: str) -> None:
        container = Container(make_options({"host": HOST, "port": -1}))
        container.event_log.override(providers.Object(RecordingEventLog()))
        usual = container.client_listeners()
        container.client_listeners.override(providers.Object([*usual, ClientListener(listener, address, 0)]))
        self.service = container.service()

    async def __aenter__(self) -> Self:
        """Start."""
        self.addresses = await self.service.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.service.stop()
        await self.service.departed()


async def test_the_transport_serves_clients(tmp_path: Path) -> None:
    """A broker takes clients at a Unix socket beside its port, and the path is gone afterwards."""
    path = tmp_path / "nats.sock"
    make: Callable[..., Listener] = shown(TRANSPORT, "UnixListener")
    async with Server(make(str(path), on_failure=fail), str(path)):
        reader, writer = await asyncio.open_unix_connection(path)
        client = await RawClient.greet(reader, writer, writer.transport.abort)
        await client.send(b'CONNECT {"verbose":false}\r\nSUB a 1\r\nPUB a 2\r\nhi\r\n')
        heard = [await client.line() for _ in range(2)]
    end = await client.rest()
    await client.close()

    assert [b"MSG a 1 2\r\n", b"hi\r\n"] == heard
    assert b"" == end
    assert not path.exists()


async def test_the_transport_says_why_it_cannot_listen(tmp_path: Path) -> None:
    """Its error is the port's, and a listener that never started may be closed."""
    listener: Listener = shown(TRANSPORT, "UnixListener")(str(tmp_path / "no" / "nats.sock"), on_failure=fail)
    nobody: Acceptor = shown("def nobody(wire): raise LookupError\n", "nobody")

    with pytest.raises(Exception, match="No such file or directory") as raised:
        await listener.start(nobody)
    await listener.close()

    assert "ListenError" == type(raised.value).__name__


async def test_the_layer_flips_what_travels() -> None:
    """What is on the wire is flipped both ways, and the broker sees none of it."""
    flipped: LayerFactory = shown(LAYER, "Flipped")
    table: bytes = shown(LAYER, "FLIPPED")
    facts: list[Event] = []
    listener = TcpListener(HOST, -1, on_failure=fail, on_accept_failed=facts.append, layers=[flipped])
    async with Server(listener, HOST) as server:
        reader, writer = await asyncio.open_connection(HOST, server.addresses.clients[1].port)
        info = (await reader.readuntil(b"\n".translate(table))).translate(table)
        writer.write(b"PING\r\n".translate(table))
        said = (await reader.readexactly(6)).translate(table)
        writer.close()

    assert info.startswith(b"INFO ")
    assert b"+OK\r\nPONG\r\n".endswith(said)


async def test_the_authenticator_admits_who_knows_the_passphrase() -> None:
    """The one line in the container makes it the judge of all logins."""
    made: Authenticator = shown(AUTHENTICATOR, "OnePassphrase")("open sesame")
    answers = {}
    for word in ("open sesame", "open barley"):
        server = EmbeddedServer("memory", "python", {})
        server.container.authenticator.override(providers.Object(made))
        await server.start()
        client = await server.connect()
        await client.send(b'CONNECT {"user":"ali","pass":"%b"}\r\n' % word.encode())
        answers[word] = await client.line()
        await server.stop()
        await client.close()
        await server.container.service().departed()

    assert {"open sesame": b"+OK\r\n", "open barley": b"-ERR 'Authorization Violation'\r\n"} == answers


async def test_every_method_of_the_two_sides_is_real() -> None:
    """The page names no call of a layer that the port does not have."""
    names = set(dir(Lower)) | set(dir(Upper))

    named = set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) | set(
        re.findall(r"`upper\.(\w+)\(\)`", PAGE)
    )
    assert named
    assert named <= names


async def test_the_container_has_what_the_page_replaces() -> None:
    """Providers that the page names exist."""
    container = Container(make_options({}))

    for name in re.findall(r"^(?:self|container)\.(\w+)", PAGE, re.MULTILINE):
        assert hasattr(container, name)
