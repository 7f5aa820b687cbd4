"""Logins at a server whose users stand in a configuration file."""

import base64
import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nats
import pytest
from nats.aio.client import Client
from nats.errors import Error

from tests.support.blocking_client import read_until
from tests.support.nkeys import NkeyUser
from tests.support.patience import PATIENCE
from tests.support.server_process import ROOT, ServerProcess

HASH = "$2a$04$iyDf3UekqwBuuBszqIrkUeafC2YRN3VBypjEPXjSk1LCbiFVPlxba"
"""Of ``secret``."""

VIOLATION = b"-ERR 'Authorization Violation'\r\n"


@contextmanager
def serve(directory: Path, authorization: str, **env: str) -> Iterator[ServerProcess]:
    """A server with this section."""
    file = directory / "nats.conf"
    file.write_text(f"authorization {{\n{authorization}\n}}\n", "utf-8")
    with ServerProcess("-c", str(file), env=env) as server:
        yield server


def log_in(port: int, **login: str) -> bytes:
    """What a server answers to a login and the PING after it."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as link:
        read_until(link, b"\r\n")
        link.sendall(b"CONNECT " + json.dumps({"verbose": False, **login}).encode() + b"\r\nPING\r\n")
        return read_until(link, b"\r\n")


@pytest.mark.asyncio
async def test_a_hashed_password_with_a_client_library(tmp_path: Path) -> None:
    """A current client logs in with the right password, and gets an error for a wrong one."""
    with serve(tmp_path, f"user: derek\npassword: {HASH}") as server:
        client = await nats.connect(f"nats://derek:secret@127.0.0.1:{server.port}")
        await client.flush()
        await client.close()
        intruder = Client()
        with pytest.raises(Error, match="Authorization Violation"):
            await intruder.connect(f"nats://derek:wrong@127.0.0.1:{server.port}", allow_reconnect=False)
        await intruder.close()

        assert VIOLATION == log_in(server.port, user="derek", **{"pass": "wrong"})

    assert 2 == server.log.count("[ERR] 127.0.0.1:") == server.log.count("Authorization Error")
    assert "wrong" not in server.log


def test_several_users(tmp_path: Path) -> None:
    """Each of several users has a password of its own, plain or hashed."""
    users = f"users: [\n {{ user: derek, password: {HASH} }}\n {{ user: alice, password: foo }}\n]"
    with serve(tmp_path, users) as server:
        assert b"PONG\r\n" == log_in(server.port, user="derek", **{"pass": "secret"})
        assert b"PONG\r\n" == log_in(server.port, user="alice", **{"pass": "foo"})
        assert VIOLATION == log_in(server.port, user="alice", **{"pass": "secret"})
        assert VIOLATION == log_in(server.port)


@pytest.mark.parametrize("token", ["plain", HASH])
def test_a_token(tmp_path: Path, token: str) -> None:
    """A token may be plain or hashed."""
    with serve(tmp_path, f"token: '{token}'") as server:
        shown = "secret" if token == HASH else token

        assert b"PONG\r\n" == log_in(server.port, auth_token=shown)
        assert VIOLATION == log_in(server.port, auth_token="forged")  # noqa: S106 - a made-up token


def test_what_mkpasswd_prints_logs_in(tmp_path: Path) -> None:
    """The password that the tool makes up comes in where its hash is configured."""
    made = subprocess.run(
        [sys.executable, "-m", "app.entrypoints.mkpasswd", "-c", "4"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    match = re.fullmatch(r"pass: (.{22})\nbcrypt hash: (\S{60})\n", made.stdout)
    assert match is not None

    with serve(tmp_path, f"user: derek\npassword: {match[2]}") as server:
        assert b"PONG\r\n" == log_in(server.port, user="derek", **{"pass": match[1]})
        assert VIOLATION == log_in(server.port, user="derek", **{"pass": match[2]})


def test_an_authenticator_of_ones_own(tmp_path: Path) -> None:
    """Code that a file names judges, within the time that the file grants."""
    (tmp_path / "doorkeeper_of_the_test.py").write_text(
        "import asyncio\n"
        "async def check(credentials):\n"
        "    if credentials.user == 'hangs':\n"
        "        await asyncio.Event().wait()\n"
        "    return credentials.password == credentials.user[::-1]\n"
    )
    section = 'authenticator: "doorkeeper_of_the_test:check"\nauthenticator_timeout: "100ms"'
    with serve(tmp_path, section, PYTHONPATH=str(tmp_path)) as server:
        assert b"PONG\r\n" == log_in(server.port, user="derek", **{"pass": "kered"})
        assert VIOLATION == log_in(server.port, user="derek", **{"pass": "derek"})
        assert VIOLATION == log_in(server.port, user="hangs", **{"pass": "x"})

    assert "[ERR] Authenticator failed: it gave no verdict within 0.1 s" in server.log


def test_many_wrong_logins_at_once(tmp_path: Path) -> None:
    """While two hundred intruders are refused, a client inside has each of its pings answered."""
    slow = HASH.replace("$04$", "$06$")
    users = f"{{ user: derek, password: {slow} }}\n {{ user: w, password: w }}"
    with serve(tmp_path, f"users: [\n {users}\n]") as server:
        witness = dial_as_witness(server.port)
        intruders = [socket.create_connection(("127.0.0.1", server.port), PATIENCE) for _ in range(200)]
        for number, intruder in enumerate(intruders):
            login = {"user": "derek", "pass": f"wrong {number}", "verbose": False}
            intruder.sendall(b"CONNECT " + json.dumps(login).encode() + b"\r\n")
        refused = answered = 0
        for intruder in intruders:
            witness.sendall(b"PING\r\n")
            answered += read_until(witness, b"PONG\r\n") == b"PONG\r\n"
            refused += read_until(intruder, VIOLATION).endswith(VIOLATION)
            intruder.close()
        witness.close()

        assert (200, 200) == (refused, answered)


def dial_as_witness(port: int) -> socket.socket:
    """A client that came in with a plain password."""
    link = socket.create_connection(("127.0.0.1", port), PATIENCE)
    link.sendall(b'CONNECT {"user":"w","pass":"w","verbose":false}\r\nPING\r\n')
    read_until(link, b"PONG\r\n")
    return link


def log_in_by_nkey(port: int, user: NkeyUser, *, standard: bool = False, nonce: str = "") -> bytes:
    """What a server answers to a signature of its nonce, or of another, and the PING after it."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as link:
        info = json.loads(read_until(link, b"\r\n").removeprefix(b"INFO "))
        nonce = nonce or info["nonce"]
        sig = base64.b64encode(user.sign(nonce)).decode() if standard else user.sig(nonce)
        login = {"verbose": False, "nkey": user.nkey, "sig": sig}
        link.sendall(b"CONNECT " + json.dumps(login).encode() + b"\r\nPING\r\n")
        return read_until(link, b"\r\n")


