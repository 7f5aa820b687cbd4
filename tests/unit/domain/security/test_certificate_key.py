"""Unit tests of pins: the public keys of certificates, as they are named in the configuration."""

from datetime import UTC, datetime
from hashlib import sha256

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from app.domain.security.certificate_key import key_pin

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey

KEYS: dict[str, PrivateKey] = {
    "p256": ec.generate_private_key(ec.SECP256R1()),
    "p521": ec.generate_private_key(ec.SECP521R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate(),
    "rsa": rsa.generate_private_key(65537, 2048),
}
WRONG = "this is no certificate in DER form"


def certificate(key: PrivateKey) -> bytes:
    """A certificate of this key."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x" * 60)])
    unsigned = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2027, 1, 1, tzinfo=UTC))
    )
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return unsigned.sign(key, algorithm).public_bytes(Encoding.DER)


def element(tag: int, contents: bytes) -> bytes:
    """An element in DER form, of less than 128 bytes."""
    return bytes((tag, len(contents))) + contents


@pytest.mark.parametrize("kind", KEYS)
def test_pin_of_a_certificate(kind: str) -> None:
    """The pin is the SHA-256 of the public key's SubjectPublicKeyInfo, for keys of all kinds."""
    key = KEYS[kind]
    info = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    assert sha256(info).hexdigest() == key_pin(certificate(key))


def test_pin_of_a_certificate_of_version_1() -> None:
    """A certificate of version 1 has no version in it."""
    info = element(0x30, b"key")
    fields = element(0x02, b"1") + 4 * element(0x30, b"") + info

    assert sha256(info).hexdigest() == key_pin(element(0x30, element(0x30, fields)))


@pytest.mark.parametrize("data", [b"", b"\x30", b"\x30\x03\x30", b"\x30\x84\xff\xff\xff\xff", b"\x30\xff"])
def test_what_is_no_certificate(data: bytes) -> None:
    """Lengths that lie are an error."""
    with pytest.raises(ValueError, match=WRONG):
        key_pin(data)


def test_a_certificate_that_is_cut_off() -> None:
    """A certificate without its end has no pin, wherever it is cut."""
    whole = certificate(KEYS["p256"])

    for size in range(len(whole)):
        with pytest.raises(ValueError, match=WRONG):
            key_pin(whole[:size])
