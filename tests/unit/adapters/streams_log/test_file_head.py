"""Each file says whose it is."""

from app.adapters.streams_log.file_head import (
    JOURNAL,
    SEGMENT,
    StreamIdentity,
    file_name,
    make_head,
    numbers,
    read_head,
    records_after_head,
    salt_of,
)
from app.adapters.streams_log.record import MESSAGE, encode, seed_of

IDENTITY = StreamIdentity(1 << 63, "ORDERS")


def test_a_head_is_read_as_it_was_written() -> None:
    """Stream, number, first sequence and time come back."""
    data, checksum = make_head(IDENTITY, 7, 100, 55, 3)
    head = read_head(data + b"more")

    assert head is not None
    assert (IDENTITY, 7, 1, 100, 55, 3) == (
        head.identity,
        head.number,
        head.format,
        head.sequence,
        head.time,
        head.epoch,
    )
    assert (len(data), checksum) == (head.end, head.checksum)


def test_a_damaged_head_is_none() -> None:
    """A damaged head is not taken, nor is that of another file."""
    data, _ = make_head(IDENTITY, 7, 100, 55, 3)
    flipped = bytes([*data[:30], data[30] ^ 1, *data[31:]])

    assert read_head(flipped) is None
    assert read_head(b"#!/bin/sh\n" + bytes(100)) is None
    assert read_head(b"") is None


def test_records_are_found_after_a_damaged_head() -> None:
    """Whether its text or its checksum is wrong."""
    data, checksum = make_head(IDENTITY, 1, 1, 0, 0)
    salt = salt_of(IDENTITY, SEGMENT, 1)
    record, _ = encode(MESSAGE, 0, 1, 0, (b"s", b"", b""), checksum, seed_of(salt, len(data)))
    for at in (20, len(data) - 2):
        damaged = bytearray(data + record)
        damaged[at] ^= 1

        assert (len(data), checksum) == records_after_head(bytes(damaged), salt, len("ORDERS"))
    assert (len(data), 0) == records_after_head(bytes(500), salt, len("ORDERS"))


def test_names_have_numbers() -> None:
    """Files are found by their names, in the order of their numbers."""
    names = [
        "00000010.segment",
        "00000002.segment",
        "00000001.journal",
        "journal.new",
        "x.segment",
        "1.segment",
    ]

    assert [2, 10] == numbers(names, SEGMENT)
    assert [1] == numbers(names, JOURNAL)
    assert file_name(2, SEGMENT) == "00000002.segment"
