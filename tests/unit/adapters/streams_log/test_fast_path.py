"""A message by itself, stored by compiled code: all is as if it had been appended and committed."""

import time
from array import array
from collections import deque
from collections.abc import Iterator
from functools import reduce
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import Any

import pytest

from app.adapters.streams_log import fast_path
from app.adapters.streams_log.directories import Sizes
from app.adapters.streams_log.fast_path import compiled, never
from app.adapters.streams_log.stream import FileStream
from app.domain.jetstream.storage.chunk import Chunk
from app.domain.jetstream.storage.split_column import SplitColumn
from app.ports.files import QUICK
from tests.fakes.disk import StepWorker, full
from tests.support.store import HEADERS, Store

needs_compiled = pytest.mark.skipif(compiled() is None, reason="the compiled code is not built")

LARGE = Sizes(segment=1 << 22, journal=4096, ahead=1 << 16)
STEPS = 400


def fields_of(thing: object, names: str) -> Iterator[tuple[str, object]]:
    """What an object has, in a form that can be compared."""
    for name in names.split():
        value = getattr(thing, name)
        if isinstance(value, SplitColumn | array):
            value = list(value[:])
        elif isinstance(value, deque):
            value = list(value)
        elif isinstance(value, dict | set):
            value = value.copy()
        yield name, value


def chunk_fields(chunk: Chunk) -> list[object]:
    """All of one."""
    return [*fields_of(chunk, "base following ids is_packed live offsets places sizes start times")]


def of(thing: object, path: str) -> Any:  # noqa: ANN401 - whatever is there
    """What a chain of fields leads to."""
    return reduce(getattr, path.split("."), thing)


def state_of(store: Store, stream: FileStream) -> list[object]:
    """Everything that the loop, the worker and the disk have of a stream."""
    index, writer, tail, log = of(stream, "_index"), stream.writer, of(stream, "_tail"), stream.log
    found: list[object] = [*fields_of(index, "count first last last_time size")]
    found += fields_of(of(index, "_subjects"), "ids names counts firsts lasts")
    found += [chunk_fields(each) for _, each in sorted(of(index, "_chunks.by_number").items())]
    for each in of(index, "_cache._filters").values():
        found += fields_of(each, "patterns total counts mask")
    found += fields_of(
        writer, "last last_time written synced epoch unfinished _checksum _new_epoch _unsynced _cut"
    )
    found.append(len(of(writer, "_parts")))
    for segment in writer.segments.values():
        found += fields_of(segment, "number first last live messages end allocated closed")
        if segment.columns is not None:
            found += fields_of(segment.columns, "names sequences ids places times sizes removes")
    found += fields_of(tail, "size counted written _messages _order")
    found += fields_of(of(stream, "_removals"), "_sequences _empty")
    found += [len(of(log, "_undo")), log.failure]
    found += [stream in store.storage.rounds.unsynced, stream in of(store.storage.rounds, "_lazy")]
    found += [(name, bytes(node.data)) for name, node in store.disk.files().items()]
    return found


