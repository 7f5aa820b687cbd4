"""A reload over real sockets: what changes, what is refused, and who notices."""

import asyncio
import contextlib
import os
import signal
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from shutil import copy
from typing import Any

import nats
import pytest
import pytest_asyncio
from nats.aio.client import Client as NatsClient
from nats.errors import Error as NatsError

from app import Cluster, ReloadRefused, Server
from app.testing import wait_for
from tests.support.certificates import certificates
from tests.support.patience import PATIENCE
from tests.support.server_process import CURRENT, ServerProcess

pytestmark = pytest.mark.asyncio

A, B, C = ({"user": name, "password": f"p{name}"} for name in "abc")
USERS: list[dict[str, object]] = [{**A}, {**B}]
DONE = "Reloaded server configuration (sha256:"


class Heard:
    """A client of nats.py, and what happened to it."""

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.disconnects = 0
        self.client = NatsClient()

    async def connect(self, url: str, **options: object) -> "Heard":
        """Connect, once."""
        await self.client.connect(
            url,
            error_cb=self._failed,
            disconnected_cb=self._disconnected,
            allow_reconnect=False,
            **options,  # type: ignore[arg-type] # those of nats.py
        )
        return self

    async def _failed(self, error: Exception) -> None:
        self.errors.append(str(error))

    async def _disconnected(self) -> None:
        self.disconnects += 1


@pytest_asyncio.fixture(name="server")
async def _server() -> AsyncIterator[Server]:
    async with Server(authorization={"users": USERS}, http=-1) as server:
        yield server


async def test_a_process(tmp_path: Path) -> None:
    """HUP reads the file again; a mistake in it is logged with its place, and changes nothing."""
    file = tmp_path / "x.conf"
    file.write_text("max_payload: 1000\n", "utf-8")
    with ServerProcess(*CURRENT, "-c", str(file)) as server:
        heard = await Heard().connect(server.url)
        file.write_text("max_payload: 2000\ndebug: true\nlog_format: text\n", "utf-8")
        os.kill(server.pid, signal.SIGHUP)
        server.wait_for(DONE)
        file.write_text("max_payload: 3000\nnope: 1\n", "utf-8")
        os.kill(server.pid, signal.SIGHUP)
        server.wait_for(f'[ERR] Failed to reload server configuration: {file}:2:1: unknown key "nope"')
        file.write_text("max_payload: 3000\nport: 1\ncluster { port: -1 }\n", "utf-8")
        os.kill(server.pid, signal.SIGHUP)
        refused = server.wait_for("reload not supported for cluster")
        file.unlink()
        os.kill(server.pid, signal.SIGHUP)
        server.wait_for("Failed to reload server configuration: error opening config file")
        file.write_text("max_payload: 1500\n", "utf-8")
        os.kill(server.pid, signal.SIGHUP)
        server.wait_for(DONE, count=2)
        await heard.client.flush()
        log = server.log
        await heard.client.close()

    assert 1 == log.count("Reloaded: max_payload = 2000")
    assert 1 == log.count("Reloaded: debug = true")
    assert 1 == log.count("Reloaded: max_payload = 1500")
    assert "max_payload = 3000" not in log
    assert "restart the server to change it" in refused
    assert "config reload not supported for port" not in log  # the flag wins over the file


async def test_a_log_file(tmp_path: Path) -> None:
    """The line about the change is in the new file already, and none is lost."""
    file, first, second = tmp_path / "x.conf", tmp_path / "1.log", tmp_path / "2.log"
    file.write_text(f"log_file: '{first}'\npid_file: '{tmp_path}/a.pid'\n", "utf-8")
    async with Server(config_file=str(file)) as server:
        text = f"log_file: '{second}'\npid_file: '{tmp_path}/b.pid'\nlogtime: false\nlog_format: json\n"
        file.write_text(text, "utf-8")
        changes = await server.reload()
        with pytest.raises(ReloadRefused, match=r"error opening file: open .*missing"):
            await server.reload(log_file=str(tmp_path / "missing" / "x.log"))

    assert [f"log_file = {second}", "log_format = json", "logtime = false"] == sorted(changes)[:3]
    assert "Server is ready" in first.read_text("utf-8")
    assert "Reloaded" not in first.read_text("utf-8")
    assert DONE in second.read_text("utf-8")
    assert "Server Exiting.." in second.read_text("utf-8")
    assert str(os.getpid()) == (tmp_path / "b.pid").read_text("ascii")


