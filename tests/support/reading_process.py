"""A subscriber in a process of its own that does nothing but read, so that a test cannot make it slow."""

import subprocess
import sys
from typing import Self

from tests.support.blocking_client import dial
from tests.support.server_process import ROOT

SECONDS = 50.0
_ROOM = 1 << 20


class ReadingProcess:
    """Reads `wanted` bytes of what is published on a subject, within a ``with`` block."""

    def __init__(self, port: int, subject: str, wanted: int) -> None:
        """Prepare it; it subscribes when the block is entered."""
        self._command = [
            sys.executable,
            "-m",
            "tests.support.reading_process",
            str(port),
            subject,
            str(wanted),
        ]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        assert "ready\n" == self._process.stdout.readline()
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.kill()
        self._process.communicate()

    def result(self) -> int:
        """How many bytes came, once all did or the link ended. Raises `subprocess.TimeoutExpired`."""
        said, _ = self._process.communicate(timeout=SECONDS)
        return int(said)


def main(port: int, subject: str, wanted: int) -> None:
    """Subscribe, say so, read, and print how many bytes came."""
    link = dial(port, f"SUB {subject} 1\r\n".encode())
    print("ready", flush=True)  # noqa: T201 - it speaks to the test over its standard output
    room, count = bytearray(_ROOM), 0
    try:
        while count < wanted and (size := link.recv_into(room)):
            count += size
    except OSError:
        pass
    print(count, flush=True)  # noqa: T201 - the same


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
