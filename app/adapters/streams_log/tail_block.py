"""Messages in a row, as they were written: the newest ones are read from there, and not from files."""

from array import array
from typing import NamedTuple

from ...domain.jetstream.storage.seam import StoredMessage
from .record import CHECKSUM, HEAD

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
