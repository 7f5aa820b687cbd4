"""The authenticators that the page on authentication shows do what it says."""

import asyncio
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.adapters.auth.guard import AuthenticatorFailed
from app.adapters.auth.setup import AuthSettings
from tests.support.auth_server import auth_server
from tests.support.certificates import certificates
from tests.support.nkeys import NkeyUser
from tests.support.patience import PATIENCE
from tests.support.server_process import ROOT
from tests.support.tls_server import HOST, tls_server
from tests.support.tls_stream import TlsStream

pytestmark = pytest.mark.asyncio

PAGE = (ROOT / "docs" / "authentication.md").read_text("utf-8")
FUNCTION, FACTS, CLASS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)

VIOLATION = b"-ERR 'Authorization Violation'\r\n"


@pytest.fixture(name="directory")
def _directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where an operator keeps modules, and where the server finds them."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    sys.modules.pop("doorkeeper", None)


async def verdicts(name: str, *logins: dict[str, str]) -> list[bytes]:
    """The first line that a server with this authenticator answers to each login."""
    lines = []
    async with auth_server("memory", AuthSettings(authenticator=name)) as server:
        for login in logins:
            client = await server.connect()
            await client.send(b"CONNECT " + json.dumps(login).encode() + b"\r\n")
            lines.append(await client.line())
        assert not server.log.of(AuthenticatorFailed)
    return lines


async def test_the_function_lets_in_who_is_on_the_list(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader who pastes the function gets the server that the page promises."""
    people = directory / "people.json"
    people.write_text(json.dumps({"derek": "T0pS3cr3t"}))
    monkeypatch.setenv("DOORKEEPER_LIST", str(people))
    (directory / "doorkeeper.py").write_text(FUNCTION)

    assert [b"+OK\r\n", VIOLATION, VIOLATION, VIOLATION] == await verdicts(
        "doorkeeper:check",
        {"user": "derek", "pass": "T0pS3cr3t"},
        {"user": "derek", "pass": "wrong"},
        {"user": "alice", "pass": "T0pS3cr3t"},
        {},
    )
    assert '"doorkeeper:check"' in PAGE


async def test_the_class_lets_in_who_shows_a_badge(directory: Path) -> None:
    """A reader who pastes the class gets an authenticator, too."""
    (directory / "doorkeeper.py").write_text(CLASS)

    assert [b"+OK\r\n", VIOLATION] == await verdicts(
        "doorkeeper:Badges", {"auth_token": "b4dg3"}, {"auth_token": "forged"}
    )


async def test_the_function_sees_certificates_and_signatures(directory: Path) -> None:
    """A reader who pastes it gets people in by certificate, and a machine by its key, and nobody else."""
    (directory / "doorkeeper.py").write_text(FACTS)
    own, ours = {"authenticator": "doorkeeper:check"}, certificates()

    async with tls_server(ours.files(verify=True), authorization=own) as server:
        people = await server.connect(ours.client_context(ours.client))
        await people.send(b'CONNECT {"user":"x"}\r\n')
        other = await server.connect(ours.client_context(ours.named_client))
        await other.send(b'CONNECT {"user":"client@example.org"}\r\n')
        assert [b"+OK\r\n", VIOLATION] == [await people.line(), await other.line()]
        assert ["client@example.org"] == [
            session.profile.user for session in server.container.broker().sessions.values()
        ]
    async with tls_server(authorization=own) as server:
        answers = [await sign(server.port, NkeyUser(1), seed) for seed in (1, 2)]
        answers.append(await sign(server.port, NkeyUser(2), 2))
        assert not server.log.of(AuthenticatorFailed)
    assert [b"+OK\r\n", VIOLATION, VIOLATION] == answers


async def sign(port: int, user: NkeyUser, seed: int) -> bytes:
    """The answer to a client that names the key of a user, and signs the nonce with that of a seed."""
    reader, writer = await asyncio.open_connection(HOST, port)
    nonce = json.loads((await reader.readline())[5:])["nonce"]
    stream = TlsStream(reader, writer, certificates().client_context())
    await stream.shake_hands()
    login = {"nkey": user.nkey, "sig": NkeyUser(seed).sig(nonce)}
    stream.write(b"CONNECT " + json.dumps(login).encode() + b"\r\n")
    answer = await asyncio.wait_for(stream.read(4096), PATIENCE)
    writer.transport.abort()
    return answer
