"""Streams in files: publishers that have a number of messages outstanding, until all are acknowledged.

By default our server has a message on the disk before it acknowledges it, and the peer has not: it
syncs every two minutes. With `sync_interval: always` it does as well, with one sync for each message.
"""

import json
import selectors
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.client import PATIENCE, RowFailed, dial, hang_up, read_some
from benchmarks.configured import CONNECT_WITH_HEADERS
from benchmarks.encode import publication, subscription
from benchmarks.load import COST, NS
from benchmarks.sample import OpenProbe, Probe, Sample, Target
from benchmarks.servers import Contender

STREAM = "BENCH"
SUBJECT = b"bench.stream"
_ACKNOWLEDGED = b'{"stream"'
"""How a good acknowledgement begins; that of an error begins otherwise."""

_LEAST_RING = 16
_GROWTH = 4
_ROOM = 256 * 1024
_numbers = count()


@cache
def _folder() -> TemporaryDirectory[str]:
    """Where the stores of a run are, until its end: on a disk, if the directory for temporary files is."""
    return TemporaryDirectory(prefix="benchmark-stores-")


def with_streams(contender: Contender) -> Contender:
    """The same server with JetStream, as it is by default, and a store of its own."""
    store = Path(_folder().name) / f"{contender.name}-{next(_numbers)}"
    return replace(contender, flags=(*contender.flags, "-js", "-sd", str(store)))


def with_synced_streams(contender: Contender) -> Contender:
    """The same with a sync before each acknowledgement, which is our default."""
    return _configured(contender, "always")


def with_unsynced_streams(contender: Contender) -> Contender:
    """The same with a sync every two minutes, which is the default of the peer."""
    return _configured(contender, '"2m"')


def _configured(contender: Contender, sync_interval: str) -> Contender:
    store = Path(_folder().name) / f"{contender.name}-{next(_numbers)}"
    path = store.with_suffix(".conf")
    text = f'jetstream {{ store_dir: "{store}", sync_interval: {sync_interval} }}\n'
    path.write_text(text, encoding="utf-8")
    return replace(contender, flags=(*contender.flags, "-c", str(path)))


class StreamApi:
    """Requests to the API, over a connection of its own."""

    def __init__(self, port: int) -> None:
        self._link = dial(port, CONNECT_WITH_HEADERS + subscription(b"_api.*"))
        self._unread = b""

    def close(self) -> None:
        """End the connection."""
        self._link.close()

    def ask(self, call: str, document: object = None) -> dict[str, object]:
        """Make a request, and return its answer. Raises `RowFailed` for an error."""
        payload = b"" if document is None else json.dumps(document).encode()
        self._link.sendall(publication(b"$JS.API." + call.encode(), payload, b"_api.1"))
        answer: dict[str, object] = json.loads(self._read())
        if "error" in answer:
            raise RowFailed(f"{call}: {answer['error']}")
        return answer

    def _read(self) -> bytes:
        while True:
            line, found, rest = self._unread.partition(b"\r\n")
            size = int(line.split(b" ")[-1]) if line.startswith(b"MSG") and found else None
            if size is not None and len(rest) >= size + 2:
                self._unread = rest[size + 2 :]
                return rest[:size]
            if found and size is None:
                self._unread = rest
                continue
            self._unread += read_some(self._link)

    def make_stream(self, **fields: object) -> None:
        """Make the stream, in files."""
        config = {"name": STREAM, "subjects": [SUBJECT.decode()], "storage": "file", **fields}
        self.ask(f"STREAM.CREATE.{STREAM}", config)

    def purge(self) -> None:
        """Remove all messages."""
        self.ask(f"STREAM.PURGE.{STREAM}")

    def messages(self) -> int:
        """How many messages there are."""
        state = self.ask(f"STREAM.INFO.{STREAM}")["state"]
        assert isinstance(state, dict)  # noqa: S101 - the API says so
        return int(state["messages"])


@dataclass(frozen=True, slots=True)
class PublishShape:
    """Who publishes, and what."""

    size: int = 128
    outstanding: int = 1000
    """Of each publisher."""
    publishers: int = 1