class Side:
    """One of the two stores."""

    def __init__(self, interval: float, sizes: Sizes, *, relaxed: bool) -> None:
        self.store = Store(interval=interval, sizes=sizes)
        self.stream = self.store.create(relaxed=relaxed)
        self.at_once = 0
        self.outcomes: list[object] = []

    def put(self, subject: bytes, headers: bytes, payload: bytes, time: int, most: int) -> None:
        """Store a message as a stream does."""
        log = self.stream.log
        if log.store_now(subject, headers, payload, time, most):
            self.at_once += 1
        elif log.failure is None:
            removes = log.excess(subject, most) if most > 0 else ()
            log.append(subject, headers, payload, max(time, log.last_time), removes)
            if not log.commit_now():
                log.commit(self.outcomes.append, only_messages=True)

    def step(self, random: Random, step: int) -> None:
        """Do something; all is drawn first, so that both do the same."""
        choice, subject = random.random(), b"s.%d" % random.choice((0, 0, 0, random.randrange(40)))
        headers = HEADERS if random.random() < 0.2 else b""
        payload = bytes(random.choice((0, 5, 100, random.randrange(900))))
        most, time, number = (
            random.choice((0, 1, 1, 1, 3)),
            1000 + step - random.randrange(3),
            random.random(),
        )
        log, store = self.stream.log, self.store
        if choice < 0.85:
            self.put(subject, headers, payload, time, most)
        elif choice < 0.88 and log.failure is None:
            log.remove([1 + int(number * log.last)])
        elif choice < 0.885 and log.failure is None:
            log.remove_before(int(number * log.last))
        elif choice < 0.89 and log.failure is None:
            log.skip(log.last + int(number * 40_000), log.last_time)
        elif choice < 0.91:
            log.next(1, (b"s.*",) if number < 0.5 else (b"s.1", b"s.2"))
        elif choice < 0.93:
            self.fail_once()
            self.put(subject, headers, payload, time, most)
            store.disk.fault = lambda _operation, _name: None
        elif choice < 0.95:
            self._append(subject, payload)
        else:
            store.turn(0.2 if number < 0.7 else 130.0)

    def _append(self, subject: bytes, payload: bytes) -> None:
        log = self.stream.log
        if log.failure is None:
            log.append(subject, HEADERS, payload, log.last_time + 1)

    def fail_once(self) -> None:
        """Have no room for what is written."""

        def fault(operation: str, _name: str) -> None:
            if operation == "write":
                raise full()

        self.store.disk.fault = fault


