"""A hostile TLS 1.3 client that asks for new keys again and again (RFC 8446, section 4.6.3).

Python's ssl cannot ask. So the records are made by hand, from the secret that a client's
key log gives away.
"""

import hashlib
import hmac
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.support.certificates import certificates
from tests.support.tls_link import TlsLink, TlsMemoryClient

_UPDATE_REQUESTED = b"\x18\x00\x00\x01\x01"
_HANDSHAKE = b"\x16"
_TAG_BYTES = 16


class KeyUpdates:
    """A link after its handshake, and a client that requests key updates."""

    def __init__(self) -> None:
        with TemporaryDirectory() as folder:
            log = Path(folder) / "keys"
            context = certificates().client_context()
            context.keylog_filename = str(log)
            self.link = TlsLink()
            self.link.shake_hands(TlsMemoryClient(context))
            self._secret = _logged_secret(log.read_text())
        self.link.transport.requests.clear()

    def request(self) -> bytes:
        """One record that asks the server to change its keys; the next one is sealed with new keys."""
        key = _expand(self._secret, b"key", 32)
        nonce = _expand(self._secret, b"iv", 12)
        message = _UPDATE_REQUESTED + _HANDSHAKE
        header = b"\x17\x03\x03" + (len(message) + _TAG_BYTES).to_bytes(2, "big")
        self._secret = _expand(self._secret, b"traffic upd", 48)
        return header + AESGCM(key).encrypt(nonce, message, header)


def _logged_secret(log: str) -> bytes:
    line = next(line for line in log.splitlines() if line.startswith("CLIENT_TRAFFIC_SECRET_0 "))
    return bytes.fromhex(line.split()[2])


def _expand(secret: bytes, label: bytes, length: int) -> bytes:
    """HKDF-Expand-Label of RFC 8446 with SHA-384, for at most one block of output."""
    full = b"tls13 " + label
    info = length.to_bytes(2, "big") + bytes([len(full)]) + full + b"\x00"
    return hmac.new(secret, info + b"\x01", hashlib.sha384).digest()[:length]
