"""Streams in memory."""

from app.adapters.streams_memory.storage import MemoryStorage
from app.domain.jetstream.storage.seam import Storage, StorageFailure


def test_streams_by_name() -> None:
    """A stream is there from its creation until it is deleted."""
    storage: Storage = MemoryStorage()
    outcomes: list[StorageFailure | None] = []
    stream = storage.create("S", {"name": "S"}, first=5)

    assert {"S": stream} == dict(storage.streams)
    assert (5, {"name": "S"}) == (stream.log.first, stream.document)
    storage.sync_every(1.0)
    assert (0, ()) == (storage.used, tuple(storage.problems))
    stream.delete(outcomes.append)
    assert ({}, [None]) == (dict(storage.streams), outcomes)


def test_a_document_is_replaced() -> None:
    """The document is the one written last."""
    stream = MemoryStorage().create("S", {"name": "S"})
    stream.write({"name": "S", "max_msgs": 4})

    assert {"name": "S", "max_msgs": 4} == stream.document


def test_consumers_by_name() -> None:
    """A consumer is there from its creation until it is deleted, and its state needs no memory."""
    stream = MemoryStorage().create("S", {})
    outcomes: list[StorageFailure | None] = []
    state = stream.write_consumer("C", {"name": "C"}, in_memory=True)
    state.append(b"ack")
    state.replace(b"floor")
    state.commit(outcomes.append)

    assert stream.write_consumer("C", {"v": 2}) is state is stream.open_consumer("C")
    assert ({"C": {"v": 2}}, [None]) == (dict(stream.consumers), outcomes)
    assert (b"", (), 0) == (state.checkpoint, tuple(state.changes), state.appended)
    stream.delete_consumer("C")
    assert {} == dict(stream.consumers)


def test_a_closed_storage_has_let_go_of_everything() -> None:
    """Nothing is left after closing."""
    storage = MemoryStorage()
    storage.create("S", {})
    storage.close()

    assert {} == dict(storage.streams)
