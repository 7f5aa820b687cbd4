"""An hour of virtual time: a server with streams in files is used, stopped, cut off and started again.

Everything is answered before the next thing is done, so a plain model knows what has to be there: after
each restart, and after each minute. Counts are compared with a full scan, of the server and of its files.
"""

import gc
import json
import re
import sys
from collections.abc import Callable, Container, Sequence
from random import Random
from types import FunctionType, ModuleType

from app.adapters.streams_log.checking import check_store
from app.adapters.streams_log.directories import Sizes
from app.adapters.streams_log.storage import FileStorage, StoreSettings
from app.domain.dataplane.seam import MakePlane
from app.domain.jetstream.hosting.hosted import HostedStream
from app.ports.files import Write, Written
from tests.fakes.clock import TickingClock
from tests.fakes.disk import FakeDisk, StepWorker
from tests.fakes.event_log import RecordingEventLog
from tests.fakes.wire import FakeWire
from tests.simulation.streams.play import BrokenPromise
from tests.support.virtual_broker import VirtualBroker
from tests.support.virtual_jetstream import VirtualJetStream

SIZES = Sizes(segment=20_000, journal=8_000, ahead=4096)
AGE, MOST, MOST_OF_ONE = 90, 120, 25
"""Limits of the stream L: seconds, messages, messages of a subject."""
ACK_WAIT = 3
_DELIVERED = re.compile(rb"MSG \S+ 1 (\$JS\.ACK\.\S+) \d+\r\n")

STREAMS: dict[str, dict[str, object]] = {
    "L": {"max_age": AGE * 10**9, "max_msgs": MOST, "max_msgs_per_subject": MOST_OF_ONE},
    "W": {"retention": "workqueue"},
    "I": {"retention": "interest"},
    "K": {"max_msgs_per_subject": 1, "allow_rollup_hdrs": True, "max_bytes": 1 << 20},
}


class LoopWorker:
    """A worker whose jobs are done at once; what follows them is called on the loop."""

    def __init__(self, clock: TickingClock) -> None:
        self._clock = clock
        self.is_free = True

    def was_slow(self) -> None:
        """See `app.ports.files`; here nothing takes time."""

    def submit(self, job: Callable[[], None], done: Callable[[], None]) -> None:
        """See `app.ports.files`."""
        job()
        self._clock.call_soon(done)

    def submit_writes(self, writes: Sequence[Write], written: Written) -> bool:  # noqa: ARG002 - not done
        """See `app.ports.files`; here all are jobs."""
        return False

    def try_now(self, job: Callable[[], object]) -> bool:
        """See `app.ports.files`."""
        job()
        return True

    def finish(self) -> None:
        """See `app.ports.files`."""
        self._clock.run_pending()


