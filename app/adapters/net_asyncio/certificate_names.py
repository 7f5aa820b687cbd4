"""The names in a peer's certificate, read from its DER form."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ...domain.security.certificate import CertificateNames
from ...domain.security.distinguished_name import SHORT_NAMES, DistinguishedName

if TYPE_CHECKING:
    from cryptography import x509


def prepare() -> None:
    """Load what reading takes, so that the first handshake does not wait for it."""
    import cryptography.x509  # noqa: F401, PLC0415 - a server without certificates of clients does without it


def names_in(der: bytes) -> CertificateNames | None:
    """The names in a verified certificate; None where they cannot be read, so that nobody logs in by them."""
    from cryptography import x509  # noqa: PLC0415 - see `prepare`

    try:
        certificate = x509.load_der_x509_certificate(der)
        subject = _distinguished_name(certificate.subject.rdns)
        extensions = certificate.extensions
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return None
    others = [each.value for each in extensions if isinstance(each.value, x509.SubjectAlternativeName)]
    names = others[0] if others else x509.SubjectAlternativeName([])
    return CertificateNames(
        emails=tuple(names.get_values_for_type(x509.RFC822Name)),
        dns_names=tuple(names.get_values_for_type(x509.DNSName)),
        uris=tuple(names.get_values_for_type(x509.UniformResourceIdentifier)),
        subject=subject,
    )


def _distinguished_name(parts: Iterable["x509.RelativeDistinguishedName"]) -> DistinguishedName:
    """The parts in the order of the text, which is not that of the certificate."""
    name = [tuple((_kind(each), _value(each)) for each in reversed(list(part))) for part in parts]
    return tuple(reversed(name))


def _kind(attribute: "x509.NameAttribute[str | bytes]") -> str:
    number = attribute.oid.dotted_string
    return SHORT_NAMES.get(number, number)


def _value(attribute: "x509.NameAttribute[str | bytes]") -> str:
    value = attribute.value
    return value if isinstance(value, str) else f"#{value.hex()}"
