"""A record is valid only where it was written, and only as it was written."""

import pytest

from app.adapters.streams_log.record import (
    ERASED,
    FIRST_OF_EPOCH,
    MESSAGE,
    REMOVING_MESSAGE,
    decode,
    encode,
    erased,
    file_salt,
    seed_of,
    split_removals,
    with_removals,
)

BEFORE, SALT, OFFSET = 77, 1234, 64


def written(kind: int = MESSAGE, offset: int = OFFSET, body: bytes = b"payload") -> bytes:
    """A record for one place."""
    return encode(kind, 3, 9, -5, (b"a.b", b"headers", body), BEFORE, seed_of(SALT, offset))[0]


def test_a_record_is_read_as_it_was_written() -> None:
    """All fields come back, and where it ends."""
    record = decode(written(MESSAGE | FIRST_OF_EPOCH), OFFSET, OFFSET, SALT)

    assert record is not None
    assert (MESSAGE, True, 3, 9, -5) == (
        record.kind,
        record.first_of_epoch,
        record.epoch,
        record.sequence,
        record.time,
    )
    assert (b"a.b", b"headers", b"payload", BEFORE) == (
        record.subject,
        record.headers,
        record.body,
        record.before,
    )
    assert OFFSET + len(written()) == record.end


@pytest.mark.parametrize(("salt", "offset"), [(1235, OFFSET), (SALT, OFFSET + 512)])
def test_a_record_is_valid_at_one_place(salt: int, offset: int) -> None:
    """It is not in another file, or at another offset."""
    assert decode(written(), offset, offset, salt) is None


def test_each_bit_counts() -> None:
    """A record with any bit flipped is no record."""
    data = written()
    for bit in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        assert decode(bytes(flipped), OFFSET, OFFSET, SALT) is None


def test_parts_of_a_record_are_none() -> None:
    """Neither is what ends too early, nor what begins before the bytes that there are."""
    data = written()

    assert all(decode(data[:end], OFFSET, OFFSET, SALT) is None for end in range(len(data)))
    assert decode(data, OFFSET - 1, OFFSET, SALT) is None


def test_an_erased_record_keeps_the_chain() -> None:
    """Its text is gone, its checksum is there for the record after it, and it is checked itself."""
    seed = seed_of(SALT, OFFSET)
    record = decode(written(MESSAGE | FIRST_OF_EPOCH), OFFSET, OFFSET, SALT)
    assert record is not None
    data = erased(record, seed)
    found = decode(data, OFFSET, OFFSET, SALT)

    assert found is not None
    assert (ERASED, True, 9, record.checksum) == (
        found.kind,
        found.first_of_epoch,
        found.sequence,
        found.checksum,
    )
    assert b"payload" not in data
    assert decode(data[:40] + b"x" + data[41:], OFFSET, OFFSET, SALT) is None


def test_removals_are_at_the_end_of_a_body() -> None:
    """A message may name what it removes."""
    body = with_removals(b"payload", [5, 1 << 40])
    record = decode(written(REMOVING_MESSAGE, body=body), OFFSET, OFFSET, SALT)

    assert record is not None
    assert (b"payload", [5, 1 << 40]) == split_removals(record.body)
    assert split_removals(b"\xff\xff\xff\xff") == (b"\xff\xff\xff\xff", [])


def test_files_have_different_salts() -> None:
    """By incarnation, kind and number."""
    salts = {
        file_salt(*each)
        for each in ((1, b"segment", 1), (2, b"segment", 1), (1, b"journal", 1), (1, b"segment", 2))
    }

    assert len(salts) == 4


def test_one_removal_has_the_form_of_many() -> None:
    """A message that removes one other is read as those that remove several."""
    assert (b"payload", [1 << 40]) == split_removals(with_removals(b"payload", (1 << 40,)))
    assert len(with_removals(b"payload", [5, 6])) == len(with_removals(b"payload", (5,))) + 8