class _Publisher:
    """Sends messages that are encoded before, as many as may be outstanding."""

    def __init__(self, shape: PublishShape, port: int, number: int) -> None:
        inbox = b"_INBOX.%05d" % number
        ring = max(2 * shape.outstanding, _LEAST_RING)
        payload = bytes(at % 251 for at in range(shape.size))
        encoded = [publication(SUBJECT, payload, b"%b.%06d" % (inbox, each)) for each in range(ring)]
        self._stride = len(encoded[0])
        self._ring = memoryview(b"".join(encoded) * 2)
        self._length = ring
        self._next = 0
        self._shape = shape
        self._unsent = self._outstanding = 0
        self._tail = b""
        self.link = dial(port, CONNECT_WITH_HEADERS + subscription(inbox + b".*"))

    def begin(self, messages: int) -> None:
        """Publish this number of messages."""
        self._unsent = messages
        self._send()

    @property
    def is_done(self) -> bool:
        """Whether all are acknowledged."""
        return not self._unsent and not self._outstanding

    def _send(self) -> None:
        more = min(self._unsent, self._shape.outstanding - self._outstanding)
        if more:
            start = self._next * self._stride
            self.link.sendall(self._ring[start : start + more * self._stride])
            self._next = (self._next + more) % self._length
            self._unsent -= more
            self._outstanding += more

    def read(self) -> None:
        """Take acknowledgements, and send as many messages."""
        data = self.link.recv(_ROOM)
        if not data:
            raise RowFailed("the server closed a publisher")
        text = self._tail + data
        self._outstanding -= text.count(_ACKNOWLEDGED)
        self._tail = text[1 - len(_ACKNOWLEDGED) :]
        self._send()


class Publishing:
    """The publishers of one row at one server."""

    def __init__(self, shape: PublishShape, server: Target) -> None:
        self._api = StreamApi(server.port)
        self._api.make_stream()
        self._publishers = [_Publisher(shape, server.port, number) for number in range(shape.publishers)]
        self._count = shape.publishers
        self._selector = selectors.DefaultSelector()
        for one in self._publishers:
            self._selector.register(one.link, selectors.EVENT_READ, one)

    def close(self) -> None:
        """Close the connections."""
        self._selector.close()
        self._api.close()
        hang_up([one.link for one in self._publishers])

    def warm_up(self, seconds: float) -> None:
        """Publish more and more, then fit the samples to `seconds`."""
        elapsed = self._burst(self._count)[0]
        while elapsed < seconds / 2:
            self._count *= _GROWTH
            elapsed = self._burst(self._count)[0]
        self._count = max(len(self._publishers), round(self._count * seconds / elapsed))

    def measure(self) -> Sample:
        """One burst into an empty stream."""
        self._api.purge()
        elapsed, busy = self._burst(self._count)
        sent = self._count // len(self._publishers) * len(self._publishers)
        if self._api.messages() != sent:
            raise RowFailed(f"{self._api.messages()} messages were stored in place of {sent}")
        return Sample({COST: elapsed / sent * NS}, busy / elapsed, busy / sent * NS)

    def _burst(self, messages: int) -> tuple[float, float]:
        """Publish, and wait for all acknowledgements; the time that it took, and that of the processor."""
        waiting = set(self._publishers)
        began, busy = time.perf_counter(), time.process_time()
        for one in self._publishers:
            one.begin(messages // len(self._publishers))
        while waiting:
            ready = self._selector.select(PATIENCE)
            if not ready:
                raise RowFailed(f"messages were not acknowledged for {PATIENCE:g} s")
            for key, _ in ready:
                publisher: _Publisher = key.data
                publisher.read()
                if publisher.is_done:
                    waiting.discard(publisher)
        return time.perf_counter() - began, time.process_time() - busy


def publishing(shape: PublishShape) -> OpenProbe:
    """A probe that publishes to a stream in files."""

    @contextmanager
    def open_probe(server: Target) -> Iterator[Probe]:
        load = Publishing(shape, server)
        try:
            yield load
        finally:
            load.close()

    return open_probe
