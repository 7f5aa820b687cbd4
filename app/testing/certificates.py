"""Certificates for tests of TLS: an authority, a server on this machine, a client."""

import datetime as dt
import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_VALID = dt.timedelta(days=30)
_NAMES = ("localhost",)
_ADDRESSES = ("127.0.0.1", "::1")
CLIENT_NAME = "client"


@dataclass(frozen=True, slots=True)
class TlsCertificates:
    """Paths of PEM files, and what a client needs to connect with them."""

    ca_file: str
    cert_file: str
    """Of the server, for localhost."""
    key_file: str
    client_cert_file: str
    client_key_file: str

    @property
    def config(self) -> dict[str, str]:
        """The section ``tls`` of a server."""
        return {"cert_file": self.cert_file, "key_file": self.key_file}

    def ssl_context(self, *, client_certificate: bool = False) -> ssl.SSLContext:
        """For a client that trusts the authority, and shows its own certificate if that is asked for."""
        context = ssl.create_default_context(cafile=self.ca_file)
        if client_certificate:
            context.load_cert_chain(self.client_cert_file, self.client_key_file)
        return context


def make_files(folder: Path) -> TlsCertificates:
    """Write new certificates, valid for a month, to a folder."""
    key = ec.generate_private_key(ec.SECP256R1())
    authority = _certificate("pynatsd tests", key, None, [])
    names = [
        *(x509.DNSName(name) for name in _NAMES),
        *(x509.IPAddress(ipaddress.ip_address(address)) for address in _ADDRESSES),
    ]
    server = _signed("localhost", names, ExtendedKeyUsageOID.SERVER_AUTH, (authority, key))
    client = _signed(
        CLIENT_NAME, [x509.DNSName(CLIENT_NAME)], ExtendedKeyUsageOID.CLIENT_AUTH, (authority, key)
    )
    return TlsCertificates(
        ca_file=_write(folder / "ca.pem", _pem(authority)),
        cert_file=_write(folder / "server.pem", _pem(server[0])),
        key_file=_write(folder / "server-key.pem", _private(server[1])),
        client_cert_file=_write(folder / "client.pem", _pem(client[0])),
        client_key_file=_write(folder / "client-key.pem", _private(client[1])),
    )


Signer = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]


def _signed(
    name: str, names: list[x509.GeneralName], usage: x509.ObjectIdentifier, signer: Signer
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    extensions = [x509.SubjectAlternativeName(names), x509.ExtendedKeyUsage([usage])]
    return _certificate(name, key, signer, extensions), key


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    signer: Signer | None,
    extensions: list[x509.ExtensionType],
) -> x509.Certificate:
    """A certificate; an authority's without a signer."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signing_key = key if signer is None else signer[1]
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if signer is None else signer[0].subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + _VALID)
        .add_extension(x509.BasicConstraints(ca=signer is None, path_length=None), critical=True)
        .add_extension(_key_usage(is_authority=signer is None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key()), critical=False
        )
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(signing_key, hashes.SHA256())


def _key_usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return str(path)
