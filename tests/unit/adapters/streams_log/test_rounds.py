"""While one round waits for the disk the next one forms."""

from collections.abc import Callable
from functools import partial

import pytest

from app.adapters.streams_log.directories import SIZES
from app.adapters.streams_log.stream import FileStream
from app.domain.jetstream.storage.seam import StorageFailure
from tests.fakes.disk import full
from tests.support.store import Store, contents, fill


def syncs(store: Store) -> int:
    """How often a segment was synced."""
    return sum(line.startswith("sync ") and line.endswith(".segment") for line in store.disk.log or [])


def test_one_sync_serves_all_who_wait() -> None:
    """A thousand messages with a commit each need two syncs: one is running, all others share the next."""
    store = Store()
    stream = store.create()
    fill(stream, 1)
    store.commit(stream)
    stream.writer.size = 1 << 20
    store.disk.log = []
    outcomes: list[StorageFailure | None] = []
    for number in range(1000):
        stream.log.append(b"s", b"", b"", 5000 + number)
        stream.log.commit(outcomes.append, only_messages=True)
        store.clock.advance(0.0)
    assert [] == outcomes
    store.turn()

    assert [None] * 1000 == outcomes
    assert syncs(store) == 2


def test_acknowledgements_wait_for_the_sync() -> None:
    """Nothing is said before the file is synced, and then in order."""
    store = Store()
    stream = store.create()
    stream.log.append(b"s", b"", b"", 1)
    stream.log.commit(lambda _: store.outcomes.append(None))
    store.clock.advance(0.0)
    assert [] == store.outcomes
    store.worker.step()

    assert [None] == store.outcomes
    assert stream.writer.synced.last == 1


def test_the_disk_works_on_the_next_round_while_answers_are_given() -> None:
    """What has arrived meanwhile is being written when the first answer comes."""
    store = Store()
    stream = store.create()
    store.turn()
    waiting: list[bool] = []

    def done(_failure: StorageFailure | None) -> None:
        waiting.append(stream.writer.unfinished)

    for _ in range(2):
        stream.log.append(b"s", b"", b"", 1)
        stream.log.commit(done, only_messages=True)
    store.turn()

    assert waiting == [True, False]


def test_after_a_failure_the_next_round_waits_for_the_answers() -> None:
    """What arrived meanwhile is taken back too."""
    store = Store()
    stream = store.create()
    store.turn()
    failures: list[tuple[StorageFailure | None, bool]] = []

    def done(failure: StorageFailure | None) -> None:
        failures.append((failure, stream.writer.unfinished))

    def fault(operation: str, _name: str) -> None:
        if operation == "write":
            raise full()

    store.disk.fault = fault
    for _ in range(2):
        stream.log.append(b"s", b"", bytes(100000), 1)
        stream.log.commit(done, only_messages=True)
    store.turn()
    store.disk.fault = lambda _operation, _name: None
    store.turn(2.0)

    assert failures == [(StorageFailure.FULL, False)] * 2
    assert stream.log.failure is None


def test_a_closed_store_looks_for_room_no_more() -> None:
    """Another server may have its directory: what was to be asked again of a full disk is not."""
    store = Store()
    stream = store.create()
    store.turn()

    def fault(operation: str, _name: str) -> None:
        if operation in {"write", "allocate"}:
            raise full()

    store.disk.fault = fault
    stream.log.append(b"s", b"", bytes(100000), 1)
    assert store.commit(stream) is StorageFailure.FULL
    store.storage.close()
    store.disk.log = []
    store.turn(10.0)

    assert store.disk.log == []


def test_with_an_interval_acknowledgements_wait_for_the_write() -> None:
    """The sync follows within the interval."""
    store = Store(interval=2.0)
    stream = store.create()
    store.disk.log = []
    stream.log.append(b"s", b"", b"", 1)
    assert store.commit(stream) is None
    assert syncs(store) == 0
    assert stream.writer.written.last == 1
    store.turn(2.1)

    assert syncs(store) == 1
    assert stream.writer.synced.last == 1


def test_a_relaxed_stream_does_not_wait() -> None:
    """Its messages are written soon, and synced within a second."""
    store = Store()
    stream = store.create(relaxed=True)
    stream.log.append(b"s", b"", b"", 1)
    stream.log.commit(store.outcomes.append, only_messages=True)
    assert [None] == store.outcomes
    store.turn()
    assert (1, 0) == (stream.writer.written.last, stream.writer.synced.last)
    store.turn(1.1)

    assert stream.writer.synced.last == 1
    assert [1] == list(contents(store.reopened().storage.streams["S"]))


