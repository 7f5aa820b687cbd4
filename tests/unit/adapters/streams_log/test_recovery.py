"""Damage costs the records it touches, is reported, and deletes nothing."""

from itertools import pairwise
from random import Random

import pytest

from app.domain.jetstream.storage.seam import StoredMessage
from tests.fakes.disk import FakeDisk
from tests.support.store import SMALL, Store, changed, contents, fill

MESSAGES = 24


def filled(*, close: bool = True) -> tuple[FakeDisk, dict[int, StoredMessage | str]]:
    """A small store with several segments, and what is in it."""
    store = Store(sizes=SMALL._replace(segment=700, ahead=600))
    stream = store.create()
    for part in range(MESSAGES // 4):
        fill(stream, 4, payload=b"payload %d" % part, time=1000 * part)
        store.commit(stream)
    stream.log.remove([5, 6])
    state = stream.write_consumer("C", {"name": "C"})
    state.append(b"ack")
    store.commit(stream)
    if close:
        store.storage.close()
    return store.disk.copy(), contents(stream)


def opened(disk: FakeDisk) -> tuple[Store, dict[int, StoredMessage | str]]:
    """A store with damage, and what it delivers."""
    store = Store(disk)
    stream = store.storage.streams.get("S")
    return store, contents(stream) if stream is not None else {}


def segment_names(disk: FakeDisk) -> list[str]:
    """The segments, in order."""
    return [name for name in disk.files() if name.endswith(".segment")]


DISK, WHOLE = filled()
SEGMENTS = segment_names(DISK)


def lost(found: dict[int, StoredMessage | str]) -> list[int]:
    """What is not delivered; what is must be right."""
    for sequence, message in found.items():
        assert message in (WHOLE[sequence], "damaged")
    return [sequence for sequence in WHOLE if found.get(sequence, "damaged") == "damaged"]


def test_bits_are_flipped_in_segments() -> None:
    """Whichever byte is wrong, at most one message is lost, it is reported, and no file is gone."""
    random = Random(1)
    for name in SEGMENTS:
        size = len(DISK.files()[name].data)
        for at in range(0, size, 5):
            bit = 1 << random.randrange(8)

            def flip(data: bytearray, at: int = at, bit: int = bit) -> None:
                data[at] ^= bit

            disk = changed(DISK, name, flip)
            store, found = opened(disk)
            missing = lost(found)
            assert len(missing) <= 1, f"{name}, byte {at}"
            log = store.storage.streams["S"].log
            if missing:
                assert log.lost is not None
                assert tuple(missing) == log.lost.sequences
                assert store.storage.problems
            assert set(DISK.files()) <= set(disk.files())


def test_bits_are_flipped_in_journals() -> None:
    """No message is lost, nothing that was removed is back unless the entry itself is damaged."""
    name = next(name for name in DISK.files() if name.endswith("journal"))
    for at in range(0, len(DISK.files()[name].data.rstrip(b"\0")), 5):

        def flip(data: bytearray, at: int = at) -> None:
            data[at] ^= 4

        disk = changed(DISK, name, flip)
        store, found = opened(disk)
        if "S" not in store.storage.streams:
            assert "left as they are" in store.storage.problems[-1].text
        else:
            assert set(WHOLE) - set(found) == set()
        assert set(DISK.files()) <= set(disk.files())


@pytest.mark.parametrize("size", [1, 40, 300])
def test_files_are_cut_short(size: int) -> None:
    """Messages before the cut are there, those of other segments too."""
    for name in SEGMENTS:

        def cut(data: bytearray) -> None:
            del data[-size:]

        store, found = opened(changed(DISK, name, cut))
        missing = lost(found)
        assert len(missing) <= 9
        if missing:
            reported = store.storage.streams["S"].log.lost
            assert reported is not None
            assert set(missing) <= set(reported.sequences)


def test_blocks_are_zero_swapped_doubled_or_old() -> None:
    """Messages in the block are lost, all others are there."""
    size = 128
    for name in SEGMENTS:
        for at in range(0, len(DISK.files()[name].data) - 2 * size, size):

            def swap(data: bytearray, at: int = at) -> None:
                data[at : at + size], data[at + size : at + 2 * size] = (
                    data[at + size : at + 2 * size],
                    data[at : at + size],
                )

            def double(data: bytearray, at: int = at) -> None:
                data[at : at + size] = data[at + size : at + 2 * size]

            def zero(data: bytearray, at: int = at) -> None:
                data[at : at + size] = bytes(size)

            for change in (swap, double, zero):
                _, found = opened(changed(DISK, name, change))
                assert len(lost(found)) <= 6


def test_blocks_of_other_files_are_not_taken() -> None:
    """A block of another segment is damage, also at the same place."""
    for name, other in pairwise(SEGMENTS):
        foreign = bytes(DISK.files()[other].data[200:400]).ljust(200, b"\0")

        def copy(data: bytearray, foreign: bytes = foreign) -> None:
            data[200:400] = foreign

        _, found = opened(changed(DISK, name, copy))
        assert len(lost(found)) <= 5


def test_a_missing_segment_is_reported() -> None:
    """Its messages are lost, and named."""
    for name in SEGMENTS:
        disk = DISK.copy()
        disk.remove(name)
        store, found = opened(disk)
        reported = store.storage.streams["S"].log.lost
        assert reported is not None
        assert set(lost(found)) <= set(reported.sequences)
        assert any("messages are lost" in problem.text for problem in store.storage.problems)


def test_a_segment_of_another_stream_is_set_aside() -> None:
    """A segment of another stream is set aside, and not deleted."""
    other = Store()
    stream = other.create("T")
    fill(stream, 3)
    other.commit(stream)
    other.storage._incarnation()  # noqa: SLF001 - the next stream has another number
    foreign = Store(disk=FakeDisk())
    foreign.storage._incarnation()  # noqa: SLF001 - so that this one differs
    second = foreign.create("S")
    fill(second, 3)
    foreign.commit(second)
    data = bytes(foreign.disk.files()["streams/1/00000001.segment"].data)

    def replace(content: bytearray) -> None:
        content[:] = data

    disk = changed(DISK, SEGMENTS[1], replace)
    store, _ = opened(disk)
    assert data == bytes(disk.files()[f"damaged/{SEGMENTS[1].replace('/', '-')}"].data)
    assert any("set aside" in problem.text for problem in store.storage.problems)


def test_a_damaged_newest_journal_is_helped_by_the_one_before() -> None:
    """What the damaged one lacks may be in that; a new one is written."""
    store = Store()
    stream = store.create()
    for number in range(40):
        stream.write({"name": "S", "version": number})
        store.commit(stream)
    names = [name for name in store.disk.files() if name.endswith("journal")]
    assert len(names) == 2

    def head(data: bytearray) -> None:
        data[20] ^= 1

    again = Store(changed(store.disk, names[1], head))
    found = again.storage.streams["S"]
    assert "version" in found.document
    found.write({"name": "S", "version": 100})
    again.commit(found)
    assert {"name": "S", "version": 100} == again.reopened().storage.streams["S"].document


def test_a_stream_goes_on_after_damage() -> None:
    """New messages go to a new segment; after the next restart the loss is still known."""
    name = SEGMENTS[-1]

    def flip(data: bytearray) -> None:
        data[90] ^= 1
        del data[-16:]

    store, found = opened(changed(DISK, name, flip))
    missing = lost(found)
    stream = store.storage.streams["S"]
    sequence = stream.log.append(b"new", b"", b"", 10**6)
    store.commit(stream)
    again = store.reopened(close=True).storage.streams["S"]

    assert sequence == MESSAGES + 1
    assert len(missing) == 1
    assert again.log.lost is not None
    assert tuple(missing) == again.log.lost.sequences
    assert again.log.read(sequence) is not None


def test_recovery_of_a_whole_store_changes_nothing() -> None:
    """Opening it again finds the same, without problems."""
    store, found = opened(DISK.copy())

    assert WHOLE == found
    assert [] == list(store.storage.problems)
