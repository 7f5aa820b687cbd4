"""Messages are read from files, checked, and in blocks where they are in a row."""

from app.adapters.streams_log.directories import SIZES
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
    """Whatever was read before."""
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
