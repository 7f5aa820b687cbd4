"""Certificates for tests: of a trusted authority and of an unknown one. Made once per run."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import trustme

from app.adapters.net_asyncio.tls_context import TlsFiles

NAMES = ("localhost", "127.0.0.1", "::1")
"""Whom the servers' certificates are for."""


@dataclass(frozen=True)
class KeyPair:
    """A certificate and its key, each in a file."""

    cert_file: str
    key_file: str


class Authority:
    """Signs certificates; `ca_file` holds its own."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self._ca = trustme.CA()
        self.ca_file = str(folder / "ca.pem")
        self._ca.cert_pem.write_to_path(self.ca_file)

    def pair(
        self, name: str, *identities: str, expired: bool = False, rsa: bool = False, common_name: str = ""
    ) -> KeyPair:
        """Issue a certificate; `name` is that of its files. With a common name, its subject is known."""
        leaf = self._ca.issue_cert(
            *identities,
            common_name=common_name or None,
            organization_name="Example" if common_name else None,
            organization_unit_name="Tests" if common_name else None,
            not_before=datetime(2001, 1, 1, tzinfo=UTC) if expired else None,
            not_after=datetime(2002, 1, 1, tzinfo=UTC) if expired else None,
            key_type=trustme.KeyType.RSA if rsa else trustme.KeyType.ECDSA,
        )
        cert_file, key_file = self._folder / f"{name}.pem", self._folder / f"{name}-key.pem"
        for blob in leaf.cert_chain_pems:
            blob.write_to_path(str(cert_file), append=True)
        leaf.private_key_pem.write_to_path(str(key_file))
        return KeyPair(str(cert_file), str(key_file))


def _self_signed(folder: Path) -> KeyPair:
    """A certificate that nobody but itself vouches for."""
    own = trustme.CA()
    pair = KeyPair(str(folder / "own.pem"), str(folder / "own-key.pem"))
    own.cert_pem.write_to_path(pair.cert_file)
    own.private_key_pem.write_to_path(pair.key_file)
    return pair


class Certificates:
    """What the tests of one run share."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = Authority(folder / "authority")
        self.untrusted = Authority(folder / "untrusted")
        self.server = self.authority.pair("server", *NAMES)
        self.rsa_server = self.authority.pair("rsa-server", *NAMES, rsa=True)
        self.expired_server = self.authority.pair("expired-server", *NAMES, expired=True)
        self.client = self.authority.pair("client", "client@example.org")
        self.expired_client = self.authority.pair("expired-client", "old@example.org", expired=True)
        self.named_client = self.authority.pair("named-client", common_name="derek")
        """Its subject is ``CN=derek,OU=Tests,O=Example``, and it has no other name."""
        self.self_signed = _self_signed(folder)
        self.untrusted_client = self.untrusted.pair("client", "client@untrusted.example.org")

    def files(self, *, verify: bool = False, pair: KeyPair | None = None) -> TlsFiles:
        """Settings of a server, by default with its own pair."""
        chosen = pair or self.server
        return TlsFiles(chosen.cert_file, chosen.key_file, self.authority.ca_file, verify)

    def client_context(self, pair: KeyPair | None = None, *, trusting: bool = False) -> ssl.SSLContext:
        """What a client connects with: its certificate, if any, and trust in the authority, or in all."""
        context = ssl.create_default_context(cafile=self.authority.ca_file)
        if trusting:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if pair is not None:
            context.load_cert_chain(pair.cert_file, pair.key_file)
        return context


@cache
def _folder() -> TemporaryDirectory[str]:
    """Removed when the interpreter ends."""
    return TemporaryDirectory(prefix="certificates-")


@cache
def certificates() -> Certificates:
    """The certificates of this run."""
    return Certificates(Path(_folder().name))
