"""The dates on which the certificates in files expire."""

from pathlib import Path

from ...domain.failure import reason_of
from .tls_context import TlsError


def not_after(cert_file: str) -> float:
    """When the first certificate of a PEM file ends, in seconds since the epoch. Raises `TlsError`."""
    from cryptography import x509  # noqa: PLC0415 - a server without TLS does without it

    try:
        certificate = x509.load_pem_x509_certificate(Path(cert_file).read_bytes())
    except (OSError, ValueError) as error:
        reason = reason_of(error)
        raise TlsError(f"error reading certificate {cert_file}: {reason.lower()}") from error
    return certificate.not_valid_after_utc.timestamp()
