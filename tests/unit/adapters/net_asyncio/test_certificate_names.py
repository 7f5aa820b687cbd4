"""Unit tests of reading the names in a certificate."""

import datetime as dt
import subprocess
import sys

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from app.adapters.net_asyncio.certificate_names import names_in
from app.domain.security.certificate import CertificateNames
from tests.support.patience import PATIENCE

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def certificate(subject: x509.Name, *others: x509.GeneralName) -> bytes:
    """A certificate with these names, in DER form."""
    builder = x509.CertificateBuilder(
        subject, subject, KEY.public_key(), 1, START, START + dt.timedelta(days=1)
    )
    if others:
        builder = builder.add_extension(x509.SubjectAlternativeName(others), critical=False)
    signed: x509.Certificate = builder.sign(KEY, None)
    return signed.public_bytes(Encoding.DER)


def part(oid: x509.ObjectIdentifier, value: str) -> "x509.NameAttribute[str]":
    """An attribute of a subject."""
    return x509.NameAttribute(oid, value)


def test_the_names() -> None:
    """Each kind of name is read in its order; the subject has its narrowest part first."""
    subject = x509.Name(
        [
            x509.RelativeDistinguishedName([part(NameOID.DOMAIN_COMPONENT, "org")]),
            x509.RelativeDistinguishedName([part(NameOID.ORGANIZATION_NAME, "Example")]),
            x509.RelativeDistinguishedName([part(NameOID.COMMON_NAME, "derek, jr")]),
            x509.RelativeDistinguishedName([part(NameOID.EMAIL_ADDRESS, "m@b")]),
        ]
    )
    names = names_in(
        certificate(
            subject,
            x509.DNSName("a.example.org"),
            x509.RFC822Name("derek@example.org"),
            x509.UniformResourceIdentifier("spiffe://a/b"),
            x509.RFC822Name("d@example.org"),
        )
    )

    assert names is not None
    assert ("derek@example.org", "d@example.org") == names.emails
    assert (("a.example.org",), ("spiffe://a/b",)) == (names.dns_names, names.uris)
    assert r"1.2.840.113549.1.9.1=m@b,CN=derek\, jr,O=Example,DC=org" == names.subject_text


def test_a_part_with_two_attributes() -> None:
    """Two attributes of one part of a name stay together."""
    pair = [part(NameOID.COMMON_NAME, "a"), part(NameOID.ORGANIZATIONAL_UNIT_NAME, "x")]
    names = names_in(certificate(x509.Name([x509.RelativeDistinguishedName(pair)])))

    assert names is not None
    assert [{("CN", "a"), ("OU", "x")}] == [set(each) for each in names.subject]


def test_a_value_that_is_no_text() -> None:
    """It is shown as digits, which no user's name has."""
    bits = x509.NameAttribute(NameOID.X500_UNIQUE_IDENTIFIER, b"\x00\x01", x509.name._ASN1Type.BitString)  # noqa: SLF001 - there is no other way
    names = names_in(certificate(x509.Name([bits])))

    assert names is not None
    assert "2.5.4.45=\\#0001" == names.subject_text


def test_no_names() -> None:
    """An empty certificate has none."""
    assert CertificateNames() == names_in(certificate(x509.Name([])))


@pytest.mark.parametrize("der", [b"", b"\x30\x03abc"])
def test_what_cannot_be_read(der: bytes) -> None:
    """It names nobody, and harms nobody."""
    assert names_in(der) is None


def test_names_that_cannot_be_read() -> None:
    """An address with letters that addresses do not have spoils all names."""
    der = certificate(x509.Name([]), x509.RFC822Name("derek@example.org"))

    assert names_in(der.replace(b"derek@", b"\xff\xfeeek"[:6].ljust(6, b"\xff"))) is None


@pytest.mark.parametrize("call", ["", "prepare()"])
def test_what_is_loaded(call: str) -> None:
    """A server that reads no names does not import the cryptography package; another one does so at start."""
    code = f"""
import sys
from app.adapters.net_asyncio.tls_layer import prepare
{call}
sys.exit(40 + ("cryptography.x509" in sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, timeout=PATIENCE)

    assert 40 + bool(call) == done.returncode
