"""Certificates for tests of TLS."""

import ssl
from pathlib import Path

from app.testing.certificates import make_files


def test_a_strict_client_accepts_them(tmp_path: Path) -> None:
    """A handshake in memory, with each side's certificate verified."""
    files = make_files(tmp_path)
    server_context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=files.ca_file)
    server_context.verify_mode = ssl.CERT_REQUIRED
    server_context.load_cert_chain(files.config["cert_file"], files.config["key_file"])
    client_context = files.ssl_context(client_certificate=True)
    client_context.verify_flags |= ssl.VERIFY_X509_STRICT
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(back, there, server_hostname="127.0.0.1")
    server = server_context.wrap_bio(there, back, server_side=True)

    for _ in range(4):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue

    assert client.version() == "TLSv1.3"
    certificate = server.getpeercert()
    assert certificate is not None
    assert ((("commonName", "client"),),) == certificate["subject"]
    assert files.ssl_context().check_hostname
