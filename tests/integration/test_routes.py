"""The route port under clients and faulty peers (cluster-protocol.md, sections 2, 3 and 7)."""

import json

import pytest

from app.domain.cluster.events import RouteRegistered
from app.domain.events import AuthorizationFailed
from tests.integration.conftest import ServerKind
from tests.integration.exchanges import AUTHORIZATION_TIMEOUT, AUTHORIZATION_VIOLATION
from tests.support.broker_fixture import Settings
from tests.support.broker_stats import stats_of
from tests.support.embedded import HOST, EmbeddedServer
from tests.support.held_clock import LIMIT
from tests.support.raw_client import RawClient
from tests.support.witness import Witness

pytestmark = pytest.mark.asyncio

OPEN: Settings = {"routes": ()}
GUARDED: Settings = {
    "routes": (),
    "route_user": "route",
    "route_password": "s3cr3t",
    "route_auth_timeout": 30,
}


def connect(name: str = "PEER", login: tuple[str, str] = ("", "")) -> bytes:
    """The CONNECT of a server."""
    user, password = login
    fields = {"verbose": False, "pedantic": False, "user": user, "pass": password, "name": name}
    return b"CONNECT %b\r\n" % json.dumps(fields).encode()


def info(server_id: str = "PEER", **fields: object) -> bytes:
    """The INFO of a server."""
    known = {"server_id": server_id, "version": "0.8.0", "host": HOST, "port": 6999, **fields}
    return b"INFO %b\r\n" % json.dumps(known).encode()


async def join(server: EmbeddedServer, server_id: str = "PEER") -> RawClient:
    """A peer that has become a route."""
    peer = await server.connect_route()
    await peer.send(connect(server_id) + info(server_id) + b"PING\r\n")
    while await peer.line() != b"PONG\r\n":
        pass  # what the server's clients listen to
    assert server_id in {event.server_id for event in server.log.of(RouteRegistered)}
    return peer


@pytest.mark.parametrize(
    "first",
    [
        b"SUB foo 1\r\n",
        b"PUB foo 0\r\n\r\n",
        b"MSG foo RSID:1:1 0\r\n\r\n",
        b"PING\r\n",
        info(),
        b"GET / HTTP/1.1\r\n",
    ],
    ids=["SUB", "PUB", "MSG", "PING", "INFO", "garbage"],
)
async def test_nothing_goes_before_login(broker: ServerKind, first: bytes) -> None:
    """With credentials set, a peer that does not begin with CONNECT is rejected."""
    async with broker(**GUARDED) as server:
        witness = await Witness.join(server)
        peer = await server.connect_route()

        await peer.send(first)
        await peer.expect_end(AUTHORIZATION_VIOLATION)

        await witness.expect_unharmed()
        assert not server.log.of(RouteRegistered)


@pytest.mark.parametrize(
    ("user", "password"),
    [("route", "wrong"), ("", ""), ("nobody", "s3cr3t"), ("route", "s3cr3t" + "x" * 900)],
)
async def test_wrong_credentials(broker: ServerKind, user: str, password: str) -> None:
    """A server that shows the wrong ones is refused, and the log keeps them to itself."""
    async with broker(**GUARDED) as server:
        peer = await server.connect_route()

        await peer.send(connect(login=(user, password)) + info())
        await peer.expect_end(AUTHORIZATION_VIOLATION)

        assert 1 == len(server.log.of(AuthorizationFailed))
        assert not any("s3cr3t" in text for text in server.log.texts())


async def test_right_credentials(broker: ServerKind) -> None:
    """A server that shows the right ones becomes a route."""
    async with broker(**GUARDED) as server:
        peer = await server.connect_route()

        await peer.send(connect(login=("route", "s3cr3t")) + info())
        await peer.fence()

        assert ["PEER"] == [event.server_id for event in server.log.of(RouteRegistered)]


async def test_silence_before_login(broker: ServerKind) -> None:
    """A peer that sends no credentials in time gets an error."""
    settings: Settings = {**GUARDED, "route_auth_timeout": LIMIT}
    async with broker(**settings) as server:
        peer = await server.connect_route()

        await server.clock.run_out()
        await peer.expect_end(AUTHORIZATION_TIMEOUT)


@pytest.mark.parametrize(
    "line", [b"SUB foo 1\r\n", b"UNSUB 1\r\n", b"PUB foo 0\r\n\r\n", b"MSG foo RSID:1:1 0\r\n\r\n"]
)
async def test_a_client_never_becomes_a_route(broker: ServerKind, line: bytes) -> None:
    """On an open route port too, nobody is served who has not introduced itself as a server."""
    async with broker(**OPEN) as server:
        witness = await Witness.join(server)
        client = await server.connect_route()

        await client.send(b'CONNECT {"verbose":true,"lang":"python"}\r\n' + line)
        refusal = await client.rest()

        assert refusal.startswith(b"-ERR '")
        await witness.expect_unharmed()
        assert 1 == stats_of(server.broker).subscriptions.num_subscriptions


