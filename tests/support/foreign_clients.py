"""Programs with clients in other languages, run against a server; see `tests/clients`."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

PROGRAMS = Path(__file__).parents[1] / "clients"

SECONDS = 60.0
"""How long a program may take on a busy machine; it has limits of its own."""

NODE_PACKAGES = ("@nats-io/transport-node", "@nats-io/nats-core")
STREAM_PACKAGES = ("@nats-io/transport-node", "@nats-io/jetstream", "@nats-io/kv", "@nats-io/obj")


class ForeignClient:
    """A command that takes the name of a check and the server's URL, and ends with 0 if all is well."""

    def __init__(self, *command: str) -> None:
        self._command = command

    def verify(self, check: str, url: str, *more: str) -> None:
        """Run a check; raises AssertionError with the program's output when it fails."""
        with self.running(check, url, *more):
            pass

    @contextmanager
    def running(self, check: str, url: str, *more: str) -> Iterator[subprocess.Popen[str]]:
        """The running program; its success is asserted at the end of the block."""
        command = [*self._command, check, url, *more]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
        ) as process:
            try:
                yield process
                output, _ = process.communicate(timeout=SECONDS)
            finally:
                process.kill()
        assert process.returncode == 0, f"{check}: status {process.returncode}\n{output}"


def node_client(program: str = "client.cjs", packages: Sequence[str] = NODE_PACKAGES) -> ForeignClient:
    """A Node program; skips the test where Node or its packages are missing."""
    node = os.environ.get("NODE") or shutil.which("node")
    if node is None:
        pytest.skip("no node on PATH; set NODE to its path")
    if not _succeeds(node, "-e", ";".join(f"require('{name}')" for name in packages)):
        pytest.skip(
            f"node finds not all of {' '.join(packages)}; npm install them in a folder, "
            "and set NODE_PATH to its node_modules"
        )
    return ForeignClient(node, str(PROGRAMS / program))


def node_has_websockets() -> bool:
    """Whether node has the class WebSocket, as from version 22 on."""
    node = os.environ.get("NODE") or shutil.which("node")
    return node is not None and _succeeds(node, "-e", "WebSocket")


@cache
def _succeeds(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@contextmanager
def c_client() -> Iterator[ForeignClient]:
    """The C program, compiled; skips the test where a compiler or the library is missing."""
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        pytest.skip("no C compiler")
    with TemporaryDirectory() as folder:
        probe = Path(folder, "probe.c")
        probe.write_text("#include <nats/nats.h>\nint main(void) { nats_Close(); return 0; }\n")
        binary = str(Path(folder, "client"))
        if not _succeeds(compiler, str(probe), "-o", binary, "-lnats"):
            pytest.skip("the C compiler finds no libnats; on Debian: apt-get install libnats-dev")
        source = str(PROGRAMS / "client.c")
        flags = ("-Wall", "-Wextra", "-Werror", "-O1")
        subprocess.run([compiler, *flags, source, "-o", binary, "-lnats"], check=True)
        yield ForeignClient(binary)
