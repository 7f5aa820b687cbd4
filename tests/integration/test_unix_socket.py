"""Clients at a unix socket: its file, and who is at the other end."""

import asyncio
import grp
import json
import os
import socket
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from urllib.request import urlopen

import pytest
import pytest_asyncio
from dependency_injector import providers

from app.adapters.net_asyncio import unix_socket
from app.adapters.net_asyncio.unix_events import UnixListening
from app.adapters.net_asyncio.unix_listener import UnixListener
from app.adapters.net_asyncio.unix_socket import UnixSocketSettings, group_number, obstacle
from app.config.options import make_options
from app.domain.events import ClientConnected, Event
from app.entrypoints.container import Container
from app.entrypoints.service import CannotStart, Service
from app.ports.transport import Address, ListenError
from tests.fakes.event_log import RecordingEventLog
from tests.fakes.handler import RecordingAcceptor
from tests.support.patience import PATIENCE
from tests.support.raw_client import RawClient

pytestmark = pytest.mark.asyncio

HOST = "127.0.0.1"
LIVE = "another process listens there; stop it, or choose another path"
OWN = f"pid={os.getpid()},uid={os.geteuid()},gid={os.getegid()}"


class Rig:
    """A server with a unix socket, and its log."""

    def __init__(self, path: Path, **options: object) -> None:
        self.path = path
        self.log = RecordingEventLog(trace=False)
        values = {"host": HOST, "port": -1, "unix_socket": {"path": str(path)}, **options}
        self.container = Container(make_options(values))
        self.container.event_log.override(providers.Object(self.log))
        self.clients: list[RawClient] = []

    @property
    def service(self) -> Service:
        """It, made once."""
        return self.container.service()

    async def connect(self) -> RawClient:
        """A client that has read INFO."""
        reader, writer = await asyncio.open_unix_connection(str(self.path))
        client = await RawClient.greet(reader, writer, writer.transport.abort)
        self.clients.append(client)
        return client


@pytest_asyncio.fixture(name="rig")
async def _rig(tmp_path: Path) -> AsyncIterator[Rig]:
    """A rig with logins and monitoring, whose server is gone afterwards."""
    rig = Rig(tmp_path / "s.sock", http_port=-1, debug=True, authorization={"user": "u", "password": "p"})
    yield rig
    await rig.service.stop()
    for client in rig.clients:
        client.abort()
    await rig.service.departed()


LOGIN = b'CONNECT {"verbose":false,"user":"u","pass":"p"}\r\n'


async def test_messages_cross_between_listeners(rig: Rig) -> None:
    """A client at the unix socket logs in like any other, and reaches those at the port."""
    addresses = await rig.service.start()
    reader, writer = await asyncio.open_connection(HOST, addresses.clients[0].port)
    far = await RawClient.greet(reader, writer, writer.transport.abort)
    near = await rig.connect()
    rig.clients.append(far)
    await far.send(LOGIN + b"SUB news 1\r\nPING\r\n")
    assert await far.line() == b"PONG\r\n"

    await near.send(LOGIN + b"PUB news 2\r\nhi\r\n")

    assert await far.line() == b"MSG news 1 2\r\n"
    assert addresses.clients[1] == Address(str(rig.path), 0)
    assert UnixListening(None, str(rig.path)).text() in rig.log.texts()


async def test_a_wrong_login_is_refused(rig: Rig) -> None:
    """The listener is another one, and the rules are the same."""
    await rig.service.start()
    client = await rig.connect()

    await client.send(b'CONNECT {"user":"u","pass":"x"}\r\n')

    assert await client.rest() == b"-ERR 'Authorization Violation'\r\n"


async def test_info_names_what_others_can_use(rig: Rig) -> None:
    """INFO has the address of the first listener, and no IP address of the client."""
    addresses = await rig.service.start()

    info = (await rig.connect()).info

    assert (info["host"], info["port"]) == (HOST, addresses.clients[0].port)
    assert not {"client_ip", "tls_required"} & set(info)


