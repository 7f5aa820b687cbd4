"""Files go when nothing needs them, and not before."""

import pytest

from tests.fakes.disk import full
from tests.support.store import SMALL, Store, contents, fill


def segments(store: Store) -> list[str]:
    """The segments on the disk."""
    return [name for name in store.disk.files() if "segment" in name]


def test_empty_segments_go() -> None:
    """After their removals are safe."""
    store = Store()
    stream = store.create()
    fill(stream, 60)
    store.commit(stream)
    many = len(segments(store))
    store.disk.log = []
    stream.log.remove_before(55)
    store.commit(stream)
    store.turn(0.2)

    assert len(segments(store)) < many
    removed = next(at for at, line in enumerate(store.disk.log) if line.startswith("remove"))
    synced = next(
        at for at, line in enumerate(store.disk.log) if line.startswith("sync") and "journal" in line
    )
    assert synced < removed


def test_segments_that_a_failed_message_emptied_stay() -> None:
    """The message was taken back, and so was what it removed."""
    store = Store()
    stream = store.create()
    fill(stream, 40)
    store.commit(stream)
    before, files = contents(stream), segments(store)

    def no_room(operation: str, name: str) -> None:
        if operation in ("allocate", "create") and "journal" not in name:
            raise full()

    store.disk.fault = no_room
    stream.log.append(b"s", b"", bytes(3000), 9000, removes=list(range(1, 41)))
    store.commit(stream)
    store.turn(0.2)

    assert (before, files) == (contents(stream), segments(store))


def test_removals_in_segments_are_entered_before_these_go() -> None:
    """After a restart the journal does not have what messages removed; it gets it in time."""
    store = Store()
    stream = store.create()
    fill(stream, 20)
    for sequence in range(2, 20, 2):
        stream.log.append(b"r", b"", b"", 5000, removes=[sequence])
    stream.log.commit(store.outcomes.append, only_messages=True)
    store.turn()
    again = store.reopened()
    stream = again.storage.streams["S"]
    expected = contents(stream)
    gone = [sequence for sequence in expected if sequence > 20]
    stream.log.remove(gone)
    again.commit(stream)
    for _ in range(5):
        again.turn(0.2)
    last = again.reopened()

    assert [] == list(last.storage.problems)
    assert {sequence: expected[sequence] for sequence in expected if sequence not in gone} == contents(
        last.storage.streams["S"]
    )


def test_segments_that_messages_emptied_go() -> None:
    """A stream that keeps the newest message of a subject needs no more room with time."""
    store = Store()
    stream = store.create()
    sizes = []
    for _ in range(10):
        for _ in range(20):
            removes = [stream.log.last] if stream.log.count else []
            stream.log.append(b"s", b"", b"x" * 200, 1000, removes)
            stream.log.commit(store.outcomes.append, only_messages=True)
            store.turn()
        store.turn(1.0)
        sizes.append(stream.used)

    assert set(store.outcomes) == {None}
    assert max(sizes) < 4 * SMALL.segment
    assert len(stream.writer.segments) <= 2


def test_what_messages_removed_is_entered_before_it_is_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if no segment is empty because of it."""
    monkeypatch.setattr("app.adapters.streams_log.removals._MOST", 5)
    store = Store(sizes=SMALL._replace(segment=100_000))
    stream = store.create()
    fill(stream, 30)
    for sequence in range(1, 9):
        stream.log.append(b"s", b"", b"x", 2000, [sequence])
    stream.log.commit(store.outcomes.append, only_messages=True)
    store.turn()
    assert stream.parts.removals.is_pending
    store.turn(0.2)

    assert not stream.parts.removals.is_pending
