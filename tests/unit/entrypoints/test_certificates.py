"""Unit tests of certificates that are read again."""

import ssl
from collections.abc import Callable
from pathlib import Path
from shutil import copy

import pytest

from app.adapters.monitoring.monitor import MonitorEndpoint
from app.adapters.net_asyncio.tls_layer import TlsLayers, TlsSettings
from app.config.options import Options, make_options
from app.domain.events import Event
from app.entrypoints.certificates import TlsUsers, certificate_files, read_again
from app.entrypoints.settings import (
    accepted_route_tls,
    client_tls,
    dialed_route_tls,
    monitor_endpoints,
    websocket_tls,
)
from tests.support.certificates import KeyPair, certificates

Make = Callable[[Options, Callable[[Event], None]], TlsSettings | None]


class Files:
    """A pair of files, and a configuration that has them in all its sections."""

    def __init__(self, folder: Path) -> None:
        self.pair = KeyPair(str(folder / "c.pem"), str(folder / "k.pem"))
        self.put(certificates().server)
        tls = {
            "cert_file": self.pair.cert_file,
            "key_file": self.pair.key_file,
            "ca_file": certificates().authority.ca_file,
        }
        self.options = make_options(
            {
                "tls": tls,
                "https_port": 8443,
                "cluster": {"port": -1, "tls": tls},
                "websocket": {"port": -1, "tls": tls},
            }
        )
        self.facts: list[Event] = []
        self.users = TlsUsers(
            self.layers(client_tls),
            self.layers(accepted_route_tls),
            self.layers(dialed_route_tls),
            self.layers(websocket_tls),
            monitor_endpoints(self.options),
        )

    def layers(self, make: Make) -> TlsLayers:
        """The layers of one listener or dialer."""
        settings = make(self.options, self.facts.append)
        assert settings is not None
        return TlsLayers(settings)

    def put(self, pair: KeyPair) -> None:
        """Change the contents of the files."""
        copy(pair.cert_file, self.pair.cert_file)
        copy(pair.key_file, self.pair.key_file)

    def contexts(self) -> list[ssl.SSLContext]:
        """What new links use."""
        users = self.users
        every = (users.clients, users.accepted_routes, users.dialed_routes, users.websockets)
        return [layers.settings.context for layers in every if layers is not None]

    def read_again(self) -> list[str]:
        """Read them; return the lines of the log."""
        self.facts.clear()
        read_again(certificate_files(self.options, self.users), self.facts.append)
        return [fact.text() for fact in self.facts]


@pytest.fixture(name="files")
def _files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def shown_by(page: MonitorEndpoint) -> bytes | None:
    """The certificate that a page shows."""
    assert page.tls is not None
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = certificates().client_context(trusting=True).wrap_bio(to_client, to_server)
    server = page.tls.wrap_bio(to_server, to_client, server_side=True)
    for end in (client, server, client):
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return client.getpeercert(binary_form=True)


def test_all_sections_are_read_again(files: Files) -> None:
    """New links of clients, routes, websockets and pages use what the files have now; each is a line."""
    before, (page,) = files.contexts(), files.users.pages
    shown_before = shown_by(page)
    files.put(certificates().rsa_server)

    lines = files.read_again()

    assert [
        f"Certificates of {section} read again, for new connections"
        for section in ("tls", "cluster.tls", "websocket.tls")
    ] == lines
    assert not set(before) & set(files.contexts())
    assert shown_before != shown_by(page)


def test_files_that_cannot_be_used(files: Files) -> None:
    """The old certificates stay, each with one error that names the file."""
    before, (page,) = files.contexts(), files.users.pages
    shown_before = shown_by(page)
    Path(files.pair.cert_file).unlink()

    lines = files.read_again()

    reason = f"open {files.pair.cert_file}: no such file or directory"
    assert [
        f"Certificates of {section} not read again, the old ones stay in use: "
        f"error parsing X509 certificate/key pair: {reason}"
        for section in ("tls", "cluster.tls", "websocket.tls")
    ] == lines
    assert before == files.contexts()
    assert shown_before == shown_by(page)


def test_without_tls_nothing_is_read() -> None:
    """A server without certificates has no files to read."""
    assert [] == certificate_files(make_options({}), TlsUsers())
