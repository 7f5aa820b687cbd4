"""Logins with hashed passwords, and with an authenticator of the operator's own, on a running server.

What CONNECT means for a login is tested in ``test_authorization``.
"""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager

import bcrypt
import nats
import pytest

from app.adapters.auth.guard import AuthenticatorFailed
from app.adapters.auth.hash_workers import default_workers
from app.adapters.auth.setup import AuthSettings
from app.domain.events import AuthorizationFailed
from app.domain.security.credentials import Credentials
from tests.integration.exchanges import AUTHORIZATION_VIOLATION, OK, PONG
from tests.support.auth_server import auth_server
from tests.support.embedded import EmbeddedServer, Transport
from tests.support.patience import PATIENCE
from tests.support.raw_client import RawClient
from tests.support.witness import Witness

pytestmark = pytest.mark.asyncio

SECONDS = PATIENCE

HASH = "$2a$04$iyDf3UekqwBuuBszqIrkUeafC2YRN3VBypjEPXjSk1LCbiFVPlxba"
"""Of ``secret``; cost 4, to be quick."""

USERS = AuthSettings(users={"derek": HASH, "alice": "foo", "bob": ""})


class HeldHashes:
    """Every hash begins, and ends when `release` has been called."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._compute = bcrypt.hashpw
        self._begun = threading.Semaphore(0)
        self._open = threading.Event()
        monkeypatch.setattr(bcrypt, "hashpw", self._hashpw)

    def _hashpw(self, password: bytes, salt: bytes) -> bytes:
        self._begun.release()
        assert self._open.wait(SECONDS), "the test never released the hashes"
        return self._compute(password, salt)

    async def wait_for_one(self) -> None:
        """Return once one more hash has begun, while the loop turns."""
        assert await asyncio.to_thread(self._begun.acquire, timeout=SECONDS)

    def begun(self) -> int:
        """How many have begun that nobody has waited for: of those, one is the honest client's."""
        count = 0
        while self._begun.acquire(blocking=False):
            count += 1
        return count

    def release(self) -> None:
        """Let all hashes end."""
        self._open.set()


@pytest.fixture(name="held")
def _held(monkeypatch: pytest.MonkeyPatch) -> Iterator[HeldHashes]:
    held = HeldHashes(monkeypatch)
    yield held
    held.release()


@pytest.fixture(name="transport", params=["tcp", "memory"])
def _transport(request: pytest.FixtureRequest) -> Transport:
    transport: Transport = request.param
    return transport


def serve(
    transport: Transport, settings: AuthSettings = USERS
) -> AbstractAsyncContextManager[EmbeddedServer]:
    """A server that lets in whom the settings let in."""
    return auth_server(transport, settings)


def connect_line(user: str, password: str) -> bytes:
    """A login that wants no +OK."""
    return b"CONNECT " + json.dumps({"user": user, "pass": password, "verbose": False}).encode() + b"\r\n"


async def log_in(server: EmbeddedServer, user: str, password: str) -> RawClient:
    """A client that has sent its login and a PING."""
    client = await server.connect()
    await client.send(connect_line(user, password) + b"PING\r\n")
    return client


async def witness_of(server: EmbeddedServer) -> Witness:
    """A witness that came in with a plain password."""
    client = await log_in(server, "alice", "foo")
    await client.expect(PONG)
    await client.send(b"SUB witness w\r\n")
    await client.fence()
    return Witness(client)


@pytest.mark.parametrize(("user", "password"), [("derek", "secret"), ("alice", "foo"), ("bob", "")])
async def test_each_user_with_the_right_password(transport: Transport, user: str, password: str) -> None:
    """Users with a hashed, a plain and an empty password come in side by side."""
    async with serve(transport) as server:
        client = await log_in(server, user, password)

        await client.expect(PONG)


@pytest.mark.parametrize(
    ("user", "password"),
    [
        ("derek", "Secret"),
        ("derek", ""),
        ("derek", HASH),
        ("derek", 73 * "s"),
        ("derek", 900 * "s"),
        ("derek", "secret\0"),
        ("derek", "sécret"),
        ("derek", "\udc00"),
        ("alice", "secret"),
        ("bob", "x"),
        ("eve", "secret"),
        ("", ""),
    ],
)
async def test_anyone_else(transport: Transport, user: str, password: str) -> None:
    """Any other pair is refused: one line to the client, one to the log, the password in neither."""
    async with serve(transport) as server:
        client = await log_in(server, user, password)
        await client.expect_end(AUTHORIZATION_VIOLATION)

        assert 1 == len(server.log.of(AuthorizationFailed))
        assert "Authorization Error" in server.log.texts()
        assert not any(password in text for text in server.log.texts() if len(password) > 1)


async def test_everyone_is_served_while_a_hash_runs(transport: Transport, held: HeldHashes) -> None:
    """While a login is being checked the server takes connections, messages and other logins."""
    async with serve(transport) as server:
        witness = await witness_of(server)
        slow = await log_in(server, "derek", "secret")
        await held.wait_for_one()

        for _ in range(50):
            await witness.expect_unharmed()
        await (await log_in(server, "alice", "foo")).expect(PONG)
        await (await log_in(server, "alice", "wrong")).expect_end(AUTHORIZATION_VIOLATION)

        held.release()
        await slow.expect(PONG)


