"""The messages of a stream, and what a disk that is full does to them."""

from app.adapters.streams_log.directories import SIZES, Sizes
from app.adapters.streams_log.file_head import StreamIdentity
from app.adapters.streams_log.log import FileLog
from app.adapters.streams_log.removals import PendingRemovals
from app.adapters.streams_log.tail import Tail, TailBudget
from app.adapters.streams_log.writer import MessageWriter
from app.domain.jetstream.storage.index import Index
from app.domain.jetstream.storage.seam import StorageFailure, StoredMessage, StreamLog, SubjectState
from tests.fakes.disk import FakeDisk, full
from tests.support.runs import Published, run_of
from tests.support.store import HEADERS, Store, contents, fill


def test_sizes_are_those_of_nats_server() -> None:
    """30 bytes and the message's own, and 4 more with headers (jetstream-streams.md, section 4)."""
    store = Store()
    log = store.create().log
    log.append(b"l.a", b"", b"x", 1)
    assert log.size == log.size_of(b"l.a", b"", b"x") == 34

    log.append(b"l.a", b"12345", b"x", 1)
    assert log.size == 34 + log.size_of(b"l.a", b"12345", b"x") == 34 + 43


def test_the_last_message_of_a_subject() -> None:
    """Wherever it is: in memory, in a block, or in a file; and never one that was removed."""
    store = Store()
    stream = store.create()
    log = stream.log
    fill(stream, 9)
    log.append_run(run_of([(b"run", b"", b"in a block", b"")]), 2000)
    assert store.commit(stream) is None
    found: list[tuple[int, ...]] = []
    for _ in range(2):
        for log in (stream.log, store.reopened().storage.streams["S"].log):
            lasts = [log.read_last(subject) for subject in (b"s.0", b"s.1", b"s.2", b"run", b"none")]
            found.append(tuple(0 if each is None else each.sequence for each in lasts))
        stream.log.remove([9, 7, 1])
        assert store.commit(stream) is None

    assert [2 * [(7, 8, 9, 10, 0)], 2 * [(4, 8, 6, 10, 0)]] == [found[:2], found[2:]]


def test_what_is_appended_can_be_read_at_once() -> None:
    """A message can be read before anything of it is written."""
    log: StreamLog = Store().create(first=5).log
    log.append(b"a.b", b"", b"1", 10)
    log.append(b"c", b"", b"2", 20)
    log.skip(9, 25)

    assert (5, 9, 10, 25, 2, 2) == (
        log.first,
        log.last,
        log.first_time,
        log.last_time,
        log.count,
        log.subject_count,
    )
    assert (6, 5, 6, 1) == (
        log.next(1, [b"c"]),
        log.previous(9, [b"a.*"]),
        log.at_time(11),
        log.count_from(6),
    )
    assert {b"c": SubjectState(6, 6, 1)} == dict(log.subjects(b"c"))
    assert SubjectState(5, 5, 1) == log.subject_state(b"a.b")
    assert ([5], 20, b"c") == (log.sequences_of(b"a.b", 9), log.time_of(6), log.subject_of(6))
    assert ([7, 8, 9], 3) == (log.holes(), log.hole_count)
    assert log.read(7) is None
    assert log.lost is None


def test_a_full_disk_takes_messages_back() -> None:
    """With them goes what they removed; later there is room again, and sequences go on."""
    store = Store()
    stream = store.create()
    fill(stream, 10)
    store.commit(stream)
    before = contents(stream)
    store.disk.fault = _no_room
    stream.log.append(b"s.0", b"", bytes(2000), 2000, removes=[1, 4])
    stream.log.append(b"s.0", b"", b"", 2001, removes=[2])
    assert [3, 5] == list(contents(stream))[:2]

    assert store.commit(stream) is StorageFailure.FULL
    assert (before, 10) == (contents(stream), stream.log.last)
    store.turn(1.5)
    assert (StorageFailure.FULL,) == (stream.log.failure,)
    store.disk.fault = lambda _operation, _name: None
    store.turn(1.5)
    assert (None,) == (stream.log.failure,)
    assert stream.log.append(b"s.0", b"", b"again", 3000, removes=[1]) == 11
    assert store.commit(stream) is None
    assert {**before, 11: stream.log.read(11)} == {
        1: before[1],
        **contents(store.reopened().storage.streams["S"]),
    }


def test_removals_go_on_when_the_disk_is_full() -> None:
    """So that room can be made."""
    store = Store()
    stream = store.create()
    fill(stream, 60)
    store.commit(stream)
    store.disk.fault = _no_room
    stream.log.append(b"s.0", b"", bytes(2000), 2000)
    assert store.commit(stream) is StorageFailure.FULL

    used = store.storage.used
    stream.log.remove_before(50)
    assert store.commit(stream) is None
    store.turn(0.2)
    assert store.storage.used < used
    assert list(range(50, 61)) == list(contents(store.reopened().storage.streams["S"]))


def segments(store: Store) -> set[str]:
    """The files of messages on its disk."""
    return {name for name in store.disk.files() if "segment" in name}


def test_room_is_made_though_a_message_came_with_the_removal() -> None:
    """It needs a new file, for which there is no room, and so the old one is not closed with it."""
    store = Store(sizes=SIZES)
    stream = store.create()
    fill(stream, 60, payload=bytes(2000))
    assert store.commit(stream) is None
    old = segments(store)

    def fault(operation: str, name: str) -> None:
        if operation == "create" and "journal" not in name and old & segments(store):
            raise full()

    store.disk.fault = fault
    stream.log.remove_before(61)
    stream.log.append(b"s.0", b"", b"refused", 2000)
    assert store.commit(stream) is StorageFailure.FULL
    for _ in range(3):
        store.turn(1.1)

    assert stream.log.failure is None
    assert stream.log.append(b"s.0", b"", b"again", 3000) == 61
    assert store.commit(stream) is None
    assert [61] == list(contents(store.reopened().storage.streams["S"]))