async def test_the_process_of_a_peer_is_known(rig: Rig) -> None:
    """The log and the page of connections say which process of which user it is."""
    addresses = await rig.service.start()
    client = await rig.connect()
    await client.send(LOGIN + b"PING\r\n")
    assert await client.line() == b"PONG\r\n"

    def read() -> bytes:
        with urlopen(f"http://{HOST}:{addresses.monitoring['http']}/connz", timeout=PATIENCE) as page:
            return bytes(page.read())

    [row] = json.loads(await asyncio.to_thread(read))["connections"]

    assert (row["ip"], row["port"]) == ("unix", 0)
    assert row["unix_peer"] == {"pid": os.getpid(), "uid": os.geteuid(), "gid": os.getegid()}
    [fact] = rig.log.of(ClientConnected)
    assert fact.link is not None
    assert fact.link.address == f"unix:{OWN}"


async def test_a_stop_removes_the_file(rig: Rig) -> None:
    """Clients read their end, and nothing is left in the directory."""
    await rig.service.start()
    client = await rig.connect()

    await rig.service.stop()

    assert (await client.rest(), rig.path.exists()) == (b"", False)


async def test_a_start_that_fails_says_where_and_why(tmp_path: Path) -> None:
    """The port is free again, and the file that is no socket is as it was."""
    path = tmp_path / "s.sock"
    path.write_text("mine", "utf-8")
    rig = Rig(path)

    with pytest.raises(CannotStart) as raised:
        await rig.service.start()

    assert str(raised.value) == (
        f'Error listening on unix socket: {path}, "a file exists that is not a socket; '
        'remove it, or choose another path"'
    )
    assert path.read_text("utf-8") == "mine"
    assert not rig.service.broker.serving


# --- the file ------------------------------------------------------------------------------------


class BareListener:
    """A listener without a server."""

    def __init__(self, path: Path, mode: int = 0o660, group: str | None = None) -> None:
        self.settings = UnixSocketSettings(str(path), mode, group)
        self.facts: list[Event] = []
        self._changed = asyncio.Event()
        self.acceptor = RecordingAcceptor(self._changed.set)
        self.listener = UnixListener(self.settings, on_failure=_raise, on_accept_failed=self.facts.append)

    async def open(self) -> None:
        """Begin to accept."""
        assert await self.listener.start(self.acceptor) == Address(self.settings.path, 0)

    async def serves(self) -> bool:
        """Whether a byte of a client arrives, and so all links before it are here."""
        _, writer = await asyncio.open_unix_connection(self.settings.path)
        writer.write(b"?")
        await self._until(lambda: any(handler.data == b"?" for handler in self.acceptor.handlers))
        writer.close()
        await writer.wait_closed()
        return True

    async def end(self) -> None:
        """Close it, and end the links that it accepted."""
        await self.listener.close()
        await self.listener.close()
        handlers = self.acceptor.handlers
        for handler in handlers:
            handler.wire.abort()
        await self._until(lambda: all("connection_lost" in handler.calls for handler in handlers))

    async def _until(self, expected: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not expected():
                self._changed.clear()
                await self._changed.wait()

    async def refused(self) -> str:
        """Why it does not open."""
        with pytest.raises(ListenError) as raised:
            await self.listener.start(self.acceptor)
        await self.listener.close()
        return str(raised.value)


def _names(directory: Path) -> list[str]:
    return sorted(each.name for each in directory.iterdir())


def _raise(error: Exception) -> None:
    raise error


async def test_a_stale_file_is_replaced(tmp_path: Path) -> None:
    """A socket that a killed server left is in nobody's way."""
    path = tmp_path / "s.sock"
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(path))
        killed.listen()
    listener = BareListener(path)

    await listener.open()
    serves = await listener.serves()
    await listener.end()

    assert serves
    assert not path.exists()


async def test_a_live_socket_is_left_alone(tmp_path: Path) -> None:
    """The second server fails and says what to do; the first one goes on."""
    path = tmp_path / "s.sock"
    first = BareListener(path)
    await first.open()

    reason = await BareListener(path).refused()
    serves = await first.serves()
    await first.end()

    assert (reason, serves) == (LIVE, True)