def test_users_by_nkey_beside_users_with_passwords(tmp_path: Path) -> None:
    """A signature of this connection's nonce lets in, in both forms; another one does not."""
    user, other = NkeyUser(1), NkeyUser(2)
    users = f"users: [\n {{ nkey: {user.nkey} }}\n {{ user: alice, password: foo }}\n]"
    with serve(tmp_path, users) as server:
        assert b"PONG\r\n" == log_in_by_nkey(server.port, user)
        assert b"PONG\r\n" == log_in_by_nkey(server.port, user, standard=True)
        assert b"PONG\r\n" == log_in(server.port, user="alice", **{"pass": "foo"})
        assert VIOLATION == log_in_by_nkey(server.port, other)
        assert VIOLATION == log_in_by_nkey(server.port, user, nonce="A" * 15)
        assert VIOLATION == log_in(server.port, nkey=user.nkey)
        assert VIOLATION == log_in(server.port, nkey=user.nkey, sig="x", jwt="x.y.z")


def test_a_bad_nkey_stops_the_start(tmp_path: Path) -> None:
    """The error of a key that is none has its place in the file."""
    file = tmp_path / "nats.conf"
    file.write_text("authorization { users: [ { nkey: UABC } ] }\n", "utf-8")
    command = [sys.executable, "-m", "app.entrypoints.server", "--check", "-c", str(file)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=PATIENCE)

    assert 0 != ended.returncode
    assert "nats.conf:1:34: Not a valid public nkey for a user" in ended.stdout + ended.stderr
