"""Segments of which most messages are gone are written again."""

import pytest

from app.adapters.streams_log.file_head import StreamIdentity
from app.adapters.streams_log.rewriting import Rewriting
from app.adapters.streams_log.segment import Segment, number_of, offset_of
from app.domain.jetstream.storage.seam import StorageFailure
from tests.fakes.disk import FakeDisk, FakeFile, Node, full
from tests.support.store import Store, contents, fill


def sparse(store: Store) -> set[int]:
    """Remove most messages of a stream; returns those that are left."""
    stream = store.create()
    fill(stream, 60, payload=b"x" * 50)
    stream.log.append(b"s.9", b"", b"y" * 50, 5000, removes=[7])
    store.commit(stream)
    left = {sequence for sequence in range(1, 62) if sequence % 5 == 0 or sequence > 55}
    stream.log.remove([sequence for sequence in range(1, 62) if sequence not in left], erase=True)
    return left


def settle(store: Store) -> None:
    """Let everything in the background happen."""
    for _ in range(20):
        store.turn(0.2)


def test_room_comes_back() -> None:
    """The messages that are left need little room, and are read as before."""
    store = Store()
    left = sparse(store)
    stream = store.storage.streams["S"]
    before, expected = store.storage.used, contents(stream)
    store.commit(stream)
    settle(store)

    assert store.storage.used < before * 0.9
    assert sorted(left) == list(contents(stream))
    assert expected == contents(stream) == contents(store.reopened().storage.streams["S"])
    assert store.reopened().storage.streams["S"].log.lost is None


@pytest.mark.parametrize("operation", ["create", "write", "sync", "rename", "sync_directory"])
def test_a_failure_leaves_the_old_segment(operation: str) -> None:
    """Or the new one; every message is there, whatever fails."""
    store = Store()
    sparse(store)
    stream = store.storage.streams["S"]
    expected = contents(stream)

    def fault(happened: str, name: str) -> None:
        if happened == operation and ("segment.new" in name or operation == "sync_directory"):
            raise full()

    store.disk.fault = fault
    stream.log.commit(store.outcomes.append)
    settle(store)

    assert expected == contents(stream) == contents(store.reopened().storage.streams["S"])
    broken = operation in ("sync", "sync_directory")
    assert (stream.log.failure is StorageFailure.BROKEN) is broken


def test_a_segment_with_damage_is_left_alone() -> None:
    """What can be read of it still can, and the rest is not thrown away."""
    store = Store()
    sparse(store)
    stream = store.storage.streams["S"]
    place = stream.log._index.place_of(5) or 0  # noqa: SLF001 - where the damage is to be
    name = f"streams/1/{number_of(place):08}.segment"
    store.disk.files()[name].data[offset_of(place) + 40] ^= 1
    size = len(store.disk.files()[name].data)
    store.commit(stream)
    settle(store)

    assert size == len(store.disk.files()[name].data)
    assert "damaged" in contents(store.reopened().storage.streams["S"]).values()


def test_messages_that_go_meanwhile_are_gone() -> None:
    """A removal during the rewriting is kept, and erasing follows to the new file."""
    store = Store()
    sparse(store)
    stream = store.storage.streams["S"]
    secret = b"the secret"
    stream.log.commit(store.outcomes.append)
    while not any(name.endswith("segment.new") for name in store.disk.log or []):
        store.disk.log = []
        store.clock.advance(0.1)
        store.worker.step()
        stream.log.remove([stream.log.first], erase=True)
        if stream.log.count < 5:
            break
    settle(store)

    assert contents(stream) == contents(store.reopened().storage.streams["S"])
    assert secret not in b"".join(bytes(node.data) for node in store.disk.files().values())


class AskedFile(FakeFile):
    """A file that notes how much is asked for at once."""

    most = 0

    def read(self, offset: int, length: int) -> bytes:
        """See `app.ports.files`."""
        self.most = max(self.most, length)
        return super().read(offset, length)


def test_a_wrong_length_reads_no_more_than_the_file() -> None:
    """It may say four gigabytes."""
    disk, node = FakeDisk(), Node()
    node.write(0, b"\xff" * 100)
    segment = Segment(1, 1, 0)
    segment.end = 100
    segment.file = file = AskedFile(disk, node, "f")
    rewriting = Rewriting(disk, "f", StreamIdentity(1, "S"), segment, [(1, 40, 10)])
    rewriting.run()

    assert rewriting.file is None
    assert file.most == 60
