"""What the page on TLS shows works as it says."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app.adapters.net_asyncio.tls_layer import REFUSAL
from app.domain.security.cipher_suites import PREFERRED
from tests.support.patience import PATIENCE
from tests.support.server_process import ROOT, ServerProcess

PAGE = (ROOT / "docs" / "tls.md").read_text("utf-8")
OPENSSL = shutil.which("openssl")


def blocks(language: str) -> list[str]:
    """The page's blocks in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


SIMPLE, STRICT, PINNED, FIRST = (block for block in blocks("text") if block.startswith("tls {"))
FLAGS, PRINT_PIN, MAKE_CERTIFICATES = blocks("sh")
(CLIENT,) = blocks("python")


@pytest.fixture(name="folder", scope="module")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a reader has run the page's commands."""
    if OPENSSL is None:
        pytest.skip("there is no openssl on this system")
    folder = tmp_path_factory.mktemp("reader")
    subprocess.run(["sh", "-e", "-c", MAKE_CERTIFICATES], cwd=folder, capture_output=True, check=True)
    return folder


def run_client(folder: Path, port: int) -> "subprocess.CompletedProcess[str]":
    """The page's client, at this port."""
    return subprocess.run(
        [sys.executable, "-c", CLIENT.replace("4222", str(port))],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def test_the_certificates_satisfy_strict_clients(folder: Path) -> None:
    """Both certificates of the page pass OpenSSL's strict checks, which newer Pythons switch on."""
    for name, purpose in (("server", "sslserver"), ("client", "sslclient")):
        done = subprocess.run(
            [
                *(str(OPENSSL), "verify", "-x509_strict", "-purpose", purpose),
                *("-CAfile", "certs/ca.pem", f"certs/{name}.pem"),
            ],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )

        assert f"certs/{name}.pem: OK\n" == done.stdout, done.stderr


@pytest.mark.parametrize(
    "section", [SIMPLE, STRICT, PINNED, FIRST], ids=["simple", "strict", "pinned", "first"]
)
def test_the_sections_and_the_client_work_with_the_certificates(folder: Path, section: str) -> None:
    """A reader who pastes all of it has a server and a client that talk over TLS."""
    config = folder / "tls.conf"
    pin = subprocess.run(
        ["sh", "-e", "-c", PRINT_PIN], cwd=folder, capture_output=True, text=True, check=True
    ).stdout.strip()
    config.write_text(section.replace("./certs/", f"{folder}/certs/").replace("PIN", pin))

    with ServerProcess("-c", str(config)) as server:
        done = run_client(folder, server.port)
        log = server.log

    assert f"localhost:{server.port} 1048576\n" == done.stdout
    assert "TLS required for client connections" in log


def test_the_flags_do_the_same(folder: Path) -> None:
    """The page's command line starts such a server, too."""
    flags = FLAGS.replace("./certs/", f"{folder}/certs/").split()[1:]

    with ServerProcess(*flags) as server:
        done = run_client(folder, server.port)

    assert f"localhost:{server.port} 1048576\n" == done.stdout


def test_the_page_names_what_the_server_does() -> None:
    """The suites and the refusal on the page are the server's."""
    assert "\n".join(PREFERRED) + "\n" in blocks("text")
    assert REFUSAL.decode().replace("\r", "") in blocks("text")
