"""A server's process with TLS: flags and file alike, what it logs, and what it cannot start with."""

import os
import signal
import socket
import ssl
import subprocess
from dataclasses import replace
from pathlib import Path
from shutil import copy

import pytest

from app.adapters.net_asyncio.tls_context import TlsFiles
from tests.support.blocking_client import read_until
from tests.support.certificates import KeyPair, certificates
from tests.support.notified_server import SERVER
from tests.support.patience import PATIENCE
from tests.support.server_process import ROOT, ServerProcess


def as_flags(files: TlsFiles) -> list[str]:
    """These settings on a command line."""
    switch = "--tlsverify" if files.verify else "--tls"
    flags = [switch, "--tlscert", files.cert_file, "--tlskey", files.key_file]
    return [*flags, "--tlscacert", files.ca_file] if files.verify else flags


def as_file(files: TlsFiles, folder: Path) -> list[str]:
    """These settings in a file, and the flag that names it."""
    path = folder / "tls.conf"
    verify = str(files.verify).lower()
    path.write_text(
        f"tls {{\n  cert_file: '{files.cert_file}'\n  key_file: '{files.key_file}'\n"
        f"  ca_file: '{files.ca_file}'\n  verify: {verify}\n}}\n"
    )
    return ["-c", str(path)]


@pytest.fixture(name="words", params=["flags", "file"])
def _words(request: pytest.FixtureRequest, tmp_path: Path) -> list[str]:
    """A server that verifies its clients, asked for in either way."""
    files = certificates().files(verify=True)
    return as_flags(files) if request.param == "flags" else as_file(files, tmp_path)


