"""Two hundred wrong logins at once, and one client inside that measures its round trips.

A check of a hashed password is meant to be slow. Here each login has another
password, so that no two checks are one. The client inside came in with a plain
password; what it measures is what the logins of others cost it.
"""

import json
import multiprocessing
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.testing import free_port
from benchmarks.client import PATIENCE, RowFailed, await_pong, read_some
from benchmarks.encode import PING
from benchmarks.servers import (
    NATIVE,
    PEER,
    ROOT,
    START_SECONDS,
    CannotStart,
    Contender,
    contenders,
)

LOGINS = 200

_HASH = "$2a$11$W2zko751KUvVy59mUTWmpOdWjpEm5qhcCZRd05GjI/sSOT.xtiHyG"
"""A hash of the usual cost."""

_CONFIGURATION = f"""
ping_interval: "1h"
authorization {{
  users: [
    {{ user: "derek", password: "{_HASH}" }}
    {{ user: "witness", password: "witness" }}
  ]
  timeout: 120
}}
"""

_MS = 1e-6
_IDLE_SECONDS = 2.0
_KNOCK_SECONDS = 0.01
_HEADER = ("server", "refused", "seconds", "median (ms)", "slowest (ms)", "slowest before (ms)")


@dataclass(frozen=True, slots=True)
class Flood:
    """What a flood of logins did to the client inside; round trips in nanoseconds."""

    server: str
    refused: int
    seconds: float
    before: Sequence[int]
    """Round trips while nobody else was there."""
    during: Sequence[int]


def measure_logins() -> str:
    """Flood our server, and then the peer; the figures as a table. Raises `CannotStart` and `RowFailed`."""
    servers = [server for server in contenders() if server.name in (NATIVE, PEER)]
    return table([_flood(server) for server in servers])


def table(floods: Sequence[Flood]) -> str:
    """The figures, one line for each server."""
    rows = [_HEADER, *map(_row, floods)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(map(str.rjust, row, widths)) for row in rows)
    return "".join(f"{line}\n" for line in lines)


def _row(flood: Flood) -> tuple[str, ...]:
    return (
        flood.server,
        str(flood.refused),
        f"{flood.seconds:.1f}",
        f"{statistics.median(flood.during) * _MS:.2f}",
        f"{max(flood.during) * _MS:.2f}",
        f"{max(flood.before) * _MS:.2f}",
    )


def _flood(server: Contender) -> Flood:
    sys.stderr.write(f"{LOGINS} wrong logins: {server.name}\n")
    with _running(server) as port, _enter(port, "witness", "witness") as witness:
        await_pong(witness)
        before = _round_trips(witness, time.perf_counter() + _IDLE_SECONDS)
        ours, theirs = multiprocessing.Pipe()
        guessing = multiprocessing.Process(target=_knock, args=(port, theirs), daemon=True)
        guessing.start()
        ours.recv()
        began = time.perf_counter()
        during: list[int] = []
        while not ours.poll():
            during += _round_trips(witness, 0.0)
        refused = int(ours.recv())
        guessing.join()
        return Flood(server.name, refused, time.perf_counter() - began, before, during)


def _round_trips(witness: socket.socket, until: float) -> list[int]:
    """Ask for PONG, at least once, and measure."""
    times: list[int] = []
    while not times or time.perf_counter() < until:
        asked = time.perf_counter_ns()
        witness.sendall(PING)
        await_pong(witness)
        times.append(time.perf_counter_ns() - asked)
    return times


def _knock(port: int, ready: "multiprocessing.connection.Connection") -> None:
    """Log in many times at once, with wrong passwords; the work of the other process."""
    links = [_enter(port, "derek", f"wrong {number}") for number in range(LOGINS)]
    ready.send(None)
    ready.send(sum(map(_is_refused, links)))


def _is_refused(link: socket.socket) -> bool:
    said = b""
    while b"-ERR" not in said:
        said += read_some(link)
    link.close()
    return b"Authorization Violation" in said


def _enter(port: int, user: str, password: str) -> socket.socket:
    """Connect, and send a login and a PING."""
    link = socket.create_connection(("127.0.0.1", port), 4 * PATIENCE)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    login = {"user": user, "pass": password, "verbose": False, "pedantic": False}
    link.sendall(b"CONNECT " + json.dumps(login).encode() + b"\r\n" + PING)
    return link


@contextmanager
def _running(server: Contender) -> Iterator[int]:
    """The server, with our users; yields its port. Raises `CannotStart`."""
    port = free_port()
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "logins.conf"
        file.write_text(_CONFIGURATION)
        process = subprocess.Popen(
            [*server.command, "-a", "127.0.0.1", "-p", str(port), "-c", str(file)],
            cwd=ROOT,
            env={**os.environ, **server.env},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _await_greeting(server, port, process)
            yield port
        finally:
            process.terminate()
            process.wait()


def _await_greeting(server: Contender, port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.perf_counter() + START_SECONDS
    while time.perf_counter() < deadline and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), PATIENCE) as link:
                read_some(link)
        except (ConnectionError, RowFailed):
            time.sleep(_KNOCK_SECONDS)
        else:
            return
    raise CannotStart(f"{server.name} does not start with users")
