"""Request and reply: how long a requester waits for its answer.

The requester runs here, the responder in a process of its own, both on blocking
sockets, so that each round trip costs the server two reads and two writes.
"""

import multiprocessing
import selectors
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection

from benchmarks.client import RowFailed, dial, dial_many, hang_up, read_some
from benchmarks.cluster import Pair
from benchmarks.configured import CONNECT_WITH_HEADERS
from benchmarks.encode import subscription
from benchmarks.sample import OpenProbe, Probe, Sample, Target

P50, P99, P999 = "p50", "p99", "p99.9"
_PARTS = {P50: 0.5, P99: 0.99, P999: 0.999}

_SERVICE = b"bench.service"
_NOWHERE = b"bench.nowhere"
_REQUEST = b"16-byte-request."
_US = 1e-3
_LEAST_REQUESTS = 200


@dataclass(frozen=True, slots=True)
class Conversation:
    """Who asks, and how."""

    clients: int = 1
    old_style: bool = False
    """A subscription of its own for each request, ended by its first message."""
    unheard: bool = False
    """Nobody serves the subject, and the server says so."""


def percentiles(nanoseconds: list[int]) -> dict[str, float]:
    """The figures of a latency row in µs, each the time that this share of the requests did not exceed."""
    ordered = sorted(nanoseconds)
    last = len(ordered) - 1
    return {name: ordered[min(last, int(part * len(ordered)))] * _US for name, part in _PARTS.items()}


class _Client:
    """A requester with one request under way."""

    def __init__(self, link: socket.socket, number: int, conversation: Conversation) -> None:
        self.link = link
        self._inbox = b"_INBOX.%d" % number
        self._old_style = conversation.old_style
        self._service = _NOWHERE if conversation.unheard else _SERVICE
        self._end = b"\r\n\r\n\r\n" if conversation.unheard else b"\r\nok\r\n"
        self._requests = 0
        self._asked = 0
        link.sendall(b"" if self._old_style else subscription(self._inbox + b".*"))

    def ask(self) -> None:
        """Send the next request."""
        self._requests += 1
        reply = b"%b.%d" % (self._inbox, self._requests)
        line = b"PUB %b %b %d\r\n%b\r\n" % (self._service, reply, len(_REQUEST), _REQUEST)
        if self._old_style:
            line = b"SUB %b %d\r\nUNSUB %d 1\r\n" % (reply, self._requests, self._requests) + line
        self._asked = time.perf_counter_ns()
        self.link.sendall(line)

    def hear(self) -> int:
        """Read the answer; return the nanoseconds it took."""
        data = read_some(self.link)
        took = time.perf_counter_ns() - self._asked
        while self._end not in data:  # there may be a PING of the server before or after it
            if b"-ERR" in data:
                raise RowFailed(f"the server said {data!r}")
            data += read_some(self.link)
        return took


class RoundTrips:
    """The clients of one latency row at one server."""

    def __init__(self, conversation: Conversation, port: int) -> None:
        greeting = CONNECT_WITH_HEADERS if conversation.unheard else b""
        links = dial_many(port, conversation.clients, greeting)
        self._clients = [_Client(link, number, conversation) for number, link in enumerate(links)]
        self._selector = selectors.DefaultSelector()
        for client in self._clients:
            self._selector.register(client.link, selectors.EVENT_READ, client)
        self._seconds = 0.5

    def close(self) -> None:
        """Close the connections."""
        self._selector.close()
        hang_up([client.link for client in self._clients])

    def warm_up(self, seconds: float) -> None:
        """Ask for half the time of a sample."""
        self._seconds = seconds
        self._converse(seconds / 2)

    def measure(self) -> Sample:
        """Ask for the time of a sample."""
        busy, began = time.process_time(), time.perf_counter()
        times = self._converse(self._seconds)
        elapsed, busy = time.perf_counter() - began, time.process_time() - busy
        return Sample(percentiles(times), busy / elapsed, busy * 1e9 / len(times))

    def _converse(self, seconds: float) -> list[int]:
        """Keep each client's one request under way for so long; return what the answers took."""
        times: list[int] = []
        end = time.perf_counter() + seconds
        for client in self._clients:
            client.ask()
        waiting = len(self._clients)
        while waiting:
            for key, _ in self._selector.select():
                times.append(key.data.hear())
                if time.perf_counter() < end or len(times) < _LEAST_REQUESTS:
                    key.data.ask()
                else:
                    waiting -= 1
        return times


def _respond(port: int, ready: Connection) -> None:
    """Answer requests until the connection ends; the work of the responder's process."""
    link = dial(port, subscription(_SERVICE))
    link.settimeout(None)
    ready.send(None)
    unread = b""
    while True:
        try:
            unread += read_some(link)
        except (RowFailed, OSError):
            return
        *messages, unread = unread.split(_REQUEST + b"\r\n")
        answers = [b"PUB %b 2\r\nok\r\n" % message.split(b" ")[3] for message in messages]
        if answers:
            link.sendall(b"".join(answers))


def round_trips(conversation: Conversation) -> OpenProbe:
    """A probe that measures this kind of conversation."""

    @contextmanager
    def open_probe(server: Target) -> Iterator[Probe]:
        with _responder(server.port), closing(RoundTrips(conversation, server.port)) as trips:
            yield trips

    return open_probe


def round_trips_across(conversation: Conversation) -> OpenProbe:
    """The same with the responder at another server of a cluster."""
    return _between(conversation, lambda server: server.join_two())


def round_trips_over_leaf_link(conversation: Conversation) -> OpenProbe:
    """The same with the responder at the peer, of which the server is a leaf."""
    return _between(conversation, lambda server: server.link_to_peer(as_hub=False))


def round_trips_over_own_leaf_link(conversation: Conversation) -> OpenProbe:
    """The same with the responder at a hub of the same kind."""
    return _between(conversation, lambda server: server.link_two(as_hub=False))


def _between(conversation: Conversation, join: Callable[[Target], AbstractContextManager[Pair]]) -> OpenProbe:
    """Requesters are at one of two servers, the responder at the other."""

    @contextmanager
    def open_probe(server: Target) -> Iterator[Probe]:
        with join(server) as pair, _responder(pair.far):
            pair.settle()
            with closing(RoundTrips(conversation, pair.near)) as trips:
                yield trips

    return open_probe


@contextmanager
def _responder(port: int) -> Iterator[None]:
    """A process that answers requests at this port."""
    ours, theirs = multiprocessing.Pipe()
    responder = multiprocessing.Process(target=_respond, args=(port, theirs), daemon=True)
    responder.start()
    ours.recv()
    try:
        yield
    finally:
        responder.terminate()
        responder.join()
