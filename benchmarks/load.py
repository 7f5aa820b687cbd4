"""Throughput: pre-encoded messages at full speed, until all of them have arrived.

One process holds all publishers and receivers, on non-blocking sockets, and leaves the
other core to the server. Receivers count bytes and look at none of them. When the clock
has stopped, each must prove that it is still open and got neither more nor less.
"""

import gc
import selectors
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from benchmarks.client import PATIENCE, RowFailed, await_pong, dial_many, hang_up
from benchmarks.cluster import Pair
from benchmarks.encode import PING, PONG, Piece, surplus_is_keep_alive
from benchmarks.sample import OpenProbe, Probe, Sample, Target
from benchmarks.shape import Shape, stream

NS = 1e9
COST = "cost"
"""The figure of a throughput row: nanoseconds per published message."""

SHARE = "of this server"
"""The other one where servers differ: nanoseconds of processor time of the one that is measured."""

_ROOM = bytearray(1024 * 1024)
_DISCARD = socket.MSG_TRUNC if sys.platform == "linux" else 0
"""Linux drops what a TCP socket holds without copying it (tcp(7))."""

_GROWTH = 8
"""A warm-up grows by this factor until it is long enough to tell the speed."""


class _Receiver:
    """A connection that counts what comes in."""

    def __init__(self, link: socket.socket) -> None:
        self.link = link
        self.received = 0

    def read(self) -> int:
        """Take what there is; return how many bytes count towards the goal."""
        count = self.link.recv_into(_ROOM, 0, _DISCARD)
        if not count:
            raise RowFailed("the server closed a receiver")
        self.received += count
        return count


class _Publisher(_Receiver):
    """A connection that sends pieces of a stream, then a PING.

    An echoing one receives its own messages, and counts the PONG as six bytes more.
    Any other waits for the PONG's text, because a PING of the server is as long.
    """

    def __init__(self, link: socket.socket, pieces: tuple[Piece, ...], *, echoing: bool) -> None:
        super().__init__(link)
        self._pieces = pieces
        self._next = 0
        self._left = 0
        self._unsent = memoryview(b"")
        self._echoing = echoing

    def begin(self, count: int) -> None:
        """Have `count` pieces to send, from where the last sample ended."""
        self._left = count
        self._step()

    def write(self) -> bool:
        """Send what the kernel takes; return whether that was all."""
        sent = self.link.send(self._unsent)
        self._unsent = self._unsent[sent:]
        return not self._unsent and not self._step()

    def read(self) -> int:
        if self._echoing:
            return super().read()
        data = self.link.recv(len(_ROOM))
        self.received += len(data)
        if not data or b"-ERR" in data:
            raise RowFailed(f"the server closed a publisher, and said {data!r}")
        return len(PONG) if PONG in data else 0

    def _step(self) -> bool:
        """Go on to the next piece, or to the PING after the last; False when that is sent, too."""
        if self._left < 0:
            return False
        self._left -= 1
        if self._left < 0:
            self._unsent = memoryview(PING)
            return True
        self._unsent = memoryview(self._pieces[self._next].data)
        self._next = (self._next + 1) % len(self._pieces)
        return True