async def test_users(server: Server) -> None:
    """A removed user and a changed password end connections; all others notice nothing."""
    first = await Heard().connect(server.url, **A)
    second = await Heard().connect(server.url, **B)
    subscription = await second.client.subscribe("x")
    assert ["authorization users"] == await server.reload(
        authorization={"users": [USERS[1], {"user": "c", "password": "pc"}]}
    )
    await wait_for(lambda: first.client.is_closed)
    third = await nats.connect(server.url, **C)
    await third.publish("x", b"1")
    assert b"1" == (await subscription.next_msg(timeout=PATIENCE)).data
    refused = Heard()
    with pytest.raises(NatsError):
        await refused.connect(server.url, **A)
    await refused.client.close()

    await server.reload(authorization={"users": [{"user": "b", "password": "new"}]})
    await wait_for(lambda: second.client.is_closed)
    assert "authorization" in str(second.client.last_error).lower()
    await wait_for(lambda: (1, 1) == (first.disconnects, second.disconnects))
    await third.close()
    reasons = [row["reason"] for row in server.connz()["connections"]]
    assert [] == reasons


async def test_logins_that_are_being_checked(server: Server) -> None:
    """A reload during a login, with a hash that takes time, refuses nobody who is allowed."""
    hashed = "$2a$11$3UIqIZYsyNTNmHwXJWzNVOHPzEHy7dvd3CkLTwHQTxW0kYwVvdmNe"
    await server.reload(authorization={"users": [*USERS, {"user": "h", "password": hashed}]})
    logins = [nats.connect(server.url, **A) for _ in range(20)]
    tasks = [asyncio.create_task(login) for login in logins]
    for number in range(5):
        await server.reload(authorization={"users": [*USERS, {"user": f"x{number}", "password": "p"}]})
    clients = await asyncio.gather(*tasks)
    for client in clients:
        await client.flush()
        await client.close()

    assert 20 == len(clients)


async def test_rights(server: Server) -> None:
    """A right that is taken ends what it allowed, and one that is given can be used."""
    heard = await Heard().connect(server.url, **A)
    for subject in ("x", "y"):
        await heard.client.subscribe(subject)
    await heard.client.flush()
    denied = {**USERS[0], "permissions": {"subscribe": {"deny": "x"}, "publish": {"deny": "z"}}}
    await server.reload(authorization={"users": [denied, USERS[1]]})
    await wait_for(lambda: len(heard.errors) == 1)
    await heard.client.publish("z", b"")
    await wait_for(lambda: len(heard.errors) == 2)
    (row,) = server.connz(subs=True)["connections"]
    await heard.client.close()

    assert ["y"] == row["subscriptions_list"]
    assert 'permissions violation for subscription to "x" (sid "1")' in heard.errors[0].lower()
    assert any('Removed sub "x" (sid "1") for "$G/user:a" - not authorized' in line for line in server.log)


