"""Records in a row are checked as single ones are, compiled and in plain Python."""

import sys
from array import array
from importlib import import_module
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.adapters.streams_log import record_run
from app.adapters.streams_log.record import ERASED, FIRST_OF_EPOCH, MESSAGE, REMOVING_MESSAGE, encode, seed_of
from app.adapters.streams_log.record_run import Bodies, PlainChecks, RecordChecks, record_checks

SALT, BASE = 0x9ABCDEF0, 1000
KINDS: list[RecordChecks] = [PlainChecks()]
if not isinstance(record_checks(), PlainChecks):
    KINDS.append(record_checks())


class Block:
    """Records one after the other, at an offset of a file."""

    def __init__(self) -> None:
        self.data = b""
        self.offsets = array("I")
        self.subjects: list[bytes] = []

    def add(self, sequence: int, headers: bytes, payload: bytes, kind: int = MESSAGE) -> None:
        """One more."""
        offset = BASE + len(self.data)
        texts = b"s.%d" % sequence, headers, payload
        self.data += encode(kind, 3, sequence, 17, texts, 99, seed_of(SALT, offset))[0]
        self.offsets.append(offset)
        self.subjects.append(texts[0])

    def check(self, checks: RecordChecks, first: int = 5, base: int = BASE) -> Bodies:
        """What is found."""
        return checks.check_records(self.data, base, SALT, self.offsets, first, self.subjects)


def filled() -> Block:
    """Three good records, from sequence 5 on."""
    block = Block()
    block.add(5, b"", b"payload")
    block.add(6, b"headers", b"x", MESSAGE | FIRST_OF_EPOCH)
    block.add(7, b"", b"")
    return block


@pytest.mark.parametrize("checks", KINDS, ids=lambda kind: type(kind).__name__)
def test_good_records(checks: RecordChecks) -> None:
    """Bodies are found where they are."""
    block = filled()

    found = block.check(checks)

    assert list(found.heads) == [0, 7, 0]
    bodies = [block.data[a:b] for a, b in zip(found.starts, found.ends, strict=True)]
    assert bodies == [b"payload", b"headersx", b""]


@pytest.mark.parametrize("checks", KINDS, ids=lambda kind: type(kind).__name__)
def test_any_changed_byte_is_found(checks: RecordChecks) -> None:
    """The records before it are good, and no others."""
    block = filled()
    good = block.data
    for at in range(len(good)):
        block.data = good[:at] + bytes([good[at] ^ 0x10]) + good[at + 1 :]
        before = sum(BASE + at >= offset for offset in block.offsets) - 1
        assert len(block.check(checks).ends) == before, at


@pytest.mark.parametrize("checks", KINDS, ids=lambda kind: type(kind).__name__)
def test_what_is_no_plain_message(checks: RecordChecks) -> None:
    """Other kinds, sequences, subjects and places, and records that are cut off."""
    for kind in (REMOVING_MESSAGE, ERASED, MESSAGE | 0x40):
        block = Block()
        block.add(5, b"", b"payload", kind)
        assert not block.check(checks).ends
    block = filled()
    assert not block.check(checks, first=6).ends
    assert not block.check(checks, base=BASE + 1).ends
    block.subjects[0] = b"longer"
    assert not block.check(checks).ends
    block = filled()
    for length in (len(block.data) - 1, len(block.data) - 30):
        block.data = block.data[:length]
        assert len(block.check(checks).ends) == 2
    block.data = b""
    assert not block.check(checks).ends


@given(st.binary(max_size=300), st.integers(0, 2**32 - 1))
def test_the_checksum_is_that_of_zlib(data: bytes, seed: int) -> None:
    """The compiled checksum is that of zlib for data of any length."""
    native = pytest.importorskip("app.adapters.streams_log.native_records")
    assert native.checksum(data, seed) == crc32(data, seed)


def test_without_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing is compiled, plain Python takes its place."""
    module = import_module(record_run.__name__)
    monkeypatch.setitem(sys.modules, f"{module.__package__}.native_records", None)
    assert isinstance(record_checks.__wrapped__(), PlainChecks)


def test_columns_of_other_lengths_are_refused() -> None:
    """Columns of different lengths are a defect of the caller, and raise."""
    block = filled()
    block.subjects.pop()
    for checks in KINDS:
        with pytest.raises((TypeError, ValueError)):
            block.check(checks)
