"""Records of messages in a row, checked without an object for each: compiled, or in plain Python."""

from array import array
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import NamedTuple, Protocol, cast
from zlib import crc32

from .record import FIRST_OF_EPOCH, HEAD, LEAST, MESSAGE


class Bodies(NamedTuple):
    """Where the bodies of good records are in their block; columns of signed 64-bit numbers."""

    heads: "array[int]"
    """How many bytes of each are headers."""
    starts: "array[int]"
    ends: "array[int]"


class RecordChecks(Protocol):
    """The functions of either kind."""

    def check_records(  # noqa: PLR0913, PLR0917 - a block, and what has to be in it
        self,
        block: bytes,
        base: int,
        salt: int,
        offsets: "array[int]",
        first: int,
        subjects: Sequence[bytes],
    ) -> Bodies:
        """The bodies of the records at these offsets (an array of `I`), up to the first that is not good.

        `block` are the bytes of the file from `base` on, and `salt` is the file's; the first record
        has the sequence `first`. A good one is a message that removes nothing, has its sequence and
        a subject as long as is known of it, and all its bytes are those that were written.
        """
        ...


class PlainChecks:
    """In plain Python."""

    @staticmethod
    def check_records(  # noqa: PLR0913, PLR0917 - as there
        block: bytes, base: int, salt: int, offsets: "array[int]", first: int, subjects: Sequence[bytes]
    ) -> Bodies:
        """See `RecordChecks`."""
        view, size, unpack, skipped = memoryview(block), len(block), HEAD.unpack_from, HEAD.size
        bodies = Bodies(array("q"), array("q"), array("q"))
        for sequence, (offset, subject) in enumerate(zip(offsets, subjects, strict=True), first):
            at = offset - base
            if at < 0 or at + LEAST > size:
                break
            length, kind, _, named, headers, found, _, _ = unpack(block, at)
            end = at + length - 4
            if kind & ~FIRST_OF_EPOCH != MESSAGE or found != sequence or named != len(subject):
                break
            if not at + LEAST + named + headers <= end + 4 <= size:
                break
            if crc32(view[at:end], (salt ^ offset) & 0xFFFFFFFF) != int.from_bytes(
                view[end : end + 4], "little"
            ):
                break
            bodies.heads.append(headers)
            bodies.starts.append(at + skipped + named)
            bodies.ends.append(end)
        return bodies


@cache
def record_checks() -> RecordChecks:
    """Our compiled functions where they are built."""
    try:
        return cast("RecordChecks", import_module(".native_records", __package__))
    except ImportError:
        return PlainChecks()
