"""Few messages that wait for no sync are written on the loop."""

import pytest

from app.adapters.streams_log.directories import SIZES
from app.adapters.streams_log.stream import FileStream
from app.domain.jetstream.storage.seam import StorageFailure
from tests.fakes.disk import full
from tests.support.store import Store, contents


def written_now(store: Store, stream: FileStream, size: int = 0) -> bool:
    """Whether a message is acknowledged before the worker has done anything."""
    before = len(store.outcomes)
    stream.log.append(b"s", b"", bytes(size), 1)
    stream.log.commit(store.outcomes.append, only_messages=True)
    is_done = len(store.outcomes) > before
    store.turn()
    return is_done


def test_short_writes_without_a_sync_are_made_at_once() -> None:
    """Not the first of a stream, nor in a new segment, nor one of much."""
    store = Store(interval=2.0, sizes=SIZES)
    stream = store.create()

    assert [False, True, False, True] == [written_now(store, stream, size) for size in (1, 1, 100_000, 1)]
    assert stream.writer.written.last == 4
    assert stream.writer.synced.last == 0
    store.turn(2.1)
    assert stream.writer.synced.last == 4
    stream.writer.close_active()
    assert not written_now(store, stream)


def test_nothing_is_written_before_what_goes_first() -> None:
    """A round that runs, a job of the worker, or an entry of the journal that somebody waits for."""
    store = Store(interval=2.0, sizes=SIZES)
    stream = store.create()
    assert not written_now(store, stream)
    stream.log.append(b"s", b"", b"", 1)
    stream.log.remove([1])
    stream.log.commit(store.outcomes.append)
    assert not written_now(store, stream)
    assert written_now(store, stream)
    stream.log.commit(store.outcomes.append)
    store.clock.advance(0.0)
    assert not written_now(store, stream)
    store.turn(2.1)
    store.worker.submit(lambda: None, lambda: None)
    assert not written_now(store, stream)
    assert written_now(store, stream)


def test_with_a_sync_nothing_is_written_at_once() -> None:
    """The loop waits for no disk."""
    store = Store()
    stream = store.create()
    store.turn()

    assert not written_now(store, stream)
    assert not written_now(store, stream)


def test_a_relaxed_stream_is_written_at_once() -> None:
    """Its acknowledgement comes after the write where that is quick, and before it where it is not."""
    store = Store(sizes=SIZES)
    stream = store.create(relaxed=True)
    stream.log.append(b"s", b"", b"", 1)
    stream.log.commit(store.outcomes.append, only_messages=True)
    assert [None] == store.outcomes
    assert stream.writer.written.last == 0
    store.turn()
    assert stream.writer.written.last == 1
    assert written_now(store, stream)
    stream.log.append(b"s", b"", bytes(100_000), 1)
    stream.log.commit(store.outcomes.append, only_messages=True)

    assert [None] * 3 == store.outcomes
    assert stream.writer.written.last == 2


class FailingWrites:
    """Writes of segments that fail, a number of times."""

    def __init__(self, times: int) -> None:
        self.left = times

    def __call__(self, operation: str, name: str) -> int | None:
        """See `Fault`."""
        if operation == "write" and name.endswith(".segment") and self.left:
            self.left -= 1
            raise full()
        return None


def test_a_write_that_fails_at_once_is_made_by_a_round() -> None:
    """What it left of itself is written again, and refused if that fails as well."""
    store = Store(interval=2.0, sizes=SIZES)
    stream = store.create()
    assert not written_now(store, stream)
    store.disk.fault = FailingWrites(1)
    assert not written_now(store, stream)
    assert [None, None] == store.outcomes
    assert contents(stream) == contents(store.reopened().storage.streams["S"])
    store.disk.fault = FailingWrites(2)
    assert not written_now(store, stream)

    assert store.outcomes[-1] is StorageFailure.FULL
    assert not written_now(store, stream)


@pytest.mark.parametrize(("times", "outcome"), [(1, None), (2, StorageFailure.FULL)])
def test_a_relaxed_stream_waits_for_the_round_after_a_failure(
    times: int, outcome: StorageFailure | None
) -> None:
    """What is known not to be written is not acknowledged before it is."""
    store = Store(sizes=SIZES)
    stream = store.create(relaxed=True)
    written_now(store, stream)
    store.disk.fault = FailingWrites(times)

    assert not written_now(store, stream)
    assert store.outcomes[1:] == [outcome]
