"""``python -m benchmarks.storm``: a server has just come back, and all its clients return at once.

All clients wait in a process of their own, on one core, until the server and a witness are there, and
connect in the same moment. As client libraries do, each gives up an attempt that takes longer than two
seconds, and tries again soon after. What a server has done for an attempt that was given up is lost, so
a server that is too slow for its clients may never have them all in.
"""

import argparse
import heapq
import json
import math
import multiprocessing
import os
import random
import select
import socket
import ssl
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

import bcrypt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from app.testing import free_port
from benchmarks.client import PATIENCE, RowFailed, await_pong, read_some
from benchmarks.encode import PING
from benchmarks.servers import PEER, PLAIN, ROOT, START_SECONDS, CannotStart, Contender, contenders

GOAL_SECONDS = 10.0
"""Until which all clients should be in."""

ATTEMPT_SECONDS = 2.0
"""After which a client gives an attempt up: the default of most client libraries."""

PAUSE_SECONDS = (0.05, 0.15)
"""From the end of an attempt to the next one, at random between these."""

_WITNESS_SECONDS = 0.005
_LONGEST_SECONDS = 90.0
_USERS = 10
_ROUNDS = 11
_HEADER = (
    "storm",
    "server",
    "in",
    "seconds",
    "failed attempts",
    "longest attempt (ms)",
    "witness median (ms)",
    "witness latest (ms)",
    "goal",
)


@dataclass(frozen=True, slots=True)
class Storm:
    """Clients of one kind."""

    name: str
    clients: int
    key: str = ""
    """The kind of the server's key, for TLS; empty for clear text."""
    logins: bool = False
    """Whether they log in with passwords that the server keeps as hashes."""


