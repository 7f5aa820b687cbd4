"""A broker without sockets: it reads from a file, and what it writes is counted and dropped.

Time stands still and nothing waits, so the same reads take the same instructions in every run.
``python -m benchmarks.in_memory ROW...`` plays rows by number, for `benchmarks.instructions`.
"""

import gc
import os
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import repeat
from tempfile import TemporaryFile
from typing import IO

from app.adapters.auth.authenticators import AllowAll
from app.domain.broker import Broker
from app.domain.broker_needs import Needs
from app.domain.dataplane import NATIVE, choose
from app.domain.events import Event
from app.domain.leaf.settings import LeafListenerSettings, LeafNeeds
from app.domain.limits import Limits
from app.domain.protocol.compatibility import Compatibility
from app.domain.protocol.encode import ServerInfo
from app.domain.sessions.wire import Handler, PeerAddress
from benchmarks.client import CONNECT, RowFailed
from benchmarks.configured import CONNECT_WITH_HEADERS
from benchmarks.encode import delivery, publication, subscription
from benchmarks.shape import Shape, stream

SETTLED = 2
"""Rounds that are played before instructions are counted."""

COUNTED = 2
"""Rounds whose instructions are counted."""

_LEAST_READS = 16
_LONE_REQUESTS = 128
_SERVICE = b"bench.service"
_CONNECT_LEAF = b'CONNECT {"version":"2.15.1","name":"bench-leaf","cluster":"bench-leaf","headers":true}\r\n'
_INFO = ServerInfo(
    server_id="",
    version="",
    go="",
    host="",
    port=0,
    auth_required=False,
    tls_required=False,
    tls_verify=False,
    max_payload=Limits().max_payload,
)


@dataclass(frozen=True, slots=True)
class Exchange:
    """A load: what the connections send at first, and then in each round."""

    title: str
    openings: tuple[bytes, ...]
    reads: tuple[tuple[int, bytes], ...]
    """The number of a connection, and what is read from it in one go."""
    messages: int
    """Messages of one round; a request and its reply are one."""
    delivered: int
    """Bytes that all connections get for them."""
    compatibility: Compatibility = Compatibility.GNATSD
    links: frozenset[int] = frozenset()
    """Connections that are leaf nodes of the server, and no clients."""


def exchanges() -> tuple[Exchange, ...]:
    """Every row."""
    return (
        published("1 → 1, 16 B", Shape(subscribers=1)),
        published("1 → 1, 1 KiB", Shape(subscribers=1, size=1024)),
        published("1 → 10, 16 B", Shape(subscribers=10)),
        published("1 → 4 in one queue group, 16 B", Shape(subscribers=4, grouped=True)),
        published("1 → 1, 16 B, 100 subjects", Shape(subscribers=1, subjects=100)),
        published("10,000 subjects", Shape(subscribers=1, subjects=10_000)),
        asked("requests of 50 clients", 50),
        asked_alone("a request of one client"),
        asked_by_subscribing("a subscription per request"),
        unheard("a request that nobody serves"),
        *_leaf_exchanges(),
    )


def _leaf_exchanges() -> tuple[Exchange, ...]:
    shapes = {
        "1 → 1, 16 B": Shape(subscribers=1),
        "1 → 1 in one queue group, 16 B": Shape(subscribers=1, grouped=True),
        "three headers of 40 B, 1 → 1, 16 B": Shape(subscribers=1, headers=3),
        "1 → 1, 16 B, 100 subjects": Shape(subscribers=1, subjects=100),
    }
    return (
        *(linked(f"{title}, to a leaf", shape, to_leaf=True) for title, shape in shapes.items()),
        *(linked(f"{title}, from a leaf", shape, to_leaf=False) for title, shape in shapes.items()),
        asked_over_a_link("a request of one client to a leaf"),
    )


