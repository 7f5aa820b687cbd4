"""Servers that are forked from a process which has imported the program: a start takes no import.

An import takes longer than all else in a start, and the suite starts hundreds of servers. The
process that forks is started with the first server, and ends with the one that asked for it.
A forked server has a process of its own, with its own environment and standard error; only its
command line, in the lists of the system, is that of the process it was forked from.

The context `forkserver` of multiprocessing, with a preload, is no substitute. Its children end by
`os._exit`, while a server ends with its interpreter, whose end is part of what tests look at. They
import the main module of the test run again, pytest included. Their process ids are free before
anybody has taken the exit status, so a signal of a test could go to another process.
"""

import atexit
import gc
import importlib
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from app.entrypoints import server
from app.entrypoints.quick_import import quick_import

ROOT = Path(__file__).parents[2]

_STATUS = struct.Struct("!i")
_LARGEST_REQUEST = 1 << 17
_PAGES = "adapters.monitoring.server"
"""What a server with monitoring imports as it starts: half a second, if it was not forked."""
_INTERPRETERS_OWN = ("PYTHON", "LD_", "MALLOC_", "GLIBC_", "ASAN_", "COVERAGE_")
"""How the names of variables begin that a process obeys as it starts, and not later."""


class ForkedProcess:
    """A forked server, with as much of `subprocess.Popen` as its users need."""

    def __init__(self, pid: int, status: int, errors: int) -> None:
        """Take over the descriptors that its exit status and its standard error are read from."""
        self.pid = pid
        self._status = status
        self._returncode: int | None = None
        self.stderr: IO[str] = open(errors, encoding="utf-8", errors="replace")  # noqa: SIM115 - its user closes it

    def poll(self) -> int | None:
        """The exit status, negative for a signal; None while the process lives."""
        return self._returncode if self._has_ended(0.0) else None

    def wait(self, timeout: float | None = None) -> int:
        """The exit status, once there is one. Raises TimeoutExpired after `timeout` seconds."""
        if not self._has_ended(timeout) or self._returncode is None:
            raise subprocess.TimeoutExpired(f"forked server {self.pid}", timeout or 0.0)
        return self._returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, if it lives."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it with SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def _has_ended(self, seconds: float | None) -> bool:
        if self._returncode is not None:
            return True
        waiting = select.poll()
        waiting.register(self._status, select.POLLIN)
        if not waiting.poll(None if seconds is None else seconds * 1000.0):
            return False
        self._returncode = _STATUS.unpack(os.read(self._status, _STATUS.size))[0]
        os.close(self._status)
        return True


class _ForkingProcess:
    """The process that forks servers, as the test run sees it."""

    def __init__(self) -> None:
        self._link, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with far:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(far.fileno())],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[far.fileno()],
            )
        self._one_at_a_time = threading.Lock()

    def start(self, words: Sequence[str], environment: Mapping[str, str]) -> ForkedProcess:
        """Fork a server with these flags."""
        request = json.dumps([list(words), dict(environment)], ensure_ascii=False)
        status, status_end = os.pipe()
        errors, errors_end = os.pipe()
        with self._one_at_a_time:
            try:
                parts = [request.encode(errors="surrogateescape")]
                socket.send_fds(self._link, parts, [status_end, errors_end])
            finally:
                os.close(status_end)
                os.close(errors_end)
            return ForkedProcess(int(self._link.recv(64)), status, errors)

    def close(self) -> None:
        """End the process; servers that still run go on."""
        self._link.close()
        self._process.wait()


_started: list[_ForkingProcess] = []
"""Empty, or with the one of this test run."""

_only_once = threading.Lock()


def _obeyed_at_once(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(_INTERPRETERS_OWN)}


_HERE = _obeyed_at_once(os.environ)


def can_fork(environment: Mapping[str, str]) -> bool:
    """Whether a server with this environment can be forked here."""
    return hasattr(os, "pidfd_open") and _obeyed_at_once(environment) == _HERE


def fork_server(words: Sequence[str], environment: Mapping[str, str]) -> ForkedProcess:
    """Fork a server with these flags and this environment."""
    with _only_once:
        if not _started:
            _started.append(_ForkingProcess())
            atexit.register(_started[0].close)
    return _started[0].start(words, environment)


class _Forker:
    """What runs in the process that forks.

    A server that has ended keeps its process id until its exit status was taken, so that no
    signal goes to another process that has got the same one.
    """

    def __init__(self, link: int) -> None:
        self._link = link
        self._poll = select.epoll()
        self._poll.register(link, select.EPOLLIN)
        self._running: dict[int, tuple[int, int]] = {}
        """By the handle of a process: its id, and where its exit status goes."""
        self._ended: dict[int, int] = {}
        """By where the exit status went: the id."""

    def serve(self) -> list[str] | None:
        """Fork what is asked for: None at the end, and the flags of a server in what was forked."""
        while True:
            for ready, _ in self._poll.poll():
                if ready in self._running:
                    self._report(ready)
                elif ready in self._ended:
                    self._forget(ready)
                elif not (request := self._next()):
                    return None
                elif (words := self._fork(*request)) is not None:
                    return words

    def _next(self) -> tuple[list[str], dict[str, str], int, int] | None:
        """The next request: flags, environment, and where exit status and standard error go."""
        with socket.socket(fileno=os.dup(self._link)) as asked:
            request, handles, _, _ = socket.recv_fds(asked, _LARGEST_REQUEST, 2)
        if not request:
            return None
        words, environment = json.loads(request.decode(errors="surrogateescape"))
        return words, environment, handles[0], handles[1]

    def _fork(
        self, words: list[str], environment: dict[str, str], status: int, errors: int
    ) -> list[str] | None:
        """Fork; the flags in the new process, and None in this one."""
        if (pid := os.fork()) == 0:
            os.dup2(errors, 2)
            self._poll.close()
            ends = [end for _, end in self._running.values()]
            for each in (self._link, status, errors, *self._running, *ends, *self._ended):
                os.close(each)
            os.environ.clear()
            os.environ.update(environment)
            return words
        os.close(errors)
        handle = os.pidfd_open(pid)
        self._running[handle] = (pid, status)
        self._poll.register(handle, select.EPOLLIN)
        os.write(self._link, b"%d" % pid)
        return None

    def _report(self, handle: int) -> None:
        """Hand on the exit status of a server that has ended."""
        pid, status = self._running.pop(handle)
        self._poll.unregister(handle)
        os.close(handle)
        result = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        assert result is not None
        sign = 1 if result.si_code == os.CLD_EXITED else -1
        with suppress(BrokenPipeError):
            os.write(status, _STATUS.pack(sign * result.si_status))
        self._ended[status] = pid
        self._poll.register(status, 0)  # an error shows that nobody reads it any more

    def _forget(self, status: int) -> None:
        """Give up the id of a server whose exit status was taken."""
        self._poll.unregister(status)
        os.close(status)
        os.waitpid(self._ended.pop(status), 0)


def main() -> int:
    """Import the program, and fork servers until nobody can ask for more."""
    with quick_import():
        for name in (*(f"entrypoints.{name}" for name in ("command", "container", "process")), _PAGES):
            importlib.import_module(f"app.{name}")
    gc.enable()
    gc.freeze()
    try:
        words = _Forker(int(sys.argv[1])).serve()
    except KeyboardInterrupt:
        return 0
    return 0 if words is None else server.main(words)


if __name__ == "__main__":
    sys.exit(main())
