"""Messages in memory."""

from app.adapters.streams_memory.log import MemoryLog
from app.domain.jetstream.storage.seam import StorageFailure, StoredMessage, StreamLog, SubjectState
from tests.support.runs import run_of


def filled(messages: int = 6, first: int = 1) -> StreamLog:
    """A log with messages on two subjects."""
    log = MemoryLog(first)
    for number in range(messages):
        headers = b"NATS/1.0\r\n\r\n" if number % 2 else b""
        log.append(b"s.%d" % (number % 2), headers, b"%d" % number, 100 + number)
    return log


def test_a_message_is_read_as_it_was_stored() -> None:
    """Subject, headers, payload and time come back."""
    log = filled(first=10)

    assert StoredMessage(11, 101, b"s.1", b"NATS/1.0\r\n\r\n", b"1") == log.read(11)
    assert StoredMessage(10, 100, b"s.0", b"", b"0") == log.read(10)
    assert log.read(99) is None
    assert (10, 15, 100, 105, 6, 2) == (
        log.first,
        log.last,
        log.first_time,
        log.last_time,
        log.count,
        log.subject_count,
    )
    assert log.lost is None
    assert log.failure is None


def test_sizes_are_those_of_nats_server() -> None:
    """16 bytes and the message's own are counted (jetstream-streams.md, section 4)."""
    log = MemoryLog()
    log.append(b"l.a", b"", b"x", 1)

    assert log.size == log.size_of(b"l.a", b"", b"x") == 20


def test_what_is_removed_is_gone() -> None:
    """Removed messages are not found, whichever way they went."""
    log = filled()
    assert log.remove([2, 2, 77]) == 1
    log.append(b"s.0", b"", b"rolled up", 200, removes=[1, 3, 5])

    assert [4, 6, 7] == [each for each in range(9) if log.read(each) is not None]
    assert [5] == log.holes()
    assert log.hole_count == 1
    assert log.remove_before(7) == 2
    assert log.first == 7


def test_all_removed_at_once() -> None:
    """A purge above the last message uses up the sequences between."""
    log = filled()

    assert log.remove_before(100) == 6
    assert (100, 99, 0, 0) == (log.first, log.last, log.count, log.size)
    assert log.append(b"s", b"", b"", 300) == 100


def test_a_purge_over_a_wide_gap_is_quick() -> None:
    """Sequences that were skipped cost nothing."""
    log = filled(2)
    log.skip(10**12, 150)
    log.append(b"s.0", b"", b"", 200)

    assert log.remove_before(10**12) == 2
    assert log.first == 10**12 + 1


def test_searches_are_those_of_the_index() -> None:
    """Sequences are found by subject and time."""
    log = filled()

    assert (2, 5) == (log.next(1, [b"s.1"]), log.previous(5, [b"s.0"]))
    assert (3, 2) == (log.at_time(102), log.count_from(3, [b"s.1"]))
    assert {b"s.0": SubjectState(1, 5, 3)} == dict(log.subjects(b"s.0"))
    assert SubjectState(2, 6, 3) == log.subject_state(b"s.1")
    assert [2, 4] == log.sequences_of(b"s.1", 5)
    assert (103, b"s.1") == (log.time_of(4), log.subject_of(4))
    assert (2, 4, 0) == tuple(log.next_with_headers(start) for start in (1, 3, 7))


def test_a_commit_is_done_at_once() -> None:
    """Memory promises nothing, so there is nothing to wait for."""
    outcomes: list[StorageFailure | None] = []
    filled().commit(outcomes.append, only_messages=True)

    assert [None] == outcomes


def test_messages_in_a_row() -> None:
    """They get one sequence and one time after the other."""
    log = MemoryLog(5)
    run = run_of([(b"s.1", b"", b"one", b"r"), (b"s.2", b"NATS/1.0\r\nK: v\r\n\r\n", b"two", b"")])

    assert log.append_run(run, 1000) == 5
    assert log.read(5) == StoredMessage(5, 1000, b"s.1", b"", b"one")
    assert log.read(6) == StoredMessage(6, 1001, b"s.2", b"NATS/1.0\r\nK: v\r\n\r\n", b"two")


def test_messages_in_a_row_are_read() -> None:
    """They are as those that are read one by one, up to a gap, a number or a size."""
    log = filled(9)
    log.remove([6])

    run = log.read_run(2, 99, 1000)

    assert run is not None
    assert list(run.sequences) == [2, 3, 4, 5]
    for at, sequence in enumerate(run.sequences):
        body, head = run.data[run.starts[at] : run.ends[at]], run.heads[at]
        found = StoredMessage(sequence, run.times[at], run.subjects[at], body[:head], body[head:])
        assert found == log.read(sequence)
    plain = log.read_run(9, 1, 1)
    assert plain is not None
    assert (list(plain.heads), plain.data) == ([0], b"8")
    assert log.read_run(6, 5, 1000) is None
    assert log.read_run(2, 5, 3) is None