def published(title: str, shape: Shape) -> Exchange:
    """The load of a row of ``make bench``: connection 0 publishes, the others receive."""
    pieces = stream(shape)
    pieces *= -(-_LEAST_READS // len(pieces))
    return Exchange(
        title,
        (b"", *[shape.opening] * shape.subscribers),
        tuple((0, piece.data) for piece in pieces),
        sum(piece.messages for piece in pieces),
        shape.expected(pieces),
    )


def linked(title: str, shape: Shape, *, to_leaf: bool) -> Exchange:
    """The same with a leaf node in place of the receiver, or of the publisher."""
    pieces = stream(shape)
    pieces *= -(-_LEAST_READS // len(pieces))
    greeting = CONNECT_WITH_HEADERS if shape.headers else b""
    return Exchange(
        title,
        (greeting, shape.leaf_opening) if to_leaf else (b"", greeting + shape.opening),
        tuple((0, piece.data if to_leaf else shape.over_link(piece)) for piece in pieces),
        sum(piece.messages for piece in pieces),
        sum(len(shape.over_link(piece)) if to_leaf else piece.delivered for piece in pieces),
        Compatibility.CURRENT,
        frozenset({1 if to_leaf else 0}),
    )


def asked(title: str, clients: int) -> Exchange:
    """Each client has one request read; then all replies of connection 0, the responder, come in one go."""
    inboxes = [b"_INBOX.%d" % number for number in range(clients)]
    requests = [publication(_SERVICE, b"x" * 16, inbox) for inbox in inboxes]
    replies = [publication(inbox, b"ok") for inbox in inboxes]
    got = [delivery(_SERVICE, b"x" * 16, inbox) for inbox in inboxes] + [
        delivery(one, b"ok") for one in inboxes
    ]
    reads = [*enumerate(requests, 1), (0, b"".join(replies))] * _LEAST_READS
    return Exchange(
        title,
        (subscription(_SERVICE), *map(subscription, inboxes)),
        tuple(reads),
        clients * _LEAST_READS,
        sum(map(len, got)) * _LEAST_READS,
    )


def asked_alone(title: str) -> Exchange:
    """One client has each request read alone, with an inbox of its own under one subscription."""
    reads: list[tuple[int, bytes]] = []
    got = 0
    for number in range(_LONE_REQUESTS):
        inbox = b"_INBOX.%d" % number
        reads += [(1, publication(_SERVICE, b"x" * 16, inbox)), (0, publication(inbox, b"ok"))]
        got += len(delivery(_SERVICE, b"x" * 16, inbox)) + len(delivery(inbox, b"ok"))
    openings = (subscription(_SERVICE), subscription(b"_INBOX.*"))
    return Exchange(title, openings, tuple(reads), _LONE_REQUESTS, got)


def asked_over_a_link(title: str) -> Exchange:
    """The same with the responder at a leaf node."""
    alone = asked_alone(title)
    reads = [
        (number, data if number else b"L" + data.replace(b"PUB ", b"MSG ")) for number, data in alone.reads
    ]
    return Exchange(
        title,
        (b"LS+ %b\r\n" % _SERVICE, alone.openings[1]),
        tuple(reads),
        alone.messages,
        alone.delivered - _LONE_REQUESTS,  # a line to a leaf node has an L more, and no sid
        Compatibility.CURRENT,
        frozenset({0}),
    )


def asked_by_subscribing(title: str) -> Exchange:
    """One client subscribes again for each request, until one message; connection 0 replies."""
    reads: list[tuple[int, bytes]] = []
    got = 0
    for number in range(_LONE_REQUESTS):
        inbox = b"_INBOX.%d" % number
        opening = b"SUB %b %d\r\nUNSUB %d 1\r\n" % (inbox, number, number)
        reads += [(1, opening + publication(_SERVICE, b"x" * 16, inbox)), (0, publication(inbox, b"ok"))]
        got += len(delivery(_SERVICE, b"x" * 16, inbox)) + len(b"MSG %b %d 2\r\nok\r\n" % (inbox, number))
    return Exchange(title, (subscription(_SERVICE), b""), tuple(reads), _LONE_REQUESTS, got)


def unheard(title: str) -> Exchange:
    """One client asks where nobody listens, and learns that."""
    inboxes = [b"_INBOX.0.%d" % number for number in range(_LONE_REQUESTS)]
    block = b"NATS/1.0 503\r\nNats-Subject: %b\r\n\r\n" % _SERVICE
    answers = [b"HMSG %b 1 %d %d\r\n%b\r\n" % (inbox, len(block), len(block), block) for inbox in inboxes]
    reads = tuple((0, publication(_SERVICE, b"x" * 16, inbox)) for inbox in inboxes)
    opening = CONNECT_WITH_HEADERS + subscription(b"_INBOX.0.*")
    got = sum(map(len, answers))
    return Exchange(title, (opening,), reads, _LONE_REQUESTS, got, Compatibility.CURRENT)


class CountingWire:
    """A link whose peer takes everything at once."""

    peer = PeerAddress("192.0.2.1", 4000)
    security = None

    def __init__(self) -> None:
        self.written = 0

    def write(self, data: bytes) -> None:
        """Count one piece."""
        self.written += len(data)

    def writelines(self, chunks: list[bytes]) -> None:
        """Count several pieces."""
        self.written += sum(map(len, chunks))

    def pending(self) -> int:
        """Nothing waits."""
        return 0

    def untaken(self) -> int:
        """Nothing does."""
        return 0

    def pause(self) -> None:
        """What is read is up to the row."""

    def resume(self) -> None:
        """The same."""

    def close(self) -> None:
        """The server ends a link in no row."""
        raise RowFailed("the server closed a connection")

    abort = close


class _Never:
    """A timer that is never due."""

    def cancel(self) -> None:
        """Nothing to forget."""


class StillClock:
    """A scheduler for which no time passes."""

    def __init__(self) -> None:
        self.monotonic: Callable[[], float] = repeat(1.0).__next__
        self._soon: deque[Callable[[], None]] = deque()

    def call_later(self, delay: float, call: Callable[[], None]) -> _Never:  # noqa: ARG002 - it is never due
        """Forget the call."""
        return _Never()

    def call_soon(self, call: Callable[[], None]) -> None:
        """Make the call in `settle`."""
        self._soon.append(call)

    def input_waits(self) -> bool:
        """The row decides what is read, and when."""
        return False

    def settle(self) -> None:
        """Make all calls."""
        while self._soon:
            self._soon.popleft()()


class _NoEvents:
    """A log that wants to know nothing."""

    debug = False
    trace = False

    def record(self, event: Event) -> None:
        """A row without faults has nothing to report."""


class Stage:
    """One broker with the connections of a row."""

    def __init__(self, exchange: Exchange, twin: str, file: IO[bytes]) -> None:
        """Open them, have them subscribe, and write to `file` what they will read; see `staged`."""
        self._exchange = exchange
        self._clock = StillClock()
        leaves = LeafNeeds(LeafListenerSettings("", 0), (), AllowAll(), str) if exchange.links else None
        needs = Needs(choose(twin)[1], 1, self._clock, AllowAll(), _NoEvents(), leaves=leaves)
        broker = Broker(Limits(), _INFO, needs, compatibility=exchange.compatibility)
        self._wires = [CountingWire() for _ in exchange.openings]
        self._handlers: list[Handler] = []
        for number, (wire, opening) in enumerate(zip(self._wires, exchange.openings, strict=True)):
            is_link = number in exchange.links
            handler = self._opened(broker.accept_leaf(wire) if is_link else broker.accept(wire))
            data = (_CONNECT_LEAF if is_link else CONNECT) + opening
            handler.reserve()[: len(data)] = data
            handler.received(len(data))
            self._handlers.append(handler)
        self._file = file
        self._spans = [(self._handlers[reader], *self._kept(data)) for reader, data in exchange.reads]
        self._file.flush()

    def _kept(self, data: bytes) -> tuple[int, int]:
        start = self._file.tell()
        return start, self._file.write(data)

    @staticmethod
    def _opened(handler: Handler) -> Handler:
        handler.opened()
        return handler

    def play(self, rounds: int) -> None:
        """Have the server read all that a round has, so often; raises `RowFailed` if not all has arrived."""
        for wire in self._wires:
            wire.written = 0
        file = self._file.fileno()
        for _ in repeat(None, rounds):
            for handler, start, count in self._spans:
                os.preadv(file, [handler.reserve()[:count]], start)
                handler.received(count)
                self._clock.settle()
        expected = rounds * self._exchange.delivered
        if self.arrived != expected:
            raise RowFailed(
                f"{self._exchange.title}: {self.arrived} bytes arrived, and {expected} should have"
            )

    @property
    def arrived(self) -> int:
        """Bytes that all connections got when the row was last played."""
        return sum(wire.written for wire in self._wires)


@contextmanager
def staged(exchange: Exchange, twin: str) -> Iterator[Stage]:
    """A stage that reads from a file, since what the kernel copies is not counted."""
    with TemporaryFile() as file:
        yield Stage(exchange, twin, file)


def main(words: Sequence[str]) -> None:
    """Play these rows; valgrind writes its counts whenever `getloadavg` is called (see `instructions`)."""
    gc.disable()
    rows = exchanges()
    for word in words:
        with staged(rows[int(word)], NATIVE) as stage:
            stage.play(SETTLED)
            os.getloadavg()
            stage.play(COUNTED)
            os.getloadavg()


if __name__ == "__main__":
    main(sys.argv[1:])
