"""A real server in a process of its own, for tests that talk to it over TCP."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from itertools import islice
from typing import IO, ClassVar, Self

from app.testing import free_port
from tests.support.forked_servers import ROOT, ForkedProcess, can_fork, fork_server

__all__ = ["CURRENT", "LISTENING", "ROOT", "START_SECONDS", "STOP_SECONDS", "ServerProcess"]

START_SECONDS = 120.0
"""How long a server may take until it is ready, on a busy machine."""

STOP_SECONDS = 60.0
"""How long a server may take to end once it was asked to."""

CURRENT = ("--compatibility", "current")
"""The flags for the wire of today."""

_PROGRAM = [sys.executable, "-m", "app.entrypoints.server"]

LISTENING = re.compile(r"Listening for client connections on \S*:(\d+)")


class ServerProcess:
    """A server on a free port of the loopback, within a ``with`` block.

    Further flags are given as arguments, ``*CURRENT`` among them for the wire of today.
    The block is entered when the server is ready, and the process is gone when it is
    left. Flags that send the log elsewhere are out of place here: the port is read from
    stderr.
    """

    start_seconds: ClassVar[float] = START_SECONDS
    stop_seconds: ClassVar[float] = STOP_SECONDS
    forked: ClassVar[bool] = True
    """Whether the program may be forked from a process that has imported it, where that can be."""
    command: ClassVar[tuple[str, ...]] = (
        sys.executable,
        *("-m", "app.entrypoints.server"),
        *("-a", "127.0.0.1"),
        *("--compatibility", "0.8.0"),
    )

    def __init__(self, *args: str, env: Mapping[str, str] | None = None) -> None:
        """Prepare a server; ``env`` is added to this process's environment."""
        self._command = [*self.command, "-p", str(free_port()), *args]
        self._env = {**os.environ, **(env or {})}
        self._lines: list[str] = []
        self._ended = False
        self._changed = threading.Condition()

    def __enter__(self) -> Self:
        self._process = self._begin()
        self._drain = threading.Thread(target=self._collect, args=(self._process.stderr,), daemon=True)
        self._drain.start()
        try:
            self.wait_for("Server is ready", self.start_seconds)
            self.port = self._read_port()
        except BaseException:
            self._kill()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The process, for those who measure it."""
        return self._process.pid

    @property
    def url(self) -> str:
        """The address for clients."""
        return f"nats://127.0.0.1:{self.port}"

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    @property
    def log(self) -> str:
        """What the server has written to stderr so far."""
        with self._changed:
            return "".join(self._lines)

    def wait_for(self, text: str, seconds: float = STOP_SECONDS, count: int = 1) -> str:
        """Return the log line in which ``text`` stands for the ``count``-th time, as soon as there is one.

        Raises AssertionError, with the log, when the process ends or time runs out first.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._ended or self._find(text, count) is not None, seconds)
            line = self._find(text, count)
        if line is None:
            state = "ended" if self._ended else f"waited {seconds:g} s"
            raise AssertionError(f"{state} without {text!r} in the log:\n{self.log}")
        return line

    def stop(self, signal_number: signal.Signals = signal.SIGTERM) -> int:
        """Ask the server to end, and return its exit status; later calls only return it.

        Raises AssertionError, with the log, when it had to be killed.
        """
        if self._process.poll() is None:
            self._process.send_signal(signal_number)
        try:
            status = self._process.wait(self.stop_seconds)
        except subprocess.TimeoutExpired:
            self._kill()
            raise AssertionError(
                f"no end {self.stop_seconds:g} s after {signal_number.name}:\n{self.log}"
            ) from None
        self._drain.join()
        return status

    def _begin(self) -> "subprocess.Popen[str] | ForkedProcess":
        count = len(_PROGRAM)
        if self.forked and self._command[:count] == _PROGRAM and can_fork(self._env):
            return fork_server(self._command[count:], self._env)
        return subprocess.Popen(
            self._command,
            cwd=ROOT,
            env=self._env,
            encoding="utf-8",
            errors="replace",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )

    def _kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._drain.join()

    def _read_port(self) -> int:
        match = LISTENING.search(self.log)
        assert match is not None, f"no port in the log:\n{self.log}"
        return int(match[1])

    def _find(self, text: str, count: int) -> str | None:
        return next(islice((line for line in self._lines if text in line), count - 1, None), None)

    def _collect(self, stream: IO[str]) -> None:
        """Keep the pipe empty, so that the server never blocks on its log."""
        with stream:
            for line in stream:
                with self._changed:
                    self._lines.append(line)
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()
