"""The Node and the C client against a server of today, over each twin."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from tests.support.certificates import certificates
from tests.support.foreign_clients import ForeignClient, c_client, node_client, node_has_websockets
from tests.support.nkeys import NkeyUser
from tests.support.server_process import CURRENT, ServerProcess
from tests.support.twins import twins

CHECKS = ("everyday", "verbose", "headers", "request", "no_responders", "no_echo", "drain")
"""What both do; `request_many` is of the Node client alone."""


@pytest.fixture(scope="module", params=["node", "c"])
def language(request: pytest.FixtureRequest) -> str:
    """Of the client."""
    return cast("str", request.param)


@pytest.fixture(scope="module")
def client(language: str) -> Iterator[ForeignClient]:
    """The program that is run."""
    if language == "node":
        yield node_client()
    else:
        with c_client() as program:
            yield program


@pytest.fixture(scope="module", params=twins())
def twin(request: pytest.FixtureRequest) -> dict[str, str]:
    """The environment that chooses a data plane."""
    return {"PYNATSD_DATA_PLANE": cast("str", request.param)}


@pytest.fixture(scope="module")
def url(request: pytest.FixtureRequest, twin: dict[str, str]) -> Iterator[str]:
    """A server for all checks that need no configuration; none is started without a client."""
    request.getfixturevalue("client")
    with ServerProcess(*CURRENT, env=twin) as server:
        yield server.url


@pytest.mark.parametrize("check", CHECKS)
def test_every_day(client: ForeignClient, url: str, check: str) -> None:
    """What the client does every day works."""
    client.verify(check, url)


@pytest.mark.parametrize("language", ["node"], indirect=True)
def test_many_answers(client: ForeignClient, url: str) -> None:
    """`requestMany` gets the answers of all that serve a subject."""
    client.verify("request_many", url)


def test_reconnect(client: ForeignClient, twin: dict[str, str]) -> None:
    """It comes back to a restarted server, its subscriptions with it."""
    with ServerProcess(*CURRENT, env=twin) as server, client.running("reconnect", server.url) as program:
        assert program.stdout is not None
        assert "connected\n" == program.stdout.readline()
        server.stop()
        with ServerProcess(*CURRENT, "-p", str(server.port), env=twin):
            program.wait(60)


def test_a_login_with_an_nkey(
    client: ForeignClient, language: str, twin: dict[str, str], tmp_path: Path
) -> None:
    """It signs the nonce of INFO, and is let in."""
    user = NkeyUser()
    config, seed = tmp_path / "nkey.conf", tmp_path / "user.nk"
    config.write_text(f"authorization {{ users: [ {{ nkey: {user.nkey} }} ] }}\n")
    seed.write_text(user.seed)
    key = (user.seed,) if language == "node" else (user.nkey, str(seed))
    with ServerProcess(*CURRENT, "-c", str(config), env=twin) as server:
        client.verify("nkey", server.url, *key)


def test_without_permission(
    client: ForeignClient, language: str, twin: dict[str, str], tmp_path: Path
) -> None:
    """It reports what is denied, by subject, and works on with the rest."""
    denied = '{ deny: "secret" }'
    permissions = f"{{ publish: {denied}, subscribe: {denied} }}"
    config = tmp_path / "permissions.conf"
    config.write_text(
        f"authorization {{ users: [ {{ user: user, password: secret, permissions: {permissions} }} ] }}\n"
    )
    login = "" if language == "node" else "user:secret@"  # the Node program has it in itself
    with ServerProcess(*CURRENT, "-c", str(config), env=twin) as server:
        client.verify("permissions", f"nats://{login}127.0.0.1:{server.port}")


def test_tls(client: ForeignClient, twin: dict[str, str]) -> None:
    """It begins TLS after INFO."""
    files = certificates().files()
    flags = ("--tls", "--tlscert", files.cert_file, "--tlskey", files.key_file)
    with ServerProcess(*CURRENT, *flags, env=twin) as server:
        client.verify("tls", f"nats://localhost:{server.port}", files.ca_file)


@pytest.mark.parametrize("language", ["node"], indirect=True)
@pytest.mark.parametrize("compression", ["false", "true"])
def test_over_a_websocket(
    client: ForeignClient, twin: dict[str, str], tmp_path: Path, compression: str
) -> None:
    """`wsconnect` does the same over a websocket."""
    if not node_has_websockets():
        pytest.skip("node has no WebSocket before version 22")
    config = tmp_path / "websocket.conf"
    config.write_text(
        f'websocket {{ host: "127.0.0.1", port: -1, no_tls: true, compression: {compression} }}\n'
    )
    with ServerProcess(*CURRENT, "-c", str(config), env=twin) as server:
        found = re.search(r"ws://\S+", server.wait_for("Listening for websocket clients"))
        assert found is not None
        client.verify("websocket", found[0])