async def test_servers_that_start_at_once(tmp_path: Path) -> None:
    """Exactly one of many gets the path, whatever each of them saw of a stale file."""
    path = tmp_path / "s.sock"
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(path))
    listeners = [BareListener(path) for _ in range(8)]

    outcomes = await asyncio.gather(*(listener.open() for listener in listeners), return_exceptions=True)
    winner = listeners[outcomes.index(None)]
    serves = await winner.serves()
    for listener in listeners:
        await listener.end()

    assert [str(each) for each in outcomes if each is not None] == [LIVE] * 7
    assert serves
    assert not path.exists()


async def test_a_successor_keeps_its_file(tmp_path: Path) -> None:
    """A listener that ends removes its own file only."""
    path = tmp_path / "s.sock"
    first, second = BareListener(path), BareListener(path)
    await first.open()
    path.unlink()
    await second.open()

    await first.end()
    serves = await second.serves()
    await second.end()

    assert serves


@pytest.mark.parametrize("mode", [0o600, 0o666, 0o770])
async def test_mode_and_group_are_set(tmp_path: Path, mode: int) -> None:
    """The file has them whatever the umask is, before anybody can connect."""
    own = grp.getgrgid(os.getegid()).gr_name
    listener = BareListener(tmp_path / "s.sock", mode, own)
    before = os.umask(0o077)

    try:
        await listener.open()
    finally:
        os.umask(before)
    found = os.lstat(listener.settings.path)
    await listener.end()

    assert (stat.S_IMODE(found.st_mode), found.st_gid) == (mode, os.getegid())


async def test_a_locked_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock that is never released is an error, and not a server that never starts."""
    monkeypatch.setattr(unix_socket, "LOCK_SECONDS", 0.05)
    monkeypatch.setattr(unix_socket, "_try_lock", lambda _descriptor: False)

    reason = await BareListener(tmp_path / "s.sock").refused()

    assert reason == "another process has locked the directory; try again, or stop it"


NO_SOCKET = "a file exists that is not a socket; remove it, or choose another path"


async def test_paths_that_cannot_be_had(tmp_path: Path) -> None:
    """Each is refused in plain words by a start, and by a check in the same ones."""
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("elsewhere")
    cases = {
        tmp_path / "file": NO_SOCKET,
        tmp_path / "link": NO_SOCKET,
        tmp_path: NO_SOCKET,
        tmp_path / "nope" / "s": f"there is no directory {tmp_path}/nope; create it, or choose another path",
        tmp_path / ("x" * 108): "the path is longer than 107 bytes; choose a shorter one",
        tmp_path / "a\0b": "a path has no zero byte; choose another one",
    }

    started = [await BareListener(path).refused() for path in cases]
    checked = [obstacle(UnixSocketSettings(str(path))) for path in cases]

    assert list(cases.values()) == started == checked


async def test_a_check_makes_nothing(tmp_path: Path) -> None:
    """A free path, a stale file and a live socket are no obstacles, and are left as they are."""
    paths = [tmp_path / name for name in ("free", "stale", "live")]
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(paths[1]))
    live = BareListener(paths[2])
    await live.open()

    found = [obstacle(UnixSocketSettings(str(path))) for path in paths]
    names = _names(tmp_path)
    await live.serves()
    await live.end()

    assert (found, names) == (["", "", ""], ["live", "stale"])


async def test_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A group is a name or a number; one that does not exist, or that may not be given, is an error."""
    own = grp.getgrgid(os.getegid())
    missing = 'there is no group "no-such-group"; create it, or choose another one'

    refused = await BareListener(tmp_path / "s", group="no-such-group").refused()
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os, "getgroups", list)
    checked = obstacle(UnixSocketSettings(str(tmp_path / "s"), group="4000000000"))

    assert {own.gr_gid} == {group_number(own.gr_name), group_number(str(own.gr_gid))}
    assert group_number(None) is None
    assert refused == missing == obstacle(UnixSocketSettings(str(tmp_path / "s"), group="no-such-group"))
    assert checked == 'this user is not in the group "4000000000"; add it, or choose another group'


async def test_a_group_that_may_not_be_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The start fails, and no file is left."""

    def forbid(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "chown", forbid)

    reason = await BareListener(tmp_path / "s", group=str(os.getegid())).refused()

    assert reason.startswith("this user is not in the group")
    assert _names(tmp_path) == []