def agreed(port: int, context: ssl.SSLContext) -> tuple[str | None, bytes]:
    """Which version a client and the server agree on, and what the server answers to PING."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as link:
        read_until(link, b"\r\n")
        with context.wrap_socket(link, server_hostname="localhost") as wrapped:
            wrapped.sendall(b"PING\r\n")
            return wrapped.version(), read_until(wrapped, b"PONG\r\n")


def test_flags_and_file_protect_alike(words: list[str]) -> None:
    """Good clients are served, in the words of gnatsd; weak ones are refused, however TLS was asked for."""
    good = certificates().client_context(certificates().client)
    weak = certificates().client_context(certificates().client)
    weak.maximum_version = ssl.TLSVersion.TLSv1_2
    weak.set_ciphers("ECDHE-ECDSA-AES128-SHA")

    with ServerProcess("-D", *words) as server:
        answer = agreed(server.port, good)
        with pytest.raises(ssl.SSLError):
            agreed(server.port, weak)
        failure = server.wait_for("TLS handshake error")
        log = server.log

    assert ("TLSv1.3", b"PONG\r\n") == answer
    assert "[INF] TLS required for client connections" in log
    assert " - cid:1 - Starting TLS client connection handshake" in log
    assert " - cid:1 - TLS handshake complete" in log
    assert " - cid:1 - TLS version 1.3, cipher suite TLS_AES_256_GCM_SHA384" in log
    assert " - cid:2 - TLS handshake error: no shared cipher" in failure


def test_a_start_that_fails_is_one_line(tmp_path: Path) -> None:
    """A file that is not there is named in one fatal line, and the server does not start."""
    lost = str(tmp_path / "lost.pem")
    files = replace(certificates().files(), cert_file=lost)

    for words in (as_flags(files), as_file(files, tmp_path)):
        done = subprocess.run(
            [*SERVER, "-p", "-1", *words],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

        assert done.returncode == 1
        assert done.stdout == ""
        (line,) = done.stderr.splitlines()
        assert line.endswith(
            f"[FTL] error parsing X509 certificate/key pair: open {lost}: no such file or directory"
        )


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        ([], "TLS Server certificate must be present and valid."),
        (["--tlscert", certificates().server.cert_file], "TLS Server private key must be present and valid."),
    ],
)
def test_tls_without_its_files(flags: list[str], text: str) -> None:
    """The switch alone is not enough, and what is missing is said."""
    done = subprocess.run(
        [*SERVER, "-p", "-1", "--tls", *flags],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert done.returncode == 1
    assert text in done.stderr.splitlines()


def serial_shown(port: int) -> object:
    """The serial number of the certificate that a new client is shown."""
    context = certificates().client_context()
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as link:
        read_until(link, b"\r\n")
        with context.wrap_socket(link, server_hostname="localhost") as wrapped:
            return (wrapped.getpeercert() or {}).get("serialNumber")


def test_certificates_are_read_again(tmp_path: Path) -> None:
    """After HUP new clients are shown the new certificate, and a client that is there keeps its link.

    Files that cannot be used are one error that names the file, and the server goes on with what it has.
    """
    pair = KeyPair(str(tmp_path / "c.pem"), str(tmp_path / "k.pem"))
    put(certificates().server, pair)
    words = as_file(TlsFiles(pair.cert_file, pair.key_file, certificates().authority.ca_file), tmp_path)
    with (
        ServerProcess(*words) as server,
        socket.create_connection(("127.0.0.1", server.port), PATIENCE) as link,
    ):
        read_until(link, b"\r\n")
        with certificates().client_context().wrap_socket(link, server_hostname="localhost") as early:
            serials = [serial_shown(server.port)]
            put(certificates().rsa_server, pair)
            os.kill(server.pid, signal.SIGHUP)
            server.wait_for("[INF] Certificates of tls read again, for new connections")
            server.wait_for("[INF] Reloaded server configuration")
            serials.append(serial_shown(server.port))

            Path(pair.key_file).unlink()
            os.kill(server.pid, signal.SIGHUP)
            failure = server.wait_for("[ERR] Failed to reload server configuration")
            serials.append(serial_shown(server.port))
            early.sendall(b"PING\r\n")
            answer = read_until(early, b"PONG\r\n")

    assert failure.rstrip().endswith(f"open {pair.key_file}: no such file or directory")
    assert serials[0] != serials[1] == serials[2]
    assert answer == b"PONG\r\n"


def put(pair: KeyPair, place: KeyPair) -> None:
    """Copy a certificate and its key to other files."""
    copy(pair.cert_file, place.cert_file)
    copy(pair.key_file, place.key_file)


def test_listeners_of_a_file(tmp_path: Path) -> None:
    """A file in the words of nats-server is understood; what has no effect is a line with its place."""
    pair = certificates().server
    file = tmp_path / "listeners.conf"
    file.write_text(
        "listen: 127.0.0.1:-1\n"
        "allow_non_tls: true\n"
        "tls {\n"
        f'  cert_file: "{pair.cert_file}"\n'
        f'  key_file: "{pair.key_file}"\n'
        f'  ca_file: "{certificates().authority.ca_file}"\n'
        "  verify: true\n"
        '  pinned_certs: ["a7cf3d7ddbcd8d4b6be0c5a1bc1a0cdd3a7b0cbd0fe3e1bd2a4f9d7bd1b2c3d4"]\n'
        '  curve_preferences: ["CurveP256"]\n'
        "  first: immediate\n"
        "}\n"
    )
    wrong = subprocess.run(
        [*SERVER, "-t", "-c", str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    file.write_text(file.read_text().replace("immediate", "true"))
    right = subprocess.run(
        [*SERVER, "-t", "-c", str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert (1, 0) == (wrong.returncode, right.returncode)
    assert wrong.stderr == (
        f'{file}:10:10: tls.handshake_first must be true, false, auto, or a time such as "300ms"\n'
    )
    assert right.stderr == (
        f"{file}:2:16: allow_non_tls has no effect because tls.handshake_first requires TLS\n"
    )


def test_files_that_are_watched(tmp_path: Path) -> None:
    """With `tls_reload: auto` a certificate that is replaced is used without a signal."""
    pair = KeyPair(str(tmp_path / "c.pem"), str(tmp_path / "k.pem"))
    put(certificates().server, pair)
    words = as_file(TlsFiles(pair.cert_file, pair.key_file, certificates().authority.ca_file), tmp_path)
    file = Path(words[1])
    file.write_text(f"tls_reload: auto\n{file.read_text('utf-8')}", "utf-8")
    with ServerProcess(*words) as server:
        before = serial_shown(server.port)
        put(certificates().rsa_server, pair)
        server.wait_for("[INF] Reloaded server configuration", PATIENCE)
        after = serial_shown(server.port)

    assert before != after


def test_a_certificate_that_has_ended(tmp_path: Path) -> None:
    """The log says so after the start; a reload does not put one in place of a valid one."""
    pair = KeyPair(str(tmp_path / "c.pem"), str(tmp_path / "k.pem"))
    put(certificates().expired_server, pair)
    words = as_file(TlsFiles(pair.cert_file, pair.key_file, certificates().authority.ca_file), tmp_path)
    with ServerProcess(*words) as server:
        server.wait_for("[ERR] The certificate of tls has expired on 2002-01-01 00:00 UTC")
        put(certificates().server, pair)
        os.kill(server.pid, signal.SIGHUP)
        server.wait_for("[INF] Reloaded server configuration")
        put(certificates().expired_server, pair)
        os.kill(server.pid, signal.SIGHUP)
        line = server.wait_for("the certificate of tls has expired")
        assert "expired on 2002-01-01 00:00 UTC" in line


def test_a_rate_of_handshakes(tmp_path: Path) -> None:
    """Links above the rate are closed before their handshake; later ones are welcome again."""
    words = as_file(certificates().files(), tmp_path)
    file = Path(words[1])
    file.write_text(file.read_text("utf-8").replace("tls {", "tls {\n  connection_rate_limit: 2"), "utf-8")
    with ServerProcess("-D", *words) as server:
        served = 0
        for _ in range(8):
            try:
                serial_shown(server.port)
            except (OSError, EOFError, AssertionError):
                continue
            served += 1
        server.wait_for("too many handshakes, connection_rate_limit is 2")
        os.kill(server.pid, signal.SIGHUP)
        server.wait_for("Reloaded server configuration")
        serial_shown(server.port)

    assert 2 <= served < 8