async def test_limits_and_what_pages_show(server: Server) -> None:
    """All limits hold at once, and the pages say when the configuration was read."""
    before = server.varz()
    limits = {
        "max_connections": 100,
        "max_control_line": 2048,
        "max_subscriptions": 7,
        "max_payload": 2000,
        "max_pending_size": 4000,
        "slow_consumer": "hold",
        "ping_interval": 60.0,
        "ping_max": 5,
        "write_deadline": 5.0,
        "lame_duck_duration": 60,
        "lame_duck_grace_period": 5,
    }
    assert len(limits) == len(await server.reload(None, **limits))
    after = server.varz()

    assert 60 * 10**9 == after["ping_interval"]
    assert {"max_connections": 100, "max_payload": 2000, "ping_max": 5, "max_pending": 4000} == {
        key: after[key] for key in ("max_connections", "max_payload", "ping_max", "max_pending")
    }
    assert before["config_digest"] != after["config_digest"]
    assert before["config_load_time"] < after["config_load_time"]
    assert [] == await server.reload()


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ({"port": 1}, "config reload not supported for port"),
        ({"server_name": "x"}, "config reload not supported for server_name: old=none, new=x"),
        ({"compatibility": "0.8.0"}, "config reload not supported for compatibility"),
        ({"nope": 1}, 'unknown key "nope"'),
        ({"authorization": {"users": []}}, "authorization.users is empty"),
        ({"authorization": {"authenticator": "nope:nope"}}, "authenticator 'nope:nope'"),
        ({"tls": {"cert_file": "/nope", "key_file": "/nope"}}, "open /nope: no such file or directory"),
        ({"pid_file": "/nope/x.pid"}, "Could not write pidfile"),
    ],
)
async def test_what_is_refused(server: Server, keys: dict[str, Any], text: str) -> None:
    """Nothing changes, not even what could, and the next good reload works."""
    digest = server.varz()["config_digest"]
    with pytest.raises(ReloadRefused) as refused:
        await server.reload(max_payload=5000, **keys)

    assert text in str(refused.value)
    assert (1_048_576, digest) == (server.varz()["max_payload"], server.varz()["config_digest"])
    assert any("Failed to reload server configuration: " in line for line in server.log)
    assert ["max_payload = 5000"] == await server.reload(max_payload=5000)


async def test_tls_comes_and_goes() -> None:
    """Switching TLS on leaves those alone who are connected; new ones need it until it is off again."""
    pair = certificates().server
    section = {"cert_file": pair.cert_file, "key_file": pair.key_file}
    async with Server() as server:
        plain = await Heard().connect(server.url)
        assert ["tls = enabled"] == await server.reload(tls=section)
        context = ssl.create_default_context(cafile=certificates().authority.ca_file)
        secure = await Heard().connect(f"tls://localhost:{server.port}", tls=context)
        await plain.client.flush()
        assert ["tls = disabled"] == await server.reload(tls=None)
        again = await Heard().connect(f"nats://127.0.0.1:{server.port}")
        for heard in (plain, secure, again):
            await heard.client.flush()
            await heard.client.close()


@pytest.mark.parametrize("wrong", ["without its key", "of another key", "half a file", "expired"])
async def test_a_broken_certificate(tmp_path: Path, wrong: str) -> None:
    """The old one stays in use, and the reason names the file."""
    pair = certificates().server
    cert, key = tmp_path / "c.pem", tmp_path / "k.pem"
    copy(pair.cert_file, cert)
    copy(pair.key_file, key)
    context = ssl.create_default_context(cafile=certificates().authority.ca_file)
    async with Server(tls={"cert_file": str(cert), "key_file": str(key)}) as server:
        if wrong == "without its key":
            key.unlink()
        elif wrong == "of another key":
            copy(certificates().rsa_server.cert_file, cert)
        elif wrong == "expired":
            copy(certificates().expired_server.cert_file, cert)
            copy(certificates().expired_server.key_file, key)
        else:
            cert.write_text(cert.read_text("ascii")[:200], "ascii")
        with pytest.raises(ReloadRefused, match="has expired on 2002" if wrong == "expired" else "X509"):
            await server.reload()
        heard = await Heard().connect(f"tls://localhost:{server.port}", tls=context)
        await heard.client.close()