@pytest.mark.parametrize("size", [b"99999999999", b"-5", b"abc", b"18446744073709551621", 4000 * b"9"])
async def test_hostile_sizes(broker: ServerKind, size: bytes) -> None:
    """A routed message of an impossible size ends its route, and nothing else."""
    async with broker(**OPEN) as server:
        witness = await Witness.join(server)
        peer = await join(server)

        await peer.send(b"MSG foo RSID:1:1 " + size + b"\r\n")
        refusal = await peer.expect_cut()

        assert b"-ERR '" in refusal
        await witness.expect_unharmed()
        await join(server)


@pytest.mark.parametrize(
    "line",
    [
        b"MSG witness RSID:9:9 2\r\nhi\r\n",
        b"MSG nobody QRSID:9:9 2\r\nhi\r\n",
        b"MSG nobody QRSID:: 2\r\nhi\r\n",
        b"MSG nobody QRSID:x:1 2\r\nhi\r\n",
        b"MSG nobody \xff\x00 2\r\nhi\r\n",
        b"UNSUB RSID:9:9\r\n",
        b"UNSUB what 5\r\n",
    ],
)
async def test_unknown_names_are_harmless(broker: ServerKind, line: bytes) -> None:
    """Names of subscriptions that nobody has, or that are none, end nothing."""
    async with broker(**OPEN) as server:
        peer = await join(server)

        await peer.send(line + b"PING\r\n")

        await peer.expect(b"PONG\r\n")


@pytest.mark.parametrize(
    "line",
    [
        b"INFO {\r\n",
        b"INFO []\r\n",
        b"INFO\r\n",
        b'INFO {"server_id":5}\r\n',
        b'INFO {"server_id":""}\r\n',
        b'INFO {"server_id":"X","port":"many"}\r\n',
        b"INFO " + b"x" * 1_000_000,
    ],
    ids=["open", "array", "empty", "number", "nobody", "wrong type", "1 MB"],
)
async def test_bad_introductions(broker: ServerKind, line: bytes) -> None:
    """An INFO without content ends the link, and costs no memory."""
    async with broker(**OPEN) as server:
        witness = await Witness.join(server)
        peer = await server.connect_route()

        await peer.flood(connect() + line, 1)
        refusal = await peer.expect_cut()

        assert b"-ERR '" in refusal or not refusal
        await witness.expect_unharmed()
        assert not server.log.of(RouteRegistered)


async def test_one_route_for_each_server(broker: ServerKind) -> None:
    """The second route of a server is closed, the first goes on."""
    async with broker(**OPEN) as server:
        first = await join(server)
        second = await server.connect_route()

        await second.send(connect() + info())
        await second.expect_eof()

        await first.send(b"PONG\r\n")
        assert b"PING\r\n" == await first.line()
        await first.fence()


async def test_a_route_to_itself_is_dropped(broker: ServerKind) -> None:
    """A peer with our own id is ourselves, and is let go without an error."""
    async with broker(**OPEN) as server:
        peer = await server.connect_route()

        await peer.send(
            connect(server.broker.greeting.info.server_id) + info(server.broker.greeting.info.server_id)
        )
        await peer.expect_eof()

        assert not server.log.of(RouteRegistered)


async def test_a_flood_of_gossip(broker: ServerKind) -> None:
    """Ten thousand servers that a peer makes up cost nothing but their lines."""
    async with broker(**OPEN) as server:
        witness = await Witness.join(server)
        peer = await join(server)

        gossip = [
            info(f"FAKE{number}", ip=f"nats-route://127.77.{number // 250}.{number % 250}:6999/", port=6998)
            for number in range(10_000)
        ]
        await peer.send(b"".join(gossip))

        await peer.fence()
        await witness.expect_unharmed()


@pytest.mark.parametrize("kind", ["client", "route"])
async def test_ports_are_not_confused(broker: ServerKind, kind: str) -> None:
    """A server on the clients' port stays a client, and gains no right by its INFO."""
    async with broker(**OPEN) as server:
        peer = await (server.connect() if kind == "client" else server.connect_route())

        await peer.send(connect() + info())
        await peer.fence()

        assert (kind == "route") == bool(server.log.of(RouteRegistered))


async def test_two_servers_pass_messages(broker: ServerKind) -> None:
    """Two servers in one process meet, and a message crosses, on every transport and twin."""
    async with broker(**OPEN) as seed:
        routes = (f"nats://{HOST}:{seed.route_port}",)
        async with broker(network=seed.network, routes=routes) as second:
            listener, speaker = await second.connect(), await seed.connect()
            await listener.send(b'CONNECT {"verbose":false}\r\nSUB news.* 7\r\nSUB ready 8\r\n')
            await listener.fence()
            await speaker.send(b'CONNECT {"verbose":false}\r\nSUB ready 1\r\n')
            while stats_of(seed.broker).subscriptions.num_subscriptions < 3:
                await speaker.fence()

            await speaker.send(b"PUB news.today re 5\r\nhello\r\n")

            await listener.expect(b"MSG news.today 7 re 5\r\nhello\r\n")
