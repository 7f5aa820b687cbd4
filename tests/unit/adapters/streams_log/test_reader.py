"""Messages are read from files, checked, and in blocks where they are in a row."""

from app.adapters.streams_log.directories import SIZES
from app.adapters.streams_log.log import FileLog
from app.domain.jetstream.storage.seam import StoredMessage
from tests.support.store import HEADERS, Store, contents, fill


def test_a_reader_that_goes_on_reads_blocks() -> None:
    """A hundred messages need few reads."""
    store = Store(sizes=SIZES)
    stream = store.create()
    fill(stream, 100)
    store.commit(stream)
    again = store.reopened()
    again.disk.log = []

    assert list(range(1, 101)) == list(contents(again.storage.streams["S"]))
    assert len(again.disk.log) < 5


def test_large_and_small_messages_are_read_anywhere() -> None:
    """A message of any size is read, whatever was read before it."""
    store = Store(sizes=SIZES)
    stream = store.create()
    for number in range(1, 12):
        stream.log.append(b"s", HEADERS, bytes([number]) * (300_000 if number % 5 == 0 else number), number)
    stream.log.append(b"s", b"", b"removes", 99, removes=list(range(1, 3)))
    store.commit(stream)
    log = store.reopened().storage.streams["S"].log

    for sequence in (11, 5, 10, 3, 4, 9, 5, 12):
        assert log.read(sequence) == stream.log.read(sequence)
    assert StoredMessage(12, 99, b"s", b"", b"removes") == log.read(12)


def test_a_disk_that_cannot_be_read_is_damage() -> None:
    """The message is not delivered, and the server goes on."""
    store = Store()
    stream = store.create()
    fill(stream, 3)
    store.commit(stream)
    again = store.reopened()

    def fault(operation: str, _name: str) -> None:
        if operation == "read":
            raise OSError(5, "Input/output error")

    again.disk.fault = fault
    assert {1: "damaged", 2: "damaged", 3: "damaged"} == contents(again.storage.streams["S"])
    assert again.storage.problems[0].text == "message 1 is damaged in segment 1"


def read_in_runs(log: FileLog, first: int, last: int, size: int = 64 << 10) -> dict[int, StoredMessage]:
    """The messages of runs, the first of which begins there."""
    found: dict[int, StoredMessage] = {}
    while first <= last:
        run = log.read_run(first, 7, size)
        if run is None:
            first += 1
            continue
        for at, sequence in enumerate(run.sequences):
            body, head = run.data[run.starts[at] : run.ends[at]], run.heads[at]
            found[sequence] = StoredMessage(
                sequence, run.times[at], run.subjects[at], body[:head], body[head:]
            )
        first = run.sequences[-1] + 1
    return found


def test_messages_in_a_row() -> None:
    """They are as those that are read one by one: from several segments, with headers and with gaps."""
    store = Store()
    stream = store.create()
    for number in range(1, 90):
        headers = HEADERS if number % 3 == 0 else b""
        stream.log.append(b"s.%d" % (number % 4), headers, bytes(number), number)
    stream.log.append(b"s", b"", b"removes", 99, removes=[5, 6, 40])
    store.commit(stream)
    log = store.reopened().storage.streams["S"].log
    assert isinstance(log, FileLog)

    found = read_in_runs(log, 1, 100)

    assert set(found) == set(range(1, 90)) - {5, 6, 40}
    assert all(message == log.read(sequence) for sequence, message in found.items())
    assert log.read_run(90, 5, 64 << 10) is None
    assert log.read_run(89, 5, 80) is None
    assert log.read_run(500, 5, 64 << 10) is None


def test_what_is_not_written_is_read_from_memory() -> None:
    """And from files as soon as it is there."""
    store = Store(sizes=SIZES)
    stream = store.create()
    fill(stream, 10)
    tail = stream.log.read_run(4, 99, 64 << 10)
    assert tail is not None
    assert list(tail.sequences) == [4, 5, 6, 7, 8, 9, 10]
    store.commit(stream)
    again = store.reopened().storage.streams["S"].log
    assert isinstance(again, FileLog)
    assert read_in_runs(again, 1, 10) == read_in_runs(stream.log, 1, 10)


def test_a_run_ends_before_damage() -> None:
    """What is damaged is met by who reads it alone."""
    store = Store(sizes=SIZES)
    stream = store.create()
    fill(stream, 5)
    store.commit(stream)
    again = store.reopened()
    log = again.storage.streams["S"].log
    assert isinstance(log, FileLog)

    def fault(operation: str, _name: str) -> None:
        if operation == "read":
            raise OSError(5, "Input/output error")

    again.disk.fault = fault
    assert log.read_run(1, 5, 64 << 10) is None