def test_a_broken_disk_stops_a_stream() -> None:
    """Nothing is stored any more, also if the next sync seems to succeed; reading goes on."""
    store = Store()
    stream = store.create()
    fill(stream, 5)
    store.commit(stream)
    failed: list[str] = []

    def fault(operation: str, name: str) -> None:
        if operation == "sync" and not failed:
            failed.append(name)
            raise OSError(5, "Input/output error")

    store.disk.fault = fault
    stream.log.append(b"s", b"", b"lost", 2000)
    stream.log.commit(store.outcomes.append, only_messages=True)
    store.clock.advance(0.0)
    stream.log.append(b"s", b"", b"later", 2000)
    stream.log.commit(store.outcomes.append)
    store.turn()
    stream.log.commit(store.outcomes.append)

    assert [StorageFailure.BROKEN] * 3 == store.outcomes
    assert stream.log.failure is StorageFailure.BROKEN
    assert [1, 2, 3, 4, 5] == list(contents(stream))


def test_a_log_may_stand_alone() -> None:
    """Without one who writes, a commit is done at once."""
    index, removals = Index(), PendingRemovals()
    log = FileLog(
        "S", index, MessageWriter(FakeDisk(), "d", StreamIdentity(1, "S")), removals, Tail(TailBudget())
    )
    outcomes: list[StorageFailure | None] = []
    log.append(b"s", b"", b"", 1)
    log.remove([1, 2])
    log.commit(outcomes.append)

    assert ([None], 0) == (outcomes, log.count)


def _no_room(operation: str, name: str) -> None:
    if operation in ("allocate", "create") and "journal" not in name:
        raise full()


def some_messages(count: int) -> list[Published]:
    """Messages on three subjects, some with headers."""
    return [
        (b"s.%d" % (each % 3), HEADERS if each % 4 == 0 else b"", b"payload %d" % each, b"")
        for each in range(count)
    ]


def test_messages_in_a_row_are_stored_as_single_ones() -> None:
    """The files are the same to the byte, over several segments, and so is all that the log answers."""
    single, many = Store(), Store()
    one, other = single.create(), many.create()
    fill(one, 3)
    fill(other, 3)
    for number, (subject, headers, payload, _) in enumerate(some_messages(60)):
        one.log.append(subject, headers, payload, 5000 + number)
    assert other.log.append_run(run_of(some_messages(60)), 5000) == 4
    assert contents(one) == contents(other)
    single.commit(one)
    many.commit(other)
    fill(one, 1)
    fill(other, 1)
    single.commit(one)
    many.commit(other)

    assert contents(one) == contents(other)
    assert dict(one.log.subjects()) == dict(other.log.subjects())
    assert (one.log.size, one.log.last_time) == (other.log.size, other.log.last_time)
    assert len(other.writer.segments) > 2
    assert files_of(single) == files_of(many)
    assert contents(many.reopened().storage.streams["S"]) == contents(one)
    assert contents(many.reopened(close=True).storage.streams["S"]) == contents(one)


def files_of(store: Store) -> dict[str, bytes]:
    """What is in all segments."""
    return {name: bytes(file.data) for name, file in store.disk.files().items() if name.endswith(".segment")}


def test_a_removed_message_of_a_run_is_gone() -> None:
    """It is not read from memory either."""
    stream = Store().create()
    stream.log.append_run(run_of(some_messages(5)), 1000)
    stream.log.remove([2])

    assert stream.log.read(2) is None
    assert list(contents(stream)) == [1, 3, 4, 5]


def test_a_full_disk_takes_runs_back() -> None:
    """All of it, also what came after it; then sequences go on where they were."""
    store = Store()
    stream = store.create()
    fill(stream, 3)
    store.commit(stream)
    before, state = contents(stream), dict(stream.log.subjects())
    store.disk.fault = lambda operation, _name: _refuse(operation)
    stream.log.append_run(run_of(some_messages(40)), 5000)
    assert store.commit(stream) is StorageFailure.FULL

    store.disk.fault = lambda _operation, _name: None
    store.turn(1.5)
    assert (contents(stream), dict(stream.log.subjects())) == (before, state)
    assert stream.log.append_run(run_of(some_messages(40)), 6000) == 4
    assert store.commit(stream) is None
    assert contents(store.reopened().storage.streams["S"]) == contents(stream)


def _refuse(operation: str) -> int | None:
    if operation in ("allocate", "create"):
        raise full()
    return None


def test_runs_are_read_in_a_row() -> None:
    """From the newest messages, up to a number, a size, a gap or the end of what came together."""
    stream = Store(sizes=Sizes(segment=100_000, journal=600, ahead=1024)).create()
    fill(stream, 2)
    stream.log.append_run(run_of(some_messages(20)), 5000)
    stream.log.append_run(run_of(some_messages(3)), 6000)
    stream.log.remove([9])

    for first, most, size, expected in (
        (3, 99, 9999, 6),
        (3, 4, 9999, 4),
        (10, 99, 9999, 13),
        (22, 99, 9999, 1),
        (23, 99, 9999, 3),
        (3, 99, 100, 1),
        (3, 99, 10, 0),
        (9, 99, 9999, 0),
    ):
        run = stream.log.read_run(first, most, size)
        found = [] if run is None else list(run.sequences)
        assert found == list(range(first, first + expected))
        for at, sequence in enumerate(found):
            assert run is not None
            body, head = run.data[run.starts[at] : run.ends[at]], run.heads[at]
            message = StoredMessage(sequence, run.times[at], run.subjects[at], body[:head], body[head:])
            assert message == stream.log.read(sequence)
