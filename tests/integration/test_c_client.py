"""The C client against a server of today, over each twin."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from tests.support.certificates import certificates
from tests.support.foreign_clients import ForeignClient, c_client
from tests.support.nkeys import NkeyUser
from tests.support.server_process import CURRENT, ServerProcess
from tests.support.twins import twins

CHECKS = ("everyday", "verbose", "headers", "request", "no_responders", "no_echo", "drain")


@pytest.fixture(scope="module")
def client() -> Iterator[ForeignClient]:
    """The program that is run."""
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
def test_c_client(client: ForeignClient, url: str, check: str) -> None:
    """What the C client does every day works."""
    client.run(check, url)


def test_c_client_reconnects(client: ForeignClient, twin: dict[str, str]) -> None:
    """It comes back to a restarted server, its subscriptions with it."""
    with ServerProcess(*CURRENT, env=twin) as server, client.running("reconnect", server.url) as program:
        assert program.stdout is not None
        assert "connected\n" == program.stdout.readline()
        server.stop()
        with ServerProcess(*CURRENT, "-p", str(server.port), env=twin):
            program.wait(60)


def test_c_client_with_an_nkey(client: ForeignClient, twin: dict[str, str], tmp_path: Path) -> None:
    """It signs the nonce of INFO, and is let in."""
    user = NkeyUser()
    config, seed = tmp_path / "nkey.conf", tmp_path / "user.nk"
    config.write_text(f"authorization {{ users: [ {{ nkey: {user.nkey} }} ] }}\n")
    seed.write_text(user.seed)
    with ServerProcess(*CURRENT, "-c", str(config), env=twin) as server:
        client.run("nkey", server.url, user.nkey, str(seed))


def test_c_client_without_permission(client: ForeignClient, twin: dict[str, str], tmp_path: Path) -> None:
    """It reports what is denied, by subject, and works on with the rest."""
    denied = '{ deny: "secret" }'
    permissions = f"{{ publish: {denied}, subscribe: {denied} }}"
    config = tmp_path / "permissions.conf"
    config.write_text(
        f"authorization {{ users: [ {{ user: user, password: secret, permissions: {permissions} }} ] }}\n"
    )
    with ServerProcess(*CURRENT, "-c", str(config), env=twin) as server:
        client.run("permissions", f"nats://user:secret@127.0.0.1:{server.port}")


def test_c_client_with_tls(client: ForeignClient, twin: dict[str, str]) -> None:
    """It begins TLS after INFO."""
    files = certificates().files()
    flags = ("--tls", "--tlscert", files.cert_file, "--tlskey", files.key_file)
    with ServerProcess(*CURRENT, *flags, env=twin) as server:
        client.run("tls", f"nats://localhost:{server.port}", files.ca_file)
