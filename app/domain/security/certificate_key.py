"""The public key of a certificate, as `pinned_certs` names it.

A pin is the SHA-256 of the SubjectPublicKeyInfo (RFC 5280, section 4.1), in the bytes that the
certificate has. A library would encode the key again, which may give other bytes.
"""

from hashlib import sha256

_VERSION = 0xA0
"""The tag of the version, which certificates of version 1 lack."""
_BEFORE_KEY = 5
"""Serial number, signature algorithm, issuer, validity, subject."""
_LONG_FORM = 0x80


def key_pin(certificate: bytes) -> str:
    """The pin of a certificate in DER form, in lower-case hex. Raises `ValueError` for anything else."""
    begin, _ = _contents(certificate, 0)
    begin, _ = _contents(certificate, begin)
    if certificate[begin : begin + 1] == bytes((_VERSION,)):
        begin = _contents(certificate, begin)[1]
    for _ in range(_BEFORE_KEY):
        begin = _contents(certificate, begin)[1]
    return sha256(certificate[begin : _contents(certificate, begin)[1]]).hexdigest()


def _contents(data: bytes, at: int) -> tuple[int, int]:
    """Where the contents of the element at this place begin and end."""
    begin = at + 2
    size = int.from_bytes(data[at + 1 : begin])
    if size & _LONG_FORM:
        count = size - _LONG_FORM
        size = int.from_bytes(data[begin : begin + count])
        begin += count
    if begin + size > len(data) or begin > len(data):
        raise ValueError("this is no certificate in DER form")
    return begin, begin + size