async def test_a_replaced_certificate(tmp_path: Path) -> None:
    """New connections get it; those that are there go on."""
    cert, key = tmp_path / "c.pem", tmp_path / "k.pem"
    context = ssl.create_default_context(cafile=certificates().authority.ca_file)
    shown = []
    copy(certificates().server.cert_file, cert)
    copy(certificates().server.key_file, key)
    async with Server(tls={"cert_file": str(cert), "key_file": str(key)}) as server:
        url = f"tls://localhost:{server.port}"
        first = await Heard().connect(url, tls=context)
        copy(certificates().rsa_server.cert_file, cert)
        copy(certificates().rsa_server.key_file, key)
        assert [] == await server.reload()
        second = await Heard().connect(url, tls=context)
        for heard in (first, second):
            await heard.client.flush()
            link = heard.client._transport._io_writer.get_extra_info("ssl_object")  # type: ignore[union-attr] # noqa: SLF001
            shown.append(link.getpeercert()["serialNumber"])
            await heard.client.close()

    assert 2 == len(set(shown))
    assert [0, 0] == [first.disconnects - 1, second.disconnects - 1]


async def test_a_bad_file_and_probes(tmp_path: Path) -> None:
    """A file with a mistake leaves the server ready, and its pages as they were."""
    file = tmp_path / "x.conf"
    file.write_text("max_payload: 1000\n", "utf-8")
    async with Server(config_file=str(file), http=-1) as server:
        before = server.varz()
        file.write_text("max_payload: 2000\nusers: [\n", "utf-8")
        with pytest.raises(ReloadRefused, match=r"x\.conf:3:1"):
            await server.reload()
        reader, writer = await asyncio.open_connection("127.0.0.1", int(server.http_url.rpartition(":")[2]))
        writer.write(b"GET /healthz HTTP/1.0\r\n\r\n")
        answer = await reader.read()
        writer.close()
        after = server.varz()

    assert b" 200 " in answer.splitlines()[0]
    assert (before["max_payload"], before["config_digest"], before["config_load_time"]) == (
        after["max_payload"],
        after["config_digest"],
        after["config_load_time"],
    )