class Load:
    """The connections of one throughput row to one server."""

    def __init__(self, shape: Shape, port: int, far: int | None = None, pid: int = 0) -> None:
        """Open the connections, receivers first, and at the port `far` if there is one.

        `pid` is the process whose processor time is measured as well; 0 for none.
        """
        self._shape = shape
        self._pid = pid
        self._pieces = stream(shape)
        self._next = 0
        self._count = 1
        links = dial_many(far or port, shape.subscribers, shape.opening)
        self._receivers = [_Receiver(link) for link in links]
        links = dial_many(port, shape.publishers, shape.opening if shape.echoing else shape.greeting)
        self._publishers = [_Publisher(link, self._pieces, echoing=shape.echoing) for link in links]
        self._selector = selectors.DefaultSelector()
        for one in (*self._receivers, *self._publishers):
            self._selector.register(one.link, selectors.EVENT_READ, one)

    def close(self) -> None:
        """Close the connections."""
        self._selector.close()
        hang_up([one.link for one in (*self._receivers, *self._publishers)])

    def warm_up(self, seconds: float) -> None:
        """Send longer and longer bursts, and the whole stream once; then fit the samples to `seconds`."""
        count = sent = 1
        elapsed = self._burst(count)[0]
        while elapsed < seconds / 4 or sent < len(self._pieces):
            count *= _GROWTH if elapsed < seconds / 4 else 1
            elapsed = self._burst(count)[0]
            sent += count
        self._count = max(1, round(count * seconds / elapsed))

    def measure(self) -> Sample:
        """One burst."""
        before = nanoseconds_of(self._pid) if self._pid else 0
        elapsed, busy, messages = self._burst(self._count)
        values = {COST: elapsed * NS / messages}
        if self._pid:
            values[SHARE] = (nanoseconds_of(self._pid) - before) / messages
        return Sample(values, busy / elapsed, busy * NS / messages)

    def _burst(self, count: int) -> tuple[float, float, int]:
        """Each publisher sends `count` pieces. Returns seconds, CPU seconds, and messages."""
        size = len(self._pieces)
        pieces = [self._pieces[(self._next + step) % size] for step in range(count)]
        self._next = (self._next + count) % size
        for one in (*self._receivers, *self._publishers):
            one.received = 0
            one.link.settimeout(0)
        goal = self._shape.expected(pieces) + len(PONG) * len(self._publishers)
        with _no_collector():
            busy, began = time.process_time(), time.perf_counter()
            self._drive(count, goal)
            elapsed, busy = time.perf_counter() - began, time.process_time() - busy
        self._verify(self._shape.expected(pieces))
        return elapsed, busy, sum(piece.messages for piece in pieces) * len(self._publishers)

    def _drive(self, count: int, goal: int) -> None:
        """Send and receive until all has arrived that must."""
        for publisher in self._publishers:
            publisher.begin(count)
            self._selector.modify(publisher.link, selectors.EVENT_READ | selectors.EVENT_WRITE, publisher)
        missing = goal
        while missing > 0:
            ready = self._selector.select(PATIENCE)
            if not ready:
                raise RowFailed(f"{missing} of {goal} bytes had not arrived after {PATIENCE:g} s of silence")
            for key, events in ready:
                if events & selectors.EVENT_READ:
                    missing -= key.data.read()
                if events & selectors.EVENT_WRITE and key.data.write():
                    self._selector.modify(key.fd, selectors.EVENT_READ, key.data)

    def _verify(self, expected: int) -> None:
        """Every connection answers a PING, and has got exactly what it should."""
        ends = [*self._receivers, *self._publishers]
        for one in ends:
            one.link.settimeout(PATIENCE)
            one.link.sendall(PING)
        for one in ends:
            one.received += await_pong(one.link) - len(PONG)
        for publisher in self._publishers:
            publisher.received -= len(PONG)
        ears = self._publishers if self._shape.echoing else self._receivers
        shares = [ears] if self._shape.grouped else [[one] for one in ears]
        for share in shares:
            _check(expected // len(shares), sum(one.received for one in share), len(share))


def _check(expected: int, received: int, connections: int) -> None:
    if not surplus_is_keep_alive(expected, received, connections):
        raise RowFailed(f"{received} bytes arrived, and {expected} should have")


def nanoseconds_of(pid: int) -> int:
    """Processor time of a process, all its threads included: by its clock (clock_getcpuclockid(3))."""
    return time.clock_gettime_ns((~pid << 3) | 2)


@contextmanager
def _no_collector() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def throughput(shape: Shape) -> OpenProbe:
    """A probe that measures this shape of load."""

    @contextmanager
    def open_probe(server: Target) -> Iterator[Probe]:
        load = Load(shape, server.port)
        try:
            yield load
        finally:
            load.close()

    return open_probe


def across(shape: Shape) -> OpenProbe:
    """The same with the receivers at another server of a cluster."""
    return _between(shape, lambda server: server.join_two())


def over_leaf_link(shape: Shape, *, as_hub: bool) -> OpenProbe:
    """The same with the receivers at the peer, to which the server has a leaf link."""
    return _between(shape, lambda server: server.link_to_peer(as_hub=as_hub))


def over_own_leaf_link(shape: Shape, *, as_hub: bool) -> OpenProbe:
    """The same with the receivers at another server of the same kind."""
    return _between(shape, lambda server: server.link_two(as_hub=as_hub))


def from_leaf_link(shape: Shape, *, as_hub: bool) -> OpenProbe:
    """The same with the publishers at the peer, and the receivers at the server."""

    @contextmanager
    def turned(server: Target) -> Iterator[Pair]:
        with server.link_to_peer(as_hub=as_hub) as pair:
            yield pair.turned()

    return _between(shape, turned)


def _between(shape: Shape, join: Callable[[Target], AbstractContextManager[Pair]]) -> OpenProbe:
    """Publishers are at one of two servers, receivers at the other."""

    @contextmanager
    def open_probe(server: Target) -> Iterator[Probe]:
        with join(server) as pair:
            load = Load(shape, pair.near, pair.far, pair.pid)
            try:
                pair.settle()
                yield load
            finally:
                load.close()

    return open_probe
