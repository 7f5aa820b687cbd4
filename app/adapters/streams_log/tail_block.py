"""Messages in a row, as they were written: the newest ones are read from there, and not from files."""

from array import array
from bisect import bisect_right
from typing import NamedTuple

from ...domain.dataplane.message_run import MessageRun, ascending
from ...domain.jetstream.storage.chunk import IndexRun
from ...domain.jetstream.storage.seam import StoredMessage
from .reader import offsets_of
from .record import CHECKSUM, HEAD
from .record_run import record_checks

_OFFSET = 0xFFFFFFFF


class TailBlock(NamedTuple):
    """Whole records, one after the other."""

    first: int
    last: int
    """Sequences of the messages; there may be more in the data, which were taken back."""
    data: bytes
    base: int
    """Offset of the first record in its segment."""
    places: "array[int]"
    """Where each is, as the index says it."""

    @property
    def size(self) -> int:
        """Bytes of memory."""
        return len(self.data) + 8 * len(self.places)

    def at(self, sequence: int) -> int:
        """Where in the data the record of a message begins."""
        return (self.places[sequence - self.first] & _OFFSET) - self.base

    def message(self, sequence: int) -> StoredMessage:
        """One of the messages."""
        data, at = self.data, self.at(sequence)
        length, _, _, subject_size, headers_size, _, time, _ = HEAD.unpack_from(data, at)
        subject = at + HEAD.size
        headers = subject + subject_size
        payload = headers + headers_size
        return StoredMessage(
            sequence,
            time,
            data[subject:headers],
            data[headers:payload],
            data[payload : at + length - CHECKSUM.size],
        )

    def run(self, first: int, found: IndexRun, salt: int, size: int) -> MessageRun | None:
        """Messages in a row from this one on that the index has found, with `size` bytes of records at most.

        None if the first one has more. `salt` is that of the segment.
        """
        at = first - self.first
        offsets = offsets_of(self.places[at : at + len(found.subjects) + 1])
        ends = offsets[1:]
        if len(ends) < len(found.subjects):
            ends.append(self.base + len(self.data))
        subjects = found.subjects[: bisect_right(ends, offsets[0] + size)]
        if not subjects:
            return None
        offsets = offsets[: len(subjects)]
        bodies = record_checks().check_records(self.data, self.base, salt, offsets, first, subjects)
        count = len(subjects)
        return MessageRun(ascending(first, count), found.times[:count], subjects, *bodies, self.data)
