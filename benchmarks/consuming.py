"""Consumers of streams in files: a pull consumer with an ack for each message, and a key-value bucket.

What the client sends for what it gets is made by two replacements in the bytes that came, so that it
costs less than the server.
"""

import json
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count

from benchmarks.client import RowFailed, dial, read_some
from benchmarks.configured import CONNECT_WITH_HEADERS
from benchmarks.encode import publication, subscription
from benchmarks.latency import percentiles
from benchmarks.load import COST, NS
from benchmarks.resources import BYTES, memory_of
from benchmarks.sample import OpenProbe, Probe, Sample, Target
from benchmarks.streams import STREAM, SUBJECT, StreamApi

MESSAGES = 100_000
BATCH = 500
"""Messages of one request, of which two are under way; as the client of Go has it."""

IDLE_CONSUMERS = 480
"""Made twice; nats-server allows a thousand."""

_PAYLOAD = bytes(65 + at % 26 for at in range(128))
_BEFORE = b"MSG %b 1 " % SUBJECT
_AFTER = b" %d\r\n%b\r\n" % (len(_PAYLOAD), _PAYLOAD)
_REQUEST = json.dumps({"batch": BATCH, "expires": 30_000_000_000}).encode()
_PIECE = 2000
_PAUSE = 0.002
_FILL_SECONDS = 60.0
_DROPPED_SECONDS = 0.5
_SETTLE_SECONDS = 30.0

_BUCKET = "KV_bench"
_KEY = b"$KV.bench.key"
_LEAST = 200


