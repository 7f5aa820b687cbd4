"""Bursts of many publishers to one reader that only reads: ``python -m benchmarks.bursts --runs 50``.

A reader that takes what the network gives is never closed as a slow consumer. Each
shape is played a number of times against a server with default settings, once for each
twin of the data plane; in the last shapes the reader is at another server, so that a
route takes the burst. ``--only route`` plays those alone, and ``--server plain`` one twin.
"""

import argparse
import multiprocessing
import selectors
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory

from app.testing import free_port
from benchmarks.client import dial
from benchmarks.encode import surplus_is_keep_alive
from benchmarks.servers import NATIVE, PLAIN, Contender, contenders

PATIENCE = 20.0
SUBJECT = b"burst"


@dataclass(frozen=True, slots=True)
class Shape:
    """How many begin together, and what each sends."""

    publishers: int
    messages: int
    size: int
    configuration: str = ""
    routed: bool = False

    def __str__(self) -> str:
        routed = ", over a route" if self.routed else ""
        return f"{self.publishers} publishers, {self.messages} messages of {self.size:,} B{routed}"

    @property
    def expected(self) -> int:
        """Bytes that the reader gets."""
        head = len(b"MSG %b 1 %d\r\n\r\n" % (SUBJECT, self.size))
        return self.publishers * self.messages * (head + self.size)


LARGE = "max_payload: 25165824\n"

SHAPES = (
    Shape(300, 4, 64_000),
    Shape(1000, 2, 16_000),
    Shape(12, 4, 1_000_000),
    Shape(3, 2, 24_000_000, LARGE),
    Shape(1, 1, 24_000_000, LARGE),
    Shape(300, 4, 64_000, routed=True),
    Shape(12, 4, 1_000_000, routed=True),
)


def read(port: int, expected: int, link: Connection) -> None:
    """In a process of its own: subscribe, then read; report how many bytes came."""
    got, room = 0, bytearray(1 << 20)
    with dial(port) as sock:
        sock.sendall(b"SUB %b 1\r\nPING\r\n" % SUBJECT)
        sock.recv(6)
        link.send("ready")
        sock.settimeout(PATIENCE)
        try:
            while got < expected and (count := sock.recv_into(room)):
                got += count
        except OSError:
            pass
    link.send(got)


def publish(port: int, shape: Shape) -> None:
    """Send on all connections at once, as fast as the server takes it."""
    message = b"PUB %b %d\r\n%b\r\n" % (SUBJECT, shape.size, bytes(shape.size))
    burst = memoryview(shape.messages * message)
    left: dict[socket.socket, memoryview] = {}
    with ExitStack() as links, selectors.DefaultSelector() as ready:
        for _ in range(shape.publishers):
            sock = links.enter_context(dial(port))
            sock.settimeout(0)
            ready.register(sock, selectors.EVENT_WRITE, sock)
            left[sock] = burst
        while left:
            for key, _ in ready.select(PATIENCE):
                sock = key.data
                left[sock] = left[sock][sock.send(left[sock]) :]
                if not left[sock]:
                    ready.unregister(sock)
                    del left[sock]


@contextmanager
def servers(contender: Contender, shape: Shape) -> Iterator[tuple[int, int]]:
    """The port to publish at, and that of the reader."""
    with ExitStack() as stack, TemporaryDirectory() as folder:
        file = Path(folder, "server.conf")
        file.write_text(shape.configuration, encoding="ascii")
        flags = (*contender.flags, "-c", str(file))
        if not shape.routed:
            port = stack.enter_context(replace(contender, flags=flags).start()).port
            yield port, port
            return
        route = f"nats://127.0.0.1:{free_port()}"
        first = replace(contender, flags=(*flags, "--cluster", route)).start()
        near = stack.enter_context(first).port
        other = f"nats://127.0.0.1:{free_port()}"
        second = replace(contender, flags=(*flags, "--cluster", other, "--routes", route)).start()
        yield near, stack.enter_context(second).port


def runs_without_a_cut(contender: Contender, shape: Shape, runs: int) -> int:
    """In how many of the runs the reader got every byte."""
    whole = 0
    with servers(contender, shape) as (near, far):
        for _ in range(runs):
            ours, theirs = multiprocessing.Pipe()
            process = multiprocessing.Process(target=read, args=(far, shape.expected, theirs))
            process.start()
            ours.recv()
            time.sleep(0.2 if shape.routed else 0.0)  # the interest travels to the other server
            publish(near, shape)
            whole += surplus_is_keep_alive(shape.expected, ours.recv())
            process.join()
    return whole


def main() -> int:
    """Play all shapes; the status is 1 if a reader was closed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=50, help="runs of each shape (default: 50)")
    parser.add_argument("--only", default="", help="shapes whose name has this in it")
    parser.add_argument("--server", choices=(NATIVE, PLAIN), action="append", help="only this twin")
    options = parser.parse_args()
    runs, twins = options.runs, options.server or (NATIVE, PLAIN)
    failed = False
    for shape in SHAPES:
        for contender in contenders():
            if contender.name in twins and options.only in str(shape):
                began = time.monotonic()
                whole = runs_without_a_cut(contender, shape, runs)
                failed |= whole < runs
                seconds = time.monotonic() - began
                sys.stdout.write(
                    f"{shape!s:64} {contender.name:7} {whole} of {runs} runs whole, {seconds:.0f} s\n"
                )
                sys.stdout.flush()
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