STORMS = (
    Storm("5,000 plain", 5_000),
    Storm("5,000 TLS, ECDSA P-256", 5_000, "ecdsa"),
    Storm("5,000 TLS, RSA-2048", 5_000, "rsa"),
    Storm("1,000 bcrypt logins, 10 users", 1_000, logins=True),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one server took one storm; times in seconds."""

    storm: str
    server: str
    clients: int
    inside: int
    seconds: float
    """Until the last client was in, or until we gave up."""
    failures: int
    longest: float
    """Of the attempts that succeeded, from the connection to PONG."""
    witness: Sequence[float]
    """Round trips of one who was in before."""

    @property
    def is_met(self) -> bool:
        """Whether all were in soon enough."""
        return self.inside == self.clients and self.seconds <= GOAL_SECONDS


class _Attempt:
    """One client of the storm, through all its attempts. Each step says what it waits for."""

    def __init__(self, number: int, port: int, context: ssl.SSLContext | None, login: bytes) -> None:
        self.number = number
        self._port = port
        self._context = context
        self._login = login
        self._handshake: Callable[[], None]
        self._link = socket.socket()
        self._step: Callable[[], int] = self._connected
        self.began = 0.0
        self.took = 0.0
        """The attempt that succeeded."""

    def begin(self, now: float) -> int:
        """Connect; returns its descriptor."""
        self.began = now
        self._said = b""
        self._link = socket.socket()
        self._link.setblocking(False)  # noqa: FBT003 - as socket has it
        self._link.connect_ex(("127.0.0.1", self._port))
        self._step = self._connected
        return self._link.fileno()

    def go_on(self) -> int:
        """Make the next step; returns the events it waits for, 0 when it is in. Raises `OSError`."""
        return self._step()

    def give_up(self) -> None:
        """Close the connection of this attempt."""
        self._link.close()

    def _connected(self) -> int:
        error = self._link.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, os.strerror(error))
        self._step = self._greeted
        return select.EPOLLIN

    def _greeted(self) -> int:
        if not self._read().endswith(b"\n"):
            return select.EPOLLIN
        self._said = b""
        if self._context is None:
            return self._log_in()
        link = self._context.wrap_socket(
            self._link, server_hostname="localhost", do_handshake_on_connect=False
        )
        self._link, self._handshake = link, link.do_handshake
        self._step = self._shake
        return self._shake()

    def _shake(self) -> int:
        try:
            self._handshake()
        except ssl.SSLWantReadError:
            return select.EPOLLIN
        return self._log_in()

    def _log_in(self) -> int:
        self._link.send(self._login + PING)
        self._step = self._answered
        return select.EPOLLIN

    def _answered(self) -> int:
        try:
            said = self._read()
        except ssl.SSLWantReadError:
            return select.EPOLLIN
        if b"-ERR" in said:
            raise ConnectionRefusedError(said.decode())
        if b"PONG\r\n" not in said:
            return select.EPOLLIN
        self.took = time.monotonic() - self.began
        return 0

    def _read(self) -> bytes:
        data = self._link.recv(4096)
        if not data:
            raise ConnectionResetError("the server closed the connection")
        self._said += data
        return self._said


def _crowd(storm: Storm, port: int, signal: Connection) -> None:
    """Be all the clients: the work of a process of its own, on one core."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    context = ssl.create_default_context() if storm.key else None
    if context is not None:  # what a client checks is not measured
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    attempts = [_Attempt(n, port, context, _login_of(storm, n)) for n in range(storm.clients)]
    signal.send(None)
    signal.recv()
    began = time.monotonic()
    inside, failures = _all_in(attempts, began)
    seconds = time.monotonic() - began
    signal.send((inside, seconds, failures, max((one.took for one in attempts), default=0.0)))
    signal.recv()


def _all_in(attempts: list[_Attempt], began: float) -> tuple[int, int]:
    """Try until all are in; how many are, and how many attempts failed."""
    poll, by_descriptor = select.epoll(), dict[int, _Attempt]()
    due = [(began, one.number) for one in attempts]
    """When each client does something by itself: begins an attempt, or gives one up."""
    waiting = set(range(len(attempts)))
    under_way = dict[int, int]()
    failures = 0

    def fail(one: _Attempt) -> None:
        nonlocal failures
        failures += 1
        by_descriptor.pop(under_way.pop(one.number))
        one.give_up()
        heapq.heappush(due, (time.monotonic() + random.uniform(*PAUSE_SECONDS), one.number))  # noqa: S311 - no secret

    while waiting and time.monotonic() - began < _LONGEST_SECONDS:
        now = time.monotonic()
        while due and due[0][0] <= now:
            one = attempts[heapq.heappop(due)[1]]
            if one.number not in waiting:
                continue
            if one.number in under_way:
                if now - one.began >= ATTEMPT_SECONDS:
                    fail(one)
                continue
            descriptor = one.begin(now)
            under_way[one.number], by_descriptor[descriptor] = descriptor, one
            poll.register(descriptor, select.EPOLLOUT)
            heapq.heappush(due, (now + ATTEMPT_SECONDS, one.number))
        for descriptor, _ in poll.poll(min(0.05, max(0.0, due[0][0] - now)) if due else 0.05):
            one = by_descriptor[descriptor]
            try:
                events = one.go_on()
            except OSError:
                fail(one)
                continue
            if events:
                poll.modify(descriptor, events)
            else:
                waiting.discard(one.number)
                poll.unregister(descriptor)
    return len(attempts) - len(waiting), failures


def _login_of(storm: Storm, number: int) -> bytes:
    login: dict[str, object] = {"verbose": False, "pedantic": False, "tls_required": bool(storm.key)}
    if storm.logins:
        user = number % _USERS
        login |= {"user": f"user{user}", "pass": f"secret {user}"}
    return b"CONNECT " + json.dumps(login).encode() + b"\r\n"


def _brave(contender: Contender, storm: Storm, folder: Path) -> Outcome:
    """Let one server take one storm. Raises `CannotStart` and `RowFailed`."""
    sys.stderr.write(f"{storm.name}: {contender.name}\n")
    ours, theirs = multiprocessing.Pipe()
    port = free_port()
    crowd = multiprocessing.Process(target=_crowd, args=(storm, port, theirs), daemon=True)
    crowd.start()
    try:
        ours.recv()
        with _running(contender, _configuration(storm, folder), port), _Witness(storm, port) as witness:
            ours.send(None)
            if not ours.poll(_LONGEST_SECONDS + PATIENCE):
                raise RowFailed("the clients have not come to an end")
            inside, seconds, failures, longest = ours.recv()
        ours.send(None)
    finally:
        crowd.join(PATIENCE)
        crowd.kill()
    return Outcome(
        storm.name, contender.name, storm.clients, inside, seconds, failures, longest, witness.round_trips
    )


class _Witness:
    """A client that is in before the storm, and asks for PONG all the time."""

    def __init__(self, storm: Storm, port: int) -> None:
        self.round_trips: list[float] = []
        self._over = threading.Event()
        self._link = _enter(storm, port)
        self._thread = threading.Thread(target=self._ask, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(PATIENCE)
        self._link.close()

    def _ask(self) -> None:
        with suppress(RowFailed, OSError):  # it ends with the server
            while not self._over.wait(_WITNESS_SECONDS):
                asked = time.monotonic()
                self._link.sendall(PING)
                await_pong(self._link)
                self.round_trips.append(time.monotonic() - asked)


def _enter(storm: Storm, port: int) -> socket.socket:
    """Connect as the first client. Raises `RowFailed` and `OSError`."""
    link = socket.create_connection(("127.0.0.1", port), PATIENCE)
    while not read_some(link).endswith(b"\n"):
        pass
    if storm.key:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        link = context.wrap_socket(link, server_hostname="localhost")
    link.sendall(_login_of(storm, 0) + PING)
    await_pong(link)
    return link


def _configuration(storm: Storm, folder: Path) -> Path:
    lines = ['ping_interval: "1h"', "max_connections: 10000"]
    if storm.key:
        cert, key = _certificate(storm.key, folder)
        lines.append(f'tls {{ cert_file: "{cert}", key_file: "{key}", timeout: 2 }}')
    if storm.logins:
        users = [f'{{ user: user{n}, password: "{_hashed(f"secret {n}")}" }}' for n in range(_USERS)]
        lines += ["authorization { users: [", *users, "] }"]
    file = folder / "storm.conf"
    file.write_text("\n".join(lines))
    return file


def _hashed(secret: str) -> str:
    return bcrypt.hashpw(secret.encode(), bcrypt.gensalt(_ROUNDS, b"2a")).decode()


def _certificate(kind: str, folder: Path) -> tuple[Path, Path]:
    """One for localhost, signed by itself."""
    key = (
        ec.generate_private_key(ec.SECP256R1())
        if kind == "ecdsa"
        else rsa.generate_private_key(public_exponent=65537, key_size=2048)
    )
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / f"{kind}.pem", folder / f"{kind}-key.pem"
    cert_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return cert_file, key_file


@contextmanager
def _running(contender: Contender, configuration: Path, port: int) -> Iterator[None]:
    process = subprocess.Popen(
        [*contender.command, "-a", "127.0.0.1", "-p", str(port), "-c", str(configuration)],
        cwd=ROOT,
        env={**os.environ, **contender.env},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _await_greeting(contender, port, process)
        yield
    finally:
        process.kill()
        process.wait()


def _await_greeting(contender: Contender, port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), PATIENCE) as link:
                read_some(link)
        except (ConnectionError, RowFailed):
            time.sleep(_WITNESS_SECONDS)
        else:
            return
    raise CannotStart(f"{contender.name} does not start")


def table(outcomes: Sequence[Outcome]) -> str:
    """The figures, one line for each server in each storm."""
    rows = [_HEADER, *map(_row, outcomes)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(map(str.rjust, row, widths)) for row in rows)
    return "".join(f"{line}\n" for line in lines)


def _row(outcome: Outcome) -> tuple[str, ...]:
    trips = outcome.witness or (math.nan,)
    return (
        outcome.storm,
        outcome.server,
        f"{outcome.inside:,}",
        f"{outcome.seconds:.1f}",
        f"{outcome.failures:,}",
        f"{outcome.longest * 1000:,.0f}",
        f"{statistics.median(trips) * 1000:.1f}",
        f"{max(trips) * 1000:,.0f}",
        "met" if outcome.is_met else "not met",
    )


def main(words: list[str]) -> int:
    """Run all storms, or those whose names contain a word; the figures as a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.storm", description=__doc__)
    parser.add_argument("--only", default="", help="a part of the names of the storms to run")
    parser.add_argument("--plain", action="store_true", help="run the plain twin as well")
    asked = parser.parse_args(words)
    servers = [one for one in contenders() if asked.plain or one.name != PLAIN]
    storms = [storm for storm in STORMS if asked.only in storm.name]
    with TemporaryDirectory(prefix="storm-") as folder:
        outcomes = list[Outcome]()
        for storm in storms:
            for server in servers:
                outcomes.append(_brave(server, storm, Path(folder)))
                sys.stderr.write(f"{outcomes[-1].seconds:.1f} s\n")
    sys.stdout.write(table(outcomes))
    return 0 if all(one.is_met for one in outcomes if one.server != PEER) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