def fill(api: StreamApi, link: socket.socket, messages: int, subjects: Sequence[bytes] = (SUBJECT,)) -> None:
    """Publish until the stream has this number of messages; a server may drop what is too much at once.

    Raises `RowFailed` if the server stores other messages than these, or takes too long.
    """
    encoded = [publication(subject, _PAYLOAD) for subject in subjects]
    pieces = b"".join(encoded * (_PIECE // len(encoded)))
    deadline, stored = time.perf_counter() + _FILL_SECONDS, api.messages()
    while stored < messages:
        if time.perf_counter() > deadline:
            raise RowFailed(f"the messages were not stored within {_FILL_SECONDS:g} s")
        size = min(_PIECE, messages - stored)
        link.sendall(pieces if size == _PIECE else encoded[0] * size)
        stored = _settled(api, stored + size)
    if stored > messages:
        raise RowFailed(f"{stored - messages} messages were stored that seemed to be dropped")


def _settled(api: StreamApi, expected: int) -> int:
    """The number of messages, once it is `expected`, or has not grown for a while: the rest was dropped."""
    stored, grown = api.messages(), time.perf_counter()
    while stored < expected and time.perf_counter() < grown + _DROPPED_SECONDS:
        time.sleep(_PAUSE)
        before, stored = stored, api.messages()
        if stored > before:
            grown = time.perf_counter()
    return stored


class Consuming:
    """One client that consumes a stream from its begin, again and again, each time by a new consumer."""

    def __init__(self, server: Target) -> None:
        self._api = StreamApi(server.port)
        self._api.make_stream()
        self._numbers = count(1)
        self._link = dial(server.port, CONNECT_WITH_HEADERS + subscription(b"_INBOX.bench"))
        fill(self._api, self._link, MESSAGES)

    def close(self) -> None:
        """Close the connections."""
        self._api.close()
        self._link.close()

    def warm_up(self, seconds: float) -> None:
        """Once through all messages; there is no other size."""
        del seconds
        self.measure()

    def measure(self) -> Sample:
        """From the first message to the last, until all are acknowledged."""
        name = f"C{next(self._numbers)}"
        config = {"durable_name": name, "name": name, "ack_policy": "explicit"}
        self._api.ask(f"CONSUMER.CREATE.{STREAM}.{name}", {"stream_name": STREAM, "config": config})
        began, busy = time.perf_counter(), time.process_time()
        self._consume(name)
        while self._unsettled(name):
            if time.perf_counter() > began + _SETTLE_SECONDS:
                raise RowFailed(f"not all messages were acknowledged within {_SETTLE_SECONDS:g} s")
        elapsed, busy = time.perf_counter() - began, time.process_time() - busy
        self._api.ask(f"CONSUMER.DELETE.{STREAM}.{name}")
        return Sample({COST: elapsed / MESSAGES * NS}, busy / elapsed, busy / MESSAGES * NS)

    def _unsettled(self, name: str) -> bool:
        info = self._api.ask(f"CONSUMER.INFO.{STREAM}.{name}")
        return bool(info["num_ack_pending"] or info["num_pending"])

    def _consume(self, name: str) -> None:
        link = self._link
        request = publication(
            f"$JS.API.CONSUMER.MSG.NEXT.{STREAM}.{name}".encode(), _REQUEST, b"_INBOX.bench"
        )
        link.sendall(request * 2)
        received = asked = 0
        rest = b""
        while received < MESSAGES:
            rest += read_some(link)
            end = rest.rfind(_AFTER) + len(_AFTER)
            if end < len(_AFTER):
                continue
            whole, rest = rest[:end], rest[end:]
            if not whole.startswith(_BEFORE):
                whole = whole[whole.find(_BEFORE) :]  # a PING of the server
            got = whole.count(_AFTER)
            received += got
            asked += got
            acks = whole.replace(_BEFORE, b"PUB ").replace(_AFTER, b" 4\r\n+ACK\r\n")
            while asked >= BATCH:
                asked -= BATCH
                acks += request
            link.sendall(acks)


class KeyValue:
    """One client that writes or reads a key of a bucket, one request after the other."""

    def __init__(self, server: Target, *, reads: bool) -> None:
        self._api = StreamApi(server.port)
        config = {
            "name": _BUCKET,
            "subjects": ["$KV.bench.>"],
            "max_msgs_per_subject": 1,
            "allow_direct": True,
            "allow_rollup_hdrs": True,
            "deny_delete": True,
            "discard": "new",
            "storage": "file",
        }
        self._api.ask(f"STREAM.CREATE.{_BUCKET}", config)
        self._link = dial(server.port, CONNECT_WITH_HEADERS + subscription(b"_INBOX.bench"))
        self._put = publication(_KEY, _PAYLOAD, b"_INBOX.bench")
        self._get = publication(b"$JS.API.DIRECT.GET.%b.%b" % (_BUCKET.encode(), _KEY), b"", b"_INBOX.bench")
        self._reads = reads
        self._seconds = 0.5
        self._ask(self._put, b'"seq"')

    def close(self) -> None:
        """Close the connections."""
        self._api.close()
        self._link.close()

    def warm_up(self, seconds: float) -> None:
        """For half the time of a sample."""
        self._seconds = seconds / 2
        self.measure()
        self._seconds = seconds

    def measure(self) -> Sample:
        """For the time of a sample."""
        request, expected = (self._get, _PAYLOAD) if self._reads else (self._put, b'"seq"')
        times: list[int] = []
        began, busy = time.perf_counter(), time.process_time()
        while time.perf_counter() < began + self._seconds or len(times) < _LEAST:
            times.append(self._ask(request, expected))
        elapsed, busy = time.perf_counter() - began, time.process_time() - busy
        return Sample(percentiles(times), busy / elapsed, busy * 1e9 / len(times))

    def _ask(self, request: bytes, expected: bytes) -> int:
        """The nanoseconds until the answer."""
        asked = time.perf_counter_ns()
        self._link.sendall(request)
        data = read_some(self._link)
        took = time.perf_counter_ns() - asked
        while expected not in data or not data.endswith(b"\r\n"):
            data += read_some(self._link)
        return took


def consuming() -> OpenProbe:
    """A probe that consumes a stream in files."""

    @contextmanager
    def open_probe(server: Target) -> Iterator[Probe]:
        load = Consuming(server)
        try:
            yield load
        finally:
            load.close()

    return open_probe


def key_value(*, reads: bool) -> OpenProbe:
    """A probe that writes a key, or reads it."""

    @contextmanager
    def open_probe(server: Target) -> Iterator[Probe]:
        load = KeyValue(server, reads=reads)
        try:
            yield load
        finally:
            load.close()

    return open_probe


class _IdleConsumers:
    """Durable pull consumers of an empty stream, which nobody asks for anything."""

    def __init__(self, server: Target) -> None:
        self._server = server

    def warm_up(self, seconds: float) -> None:
        """There is nothing to warm up."""

    def measure(self) -> Sample:
        """Make them; the memory that each takes. The first ones grow what all share."""
        api = StreamApi(self._server.port)
        api.make_stream()
        _make_consumers(api, "A")
        before = memory_of(self._server.pid)
        _make_consumers(api, "B")
        grown = memory_of(self._server.pid) - before
        api.close()
        return Sample({BYTES: grown / IDLE_CONSUMERS})


def _make_consumers(api: StreamApi, prefix: str) -> None:
    for number in range(IDLE_CONSUMERS):
        name = f"{prefix}{number}"
        config = {"durable_name": name, "name": name, "ack_policy": "explicit"}
        api.ask(f"CONSUMER.CREATE.{STREAM}.{name}", {"stream_name": STREAM, "config": config})


def idle_consumers() -> OpenProbe:
    """A probe of the memory that an idle consumer takes."""

    @contextmanager
    def open_probe(server: Target) -> Iterator[Probe]:
        yield _IdleConsumers(server)

    return open_probe
