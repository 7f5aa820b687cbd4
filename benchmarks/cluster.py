"""Two servers of a kind, joined to a cluster: who publishes is at one, who listens at the other."""

import itertools
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from app.testing import free_port
from benchmarks.client import PATIENCE, RowFailed, dial, hang_up
from benchmarks.encode import publication, subscription
from benchmarks.servers import Contender, RunningServer

_KNOCK_SECONDS = 0.01
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Pair:
    """The ports of two servers that are connected."""

    near: int
    """Where messages are published, and requests made."""
    far: int
    """Where they are received, and answered."""
    pid: int = 0
    """The process of the server whose processor time is measured; 0 where that is not measured."""

    def turned(self) -> "Pair":
        """The same two, for messages the other way."""
        return Pair(self.far, self.near, self.pid)

    def settle(self) -> None:
        """Wait until the near server knows all that was subscribed to at the far one.

        Interest travels in order, so a message on a subject that was subscribed to last
        shows that the rest has arrived. Raises `RowFailed`.
        """
        subject = b"bench.ready.%d" % next(_numbers)
        listener = dial(self.far, subscription(subject))
        speaker = dial(self.near)
        try:
            self._knock(listener, speaker, publication(subject, b""))
        finally:
            hang_up([listener, speaker])

    @staticmethod
    def _knock(listener: socket.socket, speaker: socket.socket, message: bytes) -> None:
        listener.settimeout(_KNOCK_SECONDS)
        deadline = time.perf_counter() + PATIENCE
        while time.perf_counter() < deadline:
            speaker.sendall(message)
            try:
                if b"MSG " in listener.recv(4096):
                    return
            except TimeoutError:
                continue
        raise RowFailed(f"the two servers had not met after {PATIENCE:g} s")


@contextmanager
def joined(contender: Contender) -> Iterator[Pair]:
    """Two servers, connected. Raises `CannotStart`, or `RowFailed` when they don't meet."""
    near_url, far_url = (f"nats://127.0.0.1:{free_port()}" for _ in range(2))
    with (
        RunningServer(contender, "--cluster", near_url, *contender.cluster_flags) as near,
        RunningServer(contender, "--cluster", far_url, "--routes", near_url, *contender.cluster_flags) as far,
    ):
        pair = Pair(near.port, far.port)
        pair.settle()
        yield pair
