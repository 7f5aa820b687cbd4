"""A real server that is started as a service manager starts one: it says when it is ready.

Unlike `tests.support.server_process` this works wherever the log goes, and for servers
that never serve.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar, Self

from tests.support.server_process import ROOT, START_SECONDS, STOP_SECONDS

SERVER = (sys.executable, "-m", "app.entrypoints.server")
_POLL_SECONDS = 0.01


def wait_until(condition: Callable[[], bool], seconds: float = STOP_SECONDS) -> None:
    """Return as soon as it holds. Raises AssertionError when time runs out."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:g} s for nothing"
        time.sleep(_POLL_SECONDS)


class NotifiedServer:
    """A server's process, within a ``with`` block; it need not become ready."""

    command: ClassVar[tuple[str, ...]] = SERVER
    """What is run, before the words."""

    def __init__(self, directory: Path, *words: str, env: Mapping[str, str] | None = None) -> None:
        """The manager's socket is made in `directory`; `env` is added to this process's environment."""
        address = directory / "notify"
        self._manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._manager.bind(str(address))
        self._words = words
        self._env = {**os.environ, **(env or {}), "NOTIFY_SOCKET": str(address)}

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            [*self.command, *self._words],
            cwd=ROOT,
            env=self._env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_error: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        self._manager.close()

    def hear(self, seconds: float = START_SECONDS) -> str:
        """The next word that the server says to its manager."""
        self._manager.settimeout(seconds)
        return self._manager.recv(4096).decode()

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Ask it to end; its exit status, and what it wrote to standard error."""
        self.send(number)
        _, stderr = self.process.communicate(timeout=STOP_SECONDS)
        return self.process.returncode, stderr