@pytest.mark.parametrize("parting", ["close", "half close", "abort"])
async def test_a_crowd_that_leaves_is_no_work(transport: Transport, held: HeldHashes, parting: str) -> None:
    """Who leaves before the verdict is gone at once, and what waited for its turn is never computed."""
    async with serve(transport) as server:
        witness = await witness_of(server)
        crowd = [await log_in(server, "derek", f"wrong {number}") for number in range(100)]
        await held.wait_for_one()

        for client in crowd:
            if parting == "close":
                await client.close()
            elif parting == "abort":
                client.abort()
            else:
                client.half_close()
        async with asyncio.timeout(SECONDS):
            while len(server.container.broker().sessions) > 1:  # noqa: ASYNC110 - the broker has no event
                await asyncio.sleep(0.01)
        await witness.expect_unharmed()
        honest = await log_in(server, "derek", "secret")
        held.release()

        await honest.expect(PONG)
        assert [] == server.log.of(AuthorizationFailed)
        assert held.begun() <= default_workers()


async def test_a_message_behind_a_login_arrives(transport: Transport, held: HeldHashes) -> None:
    """A client that sends its login, a message and its end of file in one go is heard."""
    async with serve(transport) as server:
        witness = await log_in(server, "alice", "foo")
        await witness.expect(PONG)
        await witness.send(b"SUB news 1\r\n")
        await witness.fence()
        sender = await server.connect()
        await sender.send(connect_line("derek", "secret") + b"PUB news 2\r\nok\r\n")
        sender.half_close()
        await held.wait_for_one()

        held.release()

        await witness.expect(b"MSG news 1 2\r\nok\r\n")


async def test_many_wrong_logins_at_once(transport: Transport) -> None:
    """Two hundred intruders are refused; who is inside, and who logs in among them, is not harmed."""
    async with serve(transport) as server:
        witness = await witness_of(server)
        intruders = [await log_in(server, "derek", f"wrong {number}") for number in range(200)]
        await witness.expect_unharmed()

        await (await log_in(server, "derek", "secret")).expect(PONG)
        for intruder in intruders:
            await intruder.expect_end(AUTHORIZATION_VIOLATION)
        await witness.expect_unharmed()

        assert 200 == len(server.log.of(AuthorizationFailed))


async def test_clients_that_come_back_together(transport: Transport) -> None:
    """Many logins with the same right password at once all succeed."""
    async with serve(transport) as server:
        clients = await asyncio.gather(*(log_in(server, "derek", "secret") for _ in range(100)))

        for client in clients:
            await client.expect(PONG)


async def test_a_client_that_leaves_while_it_is_checked(transport: Transport, held: HeldHashes) -> None:
    """Its verdict comes too late, and harms nobody."""
    async with serve(transport) as server:
        witness = await witness_of(server)
        leaver = await log_in(server, "derek", "secret")
        await held.wait_for_one()

        leaver.abort()
        await witness.expect_unharmed()
        held.release()

        await (await log_in(server, "derek", "secret")).expect(PONG)
        await witness.expect_unharmed()


async def test_a_server_that_ends_while_a_hash_runs(transport: Transport, held: HeldHashes) -> None:
    """The end of the server does not wait for a hash, and who waited for it is closed."""
    async with serve(transport) as server:
        client = await log_in(server, "derek", "secret")
        await held.wait_for_one()

        await asyncio.wait_for(server.stop(), SECONDS)

        await client.expect_end(b"")


async def test_what_stands_after_the_login_waits(transport: Transport, held: HeldHashes) -> None:
    """Operations sent along with a login are obeyed after its verdict, and in order."""
    async with serve(transport) as server:
        client = await server.connect()
        await client.send(
            b'CONNECT {"user":"derek","pass":"secret"}\r\nSUB foo 1\r\nPUB foo 2\r\nok\r\nPING\r\n'
        )
        await held.wait_for_one()

        held.release()

        await client.expect(OK + OK + OK + b"MSG foo 1 2\r\nok\r\n" + PONG)


async def test_a_hashed_token(transport: Transport) -> None:
    """A token may be configured as a hash as well."""
    async with serve(transport, AuthSettings(token=HASH)) as server:
        good, bad = await server.connect(), await server.connect()

        await good.send(b'CONNECT {"auth_token":"secret"}\r\n')
        await bad.send(f'CONNECT {{"auth_token":"{HASH}"}}\r\n'.encode())

        await good.expect(OK)
        await bad.expect_end(AUTHORIZATION_VIOLATION)


@pytest.mark.parametrize("login", ["derek:secret", "alice:foo"])
async def test_a_client_library(login: str) -> None:
    """A client of today logs in with user and password in its URL."""
    async with serve("tcp") as server:
        client = await nats.connect(f"nats://{login}@127.0.0.1:{server.port}")

        await client.flush()
        was_let_in = client.is_connected
        await client.close()

    assert was_let_in


async def check(credentials: Credentials) -> bool:
    """An authenticator of the operator's own, of mixed quality."""
    if credentials.user == "raises":
        raise ValueError(credentials.password)
    if credentials.user == "hangs":
        await asyncio.Event().wait()
    if credentials.user == "babbles":
        return credentials.password  # type: ignore[return-value] # the defect under test
    return credentials.password == credentials.user[::-1]


@pytest.mark.parametrize("user", ["raises", "hangs", "babbles"])
async def test_an_authenticator_that_fails(transport: Transport, user: str) -> None:
    """It refuses the one it failed on, within its time; the others come in, and the log says why."""
    settings = AuthSettings(authenticator=f"{__name__}:check", authenticator_seconds=0.1)
    async with serve(transport, settings) as server:
        good = await log_in(server, "derek", "kered")
        victim = await log_in(server, user, "s3cr3t")

        await good.expect(PONG)
        await victim.expect_end(AUTHORIZATION_VIOLATION)
        await good.fence()

        (failure,) = server.log.of(AuthenticatorFailed)
        assert "s3cr3t" not in failure.text()
        assert 1 == len(server.log.of(AuthorizationFailed))