async def test_hooks_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hooks that a file names are replaced; clients stay, and the new ones see what they publish next."""
    (tmp_path / "policy_of_the_test.py").write_text(
        "import pynatsd\n"
        "class No(pynatsd.Hooks):\n"
        "    patterns = ['orders.>']\n"
        "    def publish(self, event):\n"
        "        return pynatsd.Refuse('no')\n"
        "class Sign(No):\n"
        "    async def publish(self, event):\n"
        "        return pynatsd.Rewrite(data=event.data + b'!')\n",
        "utf-8",
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    async with Server() as server:
        heard = await Heard().connect(server.url)
        messages = await heard.client.subscribe("orders.*")
        for factory in (None, "policy_of_the_test:No", "policy_of_the_test:Sign", None):
            await server.reload(hooks={"factory": factory} if factory else {})
            await heard.client.publish("orders.new", str(factory).encode())
            await heard.client.flush()
        seen = [(await messages.next_msg(PATIENCE)).data for _ in range(3)]
        with pytest.raises(ReloadRefused, match="no_module"):
            await server.reload(hooks={"factory": "no_module:make"})
        disconnects = heard.disconnects
        await heard.client.close()

    assert [b"None", b"policy_of_the_test:Sign!", b"None"] == seen
    assert (1, 0) == (len(heard.errors), disconnects)
    assert 'permissions violation for publish to "orders.new": no' in heard.errors[0]


async def test_limits_of_streams() -> None:
    """A lower limit refuses the next message, and a higher one takes it; what is stored stays."""
    async with Server(jetstream={"max_mem": "1M"}) as server:
        heard = await Heard().connect(server.url)
        streams = heard.client.jetstream()
        await streams.add_stream(name="S", subjects=["s"], storage="memory")
        await streams.publish("s", bytes(1000))
        assert ["jetstream max_mem = 500"] == await server.reload(jetstream={"max_mem": 500})
        with pytest.raises(NatsError, match="resources"):
            await streams.publish("s", b"x")
        await server.reload(jetstream={"max_mem": "1M", "limits": {"max_ack_pending": 7}})
        stored = await streams.publish("s", b"x")
        consumer = await streams.pull_subscribe("s", "c")
        info = await consumer.consumer_info()
        with pytest.raises(ReloadRefused, match=r"not supported for jetstream\.domain"):
            await server.reload(jetstream={"max_mem": "1M", "domain": "hub"})
        await heard.client.close()

    assert (2, 7) == (stored.seq, info.config.max_ack_pending)


async def test_routes() -> None:
    """A route that is added is dialled, one that is removed is closed."""
    async with Cluster(1) as cluster, Server(cluster={"port": -1, "name": "pynatsd"}) as other:
        (server,) = cluster.servers
        section = {"host": "127.0.0.1", "port": -1, "name": "pynatsd"}
        changes = await server.reload(cluster={**section, "routes": [other.route_url]})
        assert ["cluster routes"] == changes
        await other.wait_for(lambda one: one.routez()["num_routes"] == 1)
        await wait_for(lambda: any("is up" in line for line in server.log))
        await server.reload(cluster={**section, "no_advertise": True, "connect_retries": 3})
        await wait_for(lambda: any("is down" in line for line in server.log))


async def test_advertising() -> None:
    """Clients learn of another address, those that are here too."""
    async with Server(cluster={"port": -1}) as server, Server(cluster={"port": -1}) as other:
        section = {"host": "127.0.0.1", "port": -1}
        await server.reload(cluster={**section, "routes": [other.route_url]})
        await other.wait_for(lambda one: one.routez()["num_routes"] == 1)
        await server.reload(client_advertise="192.0.2.7:4333")
        await other.wait_for(lambda one: "192.0.2.7:4333" in str(one.varz().get("connect_urls")))
        client = await nats.connect(server.url)
        assert ("192.0.2.7", 4333) == (client._server_info["host"], client._server_info["port"])  # noqa: SLF001
        await client.close()


@pytest.mark.filterwarnings("ignore:parameter 'timeout':DeprecationWarning")
async def test_websocket_settings() -> None:
    """Origins, compression and time limits hold for the next websocket."""
    section = {"port": -1, "no_tls": True}
    async with Server(websocket=section) as server:
        changes = await server.reload(
            websocket={**section, "allowed_origins": ["http://a.example"], "compression": True}
        )
        client = await nats.connect(server.websocket_url)
        await client.flush()
        await client.close()

    assert ["websocket allowed_origins", "websocket compression = true"] == sorted(changes)


async def test_a_reload_in_lame_duck_mode() -> None:
    """It works, and the mode goes on with its own times."""
    async with Server() as server:
        heard = await Heard().connect(server.url)
        ending = asyncio.create_task(server.lame_duck(duration=60.0, grace=30.0))
        await server.wait_for(lambda one: "lame_duck" in one.varz())
        assert ["max_payload = 2000"] == await server.reload(max_payload=2000)
        assert not heard.client.is_closed
        await server.stop()
        await ending
        await heard.client.close()


async def test_a_crowd_whose_user_is_removed(server: Server) -> None:
    """A thousand clients without a user any more are gone, and the others are served meanwhile."""
    other = await Heard().connect(server.url, **B)
    links = []
    for _ in range(1000):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b'CONNECT {"verbose":false,"user":"a","pass":"pa"}\r\nSUB x 1\r\nPING\r\n')
        links.append((reader, writer))
    await server.wait_for(lambda one: one.varz()["subscriptions"] == 1000, PATIENCE)
    await server.reload(authorization={"users": [USERS[1]]})
    await other.client.flush()
    await server.wait_for(lambda one: one.varz()["subscriptions"] == 0, PATIENCE)
    assert 0 == other.disconnects
    for _, writer in links:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    await other.client.close()


async def test_a_server_that_does_not_run() -> None:
    """There is nothing to reload."""
    with pytest.raises(RuntimeError, match="is not running"):
        await Server().reload()