def test_plain_acknowledgements_are_safe_soon() -> None:
    """What nobody waits for is written within 100 ms."""
    store = Store()
    stream = store.create()
    state = stream.write_consumer("C", {})
    state.append(b"ack")
    stream.log.commit(store.outcomes.append, only_messages=True)
    store.turn()
    assert {} == dict(store.reopened().storage.streams["S"].consumers)
    store.turn(0.1)

    assert [b"ack"] == list(store.reopened().storage.streams["S"].open_consumer("C").changes)


def test_streams_share_a_round() -> None:
    """A stream begins a round if none runs; the others are written together in the next one."""
    store = Store()
    streams = [store.create(name) for name in ("S", "T", "U")]
    store.turn()
    for stream in streams:
        stream.log.append(b"s", b"", b"", 1)
        stream.log.commit(store.outcomes.append, only_messages=True)
    store.worker.step()
    assert [None] == store.outcomes
    store.clock.advance(0.0)
    store.worker.step()

    assert [None] * 3 == store.outcomes
    assert not store.worker.step()


@pytest.mark.parametrize("interval", [0.0, 2.0])
def test_a_commit_within_an_answer_waits_for_the_next_round(interval: float) -> None:
    """Also of a stream of the same round that has not heard of it yet: each answer is of its own messages."""
    store = Store(interval=interval, sizes=SIZES)
    streams = [store.create(name) for name in ("S", "T")]
    answers: list[tuple[int, StorageFailure | None, bool]] = []

    def publish(stream: FileStream, then: Callable[[], None] = lambda: None) -> None:
        sequence = stream.log.append(b"s", b"", b"", 1)

        def done(failure: StorageFailure | None) -> None:
            answers.append((sequence, failure, sequence <= stream.writer.written.last))
            then()

        stream.log.commit(done, only_messages=True)

    for stream in streams:
        publish(stream)
    store.turn()
    answers.clear()
    first, second = streams
    first.log.remove([1])
    first.log.commit(store.outcomes.append)
    store.clock.advance(0.0)
    publish(first, lambda: publish(second))
    publish(second)
    store.turn()

    assert answers == [(2, None, True), (2, None, True), (3, None, True)]
    assert second.writer.written.last == 3
    assert contents(second) == contents(store.reopened().storage.streams["T"])


def test_another_interval() -> None:
    """It holds from the next round on, and what waited for a sync is synced at once."""
    store = Store(interval=100.0)
    stream = store.create()
    stream.log.append(b"s", b"", b"", 1)
    assert store.commit(stream) is None
    store.disk.log = []
    store.storage.sync_every(0.0)
    store.turn()
    assert syncs(store) == 1
    assert stream.writer.synced.last == 1
    store.disk.log = []
    stream.log.append(b"s", b"", b"", 2)
    assert store.commit(stream) is None
    assert syncs(store) == 1
    store.storage.sync_every(2.0)
    stream.log.append(b"s", b"", b"", 3)
    assert store.commit(stream) is None

    assert syncs(store) == 1


def defect(*_: object, **__: object) -> None:
    """Raise what nobody expects."""
    raise ZeroDivisionError


def test_a_defect_of_one_who_waits_costs_no_other() -> None:
    """All who waited for a round are answered, of other streams too; then it is raised."""
    store = Store()
    streams = [store.create("A"), store.create("B")]
    for stream in streams:
        fill(stream, 1)
        stream.log.commit(defect)
        stream.log.commit(store.outcomes.append)
    with pytest.raises(ZeroDivisionError):
        store.turn()

    assert [None, None] == store.outcomes
    assert store.commit(streams[0]) is None


@pytest.mark.parametrize("name", ["take", "succeeded"])
def test_a_defect_of_one_stream_costs_no_other(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits for that stream is refused, and it is reported by its name; all others go on."""
    store = Store()
    streams = [store.create("A"), store.create("B")]
    problems: list[str] = []
    store.storage.on_problem = lambda problem: problems.append(f"{problem.stream}: {problem.text}")
    outcomes: dict[str, StorageFailure | None] = {}
    monkeypatch.setattr(streams[0].journal, name, defect)
    for stream in streams:
        fill(stream, 1)
        stream.log.commit(partial(outcomes.__setitem__, stream.identity.name))
    store.turn()

    assert outcomes == {"A": StorageFailure.BROKEN, "B": None}
    assert len(problems) == 1
    assert problems[0].startswith("A: internal error: ZeroDivisionError at test_rounds.py:")