class Hour:
    """A server, and the model of what it has to know."""

    def __init__(self, seed: int, make_plane: MakePlane) -> None:
        self.random = Random(seed)
        self.restarts = self.crashes = self.published = self.settled_count = 0
        self._make_plane = make_plane
        self._incarnation = 0
        self._clock = TickingClock()
        self.disk = FakeDisk()
        self.js = self._start()
        for name, fields in STREAMS.items():
            self._expect(self.js.stream(name, storage="file", **fields))
        for stream, consumer in (("W", "C"), ("I", "C"), ("I", "D")):
            self._expect(self.js.consumer(stream, consumer, ack_wait=ACK_WAIT * 10**9, max_ack_pending=-1))
        self.limited: dict[int, tuple[str, float]] = {}
        """What is in L: subject and time by sequence."""
        self.keys: dict[str, tuple[int, bytes]] = {}
        """What is in K: the newest sequence and value of each key."""
        self.waiting: dict[str, dict[int, bytes]] = {"W": {}, "I": {}}
        """What is in the queues, and not settled."""
        self.owed: dict[str, set[int]] = {"W C": set(), "I C": set(), "I D": set()}
        """What each consumer has not settled."""
        self.memory: list[int] = []
        self.room: list[int] = []
        """Bytes of memory and of the disk, after each minute."""

    def _start(self) -> VirtualJetStream:
        files = FileStorage(
            self.disk, LoopWorker(self._clock), self._clock, self._next, StoreSettings(sizes=SIZES)
        )
        if files.problems and any("not synced" not in problem.text for problem in files.problems):
            raise BrokenPromise(f"{files.problems}")
        self.files = files
        return VirtualJetStream(self._make_plane, files=files, clock=self._clock)

    def _next(self) -> int:
        self._incarnation += 1
        return self._incarnation

    @staticmethod
    def _expect(answer: dict[str, object]) -> None:
        if "error" in answer:
            raise BrokenPromise(f"{answer}")

    # --- using it -----------------------------------------------------------------------

    def run(self, minutes: int, restarts: Container[int] = ()) -> None:
        """Use it for some minutes, and start it again at the end of these. Raises `BrokenPromise`."""
        for minute in range(minutes):
            for _ in range(60):
                self._second()
            self.js.client.send(b"PONG\r\n")
            if minute in restarts:
                self._restart()
            self.compare()
            self.memory.append(_memory_of(self.js.jetstream))
            self.room.append(sum(len(node.data) for node in self.disk.files().values()))

    def _second(self) -> None:
        for _ in range(self.random.choice([0, 1, 2, 6])):
            self.random.choice([self._publish, self._publish, self._put, self._enqueue, self._consume])()
        if self.random.random() < 0.01:
            self.random.choice([self._purge, self._delete, self._roll_up])()
        self.js.server.advance(1.0)
        self._expire()

    def _stored(self, subject: str, payload: bytes, headers: bytes = b"") -> int:
        heard = self.js.raw(subject, payload, headers)
        answer = json.loads(heard.split(b"\r\n", 1)[1])
        self._expect(answer)
        self.published += 1
        sequence: int = answer["seq"]
        return sequence

    def _payload(self) -> bytes:
        return self.random.randbytes(self.random.choice([0, 10, 100, 600])).hex().encode()

    def _publish(self) -> None:
        subject = f"l.{self.random.randrange(6)}"
        sequence = self._stored(subject, self._payload())
        self.limited[sequence] = (subject, self._clock.time())
        self._expire()
        same = [each for each, (its, _) in self.limited.items() if its == subject]
        for each in same[:-MOST_OF_ONE]:
            del self.limited[each]
        for each in list(self.limited)[:-MOST]:
            del self.limited[each]

    def _expire(self) -> None:
        now = self._clock.time()
        for sequence, (_, stored) in list(self.limited.items()):
            if now - stored > AGE:
                del self.limited[sequence]

    def _put(self) -> None:
        key, value = f"k.{self.random.randrange(40)}", self._payload()
        self.keys[key] = (self._stored(key, value), value)

    def _roll_up(self) -> None:
        key = f"k.{self.random.randrange(40)}"
        sequence = self._stored(key, b"", b"NATS/1.0\r\nNats-Rollup: all\r\n\r\n")
        self.keys = {key: (sequence, b"")}

    def _enqueue(self) -> None:
        name = self.random.choice(["W", "I"])
        payload = self._payload()
        sequence = self._stored(f"{name.lower()}.x", payload)
        self.waiting[name][sequence] = payload
        for owner, owed in self.owed.items():
            if owner.startswith(name):
                owed.add(sequence)

    def _consume(self) -> None:
        """Take some messages, and settle most of them."""
        owner = self.random.choice(list(self.owed))
        stream, consumer = owner.split()
        request = b'{"batch":%d,"no_wait":true}' % self.random.choice([1, 5, 20])
        heard = self.js.raw(f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}", request)
        for reply in _DELIVERED.findall(heard):
            sequence = int(reply.split(b".")[5])
            if sequence not in self.owed[owner]:
                raise BrokenPromise(f"{sequence} of {owner} was delivered after it was settled")
            chance = self.random.random()
            if chance < 0.8:
                self._settle(owner, sequence, reply)
            elif chance < 0.9:
                self.js.raw(reply.decode(), b"-NAK")

    def _settle(self, owner: str, sequence: int, reply: bytes) -> None:
        self.js.raw(reply.decode(), b"+ACK")
        self.settled_count += 1
        self.owed[owner].discard(sequence)
        stream = owner[0]
        if not any(sequence in owed for other, owed in self.owed.items() if other.startswith(stream)):
            del self.waiting[stream][sequence]

    def _purge(self) -> None:
        subject = f"l.{self.random.randrange(6)}"
        self._expect(self.js.ask("STREAM.PURGE.L", {"filter": subject}))
        self.limited = {each: held for each, held in self.limited.items() if held[0] != subject}

    def _delete(self) -> None:
        if self.limited:
            sequence = self.random.choice(list(self.limited))
            self._expect(self.js.ask("STREAM.MSG.DELETE.L", {"seq": sequence}))
            del self.limited[sequence]

    def _restart(self) -> None:
        """Another server: after an orderly end, and after the power was gone, in turns."""
        self.restarts += 1
        if self.restarts % 2:
            self.js.jetstream.stop()
            self.files.close()
            self.disk = self.disk.copy()
        else:
            self.crashes += 1
            self.disk = self.disk.crashed(self.random)
        self._clock = TickingClock(wall=self._clock.time())
        self.js = self._start()
        self.js.server.advance(0.0)
        self._expire()

    # --- comparing ----------------------------------------------------------------------

    def compare(self) -> None:
        """Compare with the model, and counts with what is there. Raises `BrokenPromise`."""
        found = {name: self._scanned(hosted) for name, hosted in self.js.jetstream.catalogue.streams.items()}
        _same("L", found["L"].keys(), self.limited.keys())
        _same(
            "K", {found["K"][sequence] for sequence in found["K"]}, {each for _, each in self.keys.values()}
        )
        _same("K", found["K"].keys(), {sequence for sequence, _ in self.keys.values()})
        for name, waiting in self.waiting.items():
            _same(name, found[name].items(), waiting.items())
        for owner, owed in self.owed.items():
            stream, consumer = owner.split()
            info = self.js.ask(f"CONSUMER.INFO.{stream}.{consumer}")
            unsettled = int(str(info["num_pending"])) + int(str(info["num_ack_pending"]))
            _same(owner, unsettled, len(owed))
        self._check_files(found)

    @staticmethod
    def _scanned(hosted: HostedStream) -> dict[int, bytes]:
        """All messages of a stream, one by one; its counts are those of them."""
        log = hosted.stream.log
        messages = [log.read(each) for each in range(log.first, log.last + 1)]
        there = [each for each in messages if each is not None]
        subjects: dict[bytes, list[int]] = {}
        for each in there:
            subjects.setdefault(each.subject, []).append(each.sequence)
        size = sum(log.size_of(each.subject, each.headers, each.payload) for each in there)
        counted = {name: tuple(state) for name, state in log.subjects()}
        scanned = {name: (held[0], held[-1], len(held)) for name, held in subjects.items()}
        _same(hosted.name, (log.count, log.size, log.subject_count), (len(there), size, len(subjects)))
        _same(hosted.name, counted, scanned)
        _same(hosted.name, log.hole_count, log.last - log.first + 1 - len(there))
        return {each.sequence: each.payload for each in there}

    def _check_files(self, found: dict[str, dict[int, bytes]]) -> None:
        """What a tool counts in the files as they are now."""
        clock = TickingClock()
        storage = FileStorage(self.disk.copy(), StepWorker(), clock, self._next, StoreSettings(sizes=SIZES))
        report = check_store(storage, lambda *_: None)
        if not report.is_good:
            raise BrokenPromise(f"the files are damaged: {report}")
        counted = {each.name: each.messages for each in report.streams}
        _same("files", counted, {name: len(messages) for name, messages in found.items()})


def _same(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise BrokenPromise(f"{what}: {found} was found, and {expected} expected")


_OUTSIDE = (ModuleType, FunctionType, type, FakeDisk, FakeWire, VirtualBroker, RecordingEventLog)


def _memory_of(root: object) -> int:
    """Bytes of all objects that belong to it."""
    gc.collect()
    seen, left, size = {id(root)}, [root], 0
    while left:
        each = left.pop()
        size += sys.getsizeof(each)
        for other in gc.get_referents(each):
            if id(other) not in seen and not isinstance(other, _OUTSIDE):
                seen.add(id(other))
                left.append(other)
    return size
