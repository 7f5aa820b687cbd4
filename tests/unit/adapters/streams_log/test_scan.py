"""A scan distinguishes the end of what was written from damage."""

from app.adapters.streams_log.record import FIRST_OF_EPOCH, MESSAGE, encode, seed_of
from app.adapters.streams_log.scan import Damage, Scan, scan

START, BEFORE, SALT = 16, 5, 99


def written(epochs: list[int], first: tuple[int, ...] = (), size: int = 40) -> tuple[bytearray, list[int]]:
    """A file with a record for each epoch, and where they begin; `first` are the first of theirs."""
    data, before, offsets = bytearray(START), BEFORE, []
    for sequence, epoch in enumerate(epochs, 1):
        offset = len(data)
        offsets.append(offset)
        kind = MESSAGE | FIRST_OF_EPOCH if sequence in first else MESSAGE
        texts = b"s", b"", bytes([sequence]) * size
        record, before = encode(kind, epoch, sequence, 0, texts, before, seed_of(SALT, offset))
        data += record
    return data, offsets


def read(data: bytes | bytearray, synced: int = 0) -> Scan:
    """Scan such a file."""
    return scan(bytes(data), START, BEFORE, SALT, synced=synced)


def sequences(found: Scan) -> list[int]:
    """The sequences that were found."""
    return [record.sequence for record in found.records]


def test_a_whole_file_is_read_to_its_end() -> None:
    """Zeros after the last record are room, and no damage."""
    data, _ = written([1, 1, 2])
    found = read(data + bytes(1000))

    assert [1, 2, 3] == sequences(found)
    assert (len(data), b"", []) == (found.end, found.cut, found.damage)


def test_a_torn_tail_is_cut() -> None:
    """What was being written when the power went is not there, also if parts of it are valid."""
    data, offsets = written([1, 2, 2, 2], first=(2,))
    data[offsets[2] + 5] ^= 1
    found = read(data)

    assert [1, 2] == sequences(found)
    assert (offsets[2], 1) == (found.end, found.dropped)
    assert bytes(data[offsets[2] :]) == found.cut


def test_damage_before_a_sync_is_no_tail() -> None:
    """A later epoch, or its first record, proves that the damaged record was safe once."""
    for epochs, first in (([1, 1, 2], (3,)), ([1, 1, 1, 2], ())):
        data, offsets = written(epochs, first)
        data[offsets[1] + 40] ^= 1
        found = read(data)

        assert [1, *range(3, len(epochs) + 1)] == sequences(found)
        assert [Damage(offsets[1], offsets[2], 2)] == found.damage
        assert b"" == found.cut


def test_nothing_is_cut_where_all_was_synced() -> None:
    """Records after damage are kept, and damage at the end is reported."""
    data, offsets = written([1, 1, 1, 1])
    data[offsets[1] + 40] ^= 1
    data[offsets[3] + 40] ^= 1
    found = read(data, synced=len(data))

    assert [1, 3] == sequences(found)
    assert [Damage(offsets[1], offsets[2], 2), Damage(offsets[3], len(data))] == found.damage


def test_a_file_that_is_too_short_is_damaged() -> None:
    """What is missing was synced."""
    data, offsets = written([1, 1])
    found = read(data[: offsets[1]], synced=len(data))

    assert [Damage(offsets[1], len(data))] == found.damage


def test_a_wrong_checksum_costs_nothing() -> None:
    """The record after it has the right one in its own."""
    data, offsets = written([1, 1, 1])
    data[offsets[1] - 1] ^= 8
    found = read(data)

    assert [1, 2, 3] == sequences(found)
    assert [] == found.damage


def test_a_wrong_length_does_not_lead_astray() -> None:
    """The records after it are found by their checksums."""
    for wrong in (b"\x01\x00\x00\x00", b"\xff\xff\xff\x7f", b"\x60\x00\x00\x00"):
        data, offsets = written([1, 2, 3], first=(2, 3))
        data[offsets[1] : offsets[1] + 4] = wrong
        found = read(data)

        assert [1, 3] == sequences(found)


def test_records_of_other_places_are_not_taken() -> None:
    """A block that was copied over another is damage, whatever is in it."""
    data, offsets = written([1, 2, 3, 4], first=(2, 3, 4))
    data[offsets[1] : offsets[2]] = data[offsets[2] : offsets[3]]
    found = read(data)

    assert [1, 3, 4] == sequences(found)


def test_records_that_go_back_are_not_taken() -> None:
    """A record whose sequence is not above the one before is not taken."""
    data, _ = written([1, 1])
    before = int.from_bytes(data[-4:], "little")
    record, _ = encode(MESSAGE, 1, 2, 0, (b"s", b"", b"again"), before, seed_of(SALT, len(data)))

    assert [1, 2] == sequences(read(data + record))


def test_a_record_of_another_chain_is_not_taken() -> None:
    """What an earlier attempt has left is not after what was written since."""
    data, _ = written([1, 1])
    record, _ = encode(MESSAGE, 1, 3, 0, (b"s", b"", b"stale"), 12345, seed_of(SALT, len(data)))
    found = read(data + record)

    assert [1, 2] == sequences(found)
    assert record == found.cut


def test_an_empty_file_has_nothing() -> None:
    """Nothing is found in nothing."""
    found = read(bytes(START))

    assert ([], START, [], b"") == (found.records, found.end, found.damage, found.cut)