@needs_compiled
@pytest.mark.parametrize(
    "sizes", [Sizes(segment=6000, journal=900, ahead=1024), LARGE], ids=["small", "large"]
)
@pytest.mark.parametrize("relaxed", [False, True], ids=["later", "relaxed"])
def test_it_does_what_the_parts_do(sizes: Sizes, relaxed: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001 - a parameter of the test
    """Memory and disk are the same after each step: removals, gaps, filters, full disks, new segments."""
    at_once = 0
    for seed in range(6):
        compiled_side = Side(120.0 if not relaxed else 0.0, sizes, relaxed=relaxed)
        with monkeypatch.context() as patch:
            patch.setattr(fast_path, "compiled", lambda: None)
            plain_side = Side(120.0 if not relaxed else 0.0, sizes, relaxed=relaxed)
        for step in range(STEPS):
            for side in (compiled_side, plain_side):
                side.step(Random(1000 * seed + step), step)
            expected = state_of(plain_side.store, plain_side.stream)
            assert expected == state_of(compiled_side.store, compiled_side.stream), f"{seed}, {step}"
        assert plain_side.outcomes == compiled_side.outcomes
        assert 0 == plain_side.at_once
        at_once += compiled_side.at_once

    assert at_once > STEPS


@needs_compiled
def test_one_key_that_is_put_often() -> None:
    """Slots of what is gone are dropped in between, and a chunk that is full is followed by another."""
    side = Side(120.0, LARGE, relaxed=False)
    for number in range(20_000):
        side.put(b"$KV.b.k", b"", b"%d" % number, number, 1)
        if not number:
            side.store.turn()  # the first one makes a segment

    assert side.at_once > 19_800
    assert (20_000, 20_000, 1) == (side.stream.log.first, side.stream.log.last, side.stream.log.count)
    message = side.stream.log.read(20_000)
    assert message is not None
    assert b"19999" == message.payload
    found = side.store.reopened(close=True).storage.streams["S"].log
    assert (20_000, 20_000, 1) == (found.first, found.last, found.count)


@needs_compiled
def test_a_worker_that_is_free_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message is written here. The worker hears of it if that was slow; a full disk is as before."""
    side = Side(120.0, LARGE, relaxed=False)
    worker, log = side.store.worker, side.stream.log
    side.put(b"s", b"", b"x", 1, 0)
    side.store.turn()
    worker.is_free = True
    monkeypatch.setattr(StepWorker, "try_now", lambda _worker, _job: 1 / 0)

    assert 2 == log.store_now(b"s", b"", b"x", 1, 0)
    side.store.disk.fault = lambda _operation, _name: time.sleep(1.2 * QUICK)
    assert 3 == log.store_now(b"s", b"", b"x", 1, 0)
    assert worker.slow >= 1
    side.fail_once()
    assert 0 == log.store_now(b"s", b"", b"x", 1, 0)
    assert 3 == log.last


@needs_compiled
def test_what_must_be_synced_takes_the_long_way() -> None:
    """So does what another commit waits for, and what is larger than a short write."""
    synced = Side(0.0, LARGE, relaxed=False)
    later = Side(120.0, LARGE, relaxed=False)
    for side in (synced, later):
        side.put(b"s", b"", b"x", 1, 0)
        side.store.turn()

    assert 0 == synced.stream.log.store_now(b"s", b"", b"x", 1, 0)
    assert 2 == later.stream.log.store_now(b"s", b"", b"x", 1, 0)
    assert 0 == later.stream.log.store_now(b"s", b"", bytes(70_000), 1, 0)
    later.stream.log.commit(later.outcomes.append)
    assert 0 == later.stream.log.store_now(b"s", b"", b"x", 1, 0)
    later.store.turn()
    assert 3 == later.stream.log.store_now(b"s", b"", b"x", 1, 0)
    later.stream.delete(later.outcomes.append)
    assert 0 == later.stream.log.store_now(b"s", b"", b"x", 1, 0)


class OnDisk:
    """A file with a descriptor of its own, which notes what is put into it."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.pieces: list[tuple[int, bytes]] = []

    def put(self, offset: int, data: bytes) -> None:
        """Note it."""
        self.pieces.append((offset, data))


@needs_compiled
def test_a_file_with_a_descriptor_is_written_there(tmp_path: Path) -> None:
    """By the system itself; what it refuses is left to the file."""
    one, other = (Side(120.0, LARGE, relaxed=False) for _ in range(2))
    for side in (one, other):
        side.put(b"s", b"", b"x", 1, 0)
        side.store.turn(0.2)
    active = of(one.stream, "writer.active")
    start = active.end
    with (tmp_path / "segment").open("w+b") as file:
        whole, broken = OnDisk(file.fileno()), OnDisk(1 << 20)
        for active.file, payload in ((whole, b"y"), (broken, b"z")):
            for side in (one, other):
                side.put(b"s", b"", payload, 2, 0)
        file.seek(start)
        written = file.read()
    ((after, last),) = broken.pieces

    assert ([], start + len(written)) == (whole.pieces, after)
    expected = of(other.stream, "writer.active.file")
    assert (written, last) == (expected.read(start, len(written)), expected.read(after, len(last)))
    assert one.at_once == other.at_once == 2


@needs_compiled
def test_the_last_message_of_a_subject() -> None:
    """From the newest ones, or as the log finds it."""
    side = Side(120.0, LARGE, relaxed=False)
    for number in range(3):
        side.put(b"s.%d" % (number % 2), b"", b"%d" % number, 1, 0)
        side.store.turn(0.2)
    log = side.stream.log
    assert [log.find_last(each) for each in (b"s.0", b"s.1", b"s.2")] == [
        log.read_last(each) for each in (b"s.0", b"s.1", b"s.2")
    ]
    log.remove([3])
    last = log.read_last(b"s.0")

    assert last is not None
    assert (1, b"0") == (last.sequence, last.payload)


@pytest.mark.parametrize("kind", [ImportError, AttributeError])
def test_without_compiled_code_nothing_goes_this_way(
    kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Messages go the long way, and are stored all the same; so it is if a field has another name now."""

    def missing(_name: str, _package: str | None = None) -> None:
        raise kind

    monkeypatch.setattr(fast_path, "import_module", missing)
    compiled.cache_clear()
    try:
        side = Side(120.0, LARGE, relaxed=False)
    finally:
        compiled.cache_clear()
    side.put(b"s", b"", b"x", 1, 0)

    assert side.stream.log.store_now is never
    assert (0, 1) == (side.at_once, side.stream.log.count)


def test_what_is_built_is_used() -> None:
    """A field that it does not find would let all messages go the long way, and these tests be left out."""
    is_built = find_spec(".native_storing", fast_path.__package__) is not None

    assert is_built == (compiled() is not None)
