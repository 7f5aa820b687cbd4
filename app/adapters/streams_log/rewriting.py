"""Rewriting segments of which most messages are gone.

The new file takes the place of the old one by a rename. It has the messages that were there,
with the same sequences and times. What they removed is in the journal before.
"""

from dataclasses import dataclass, field

from ...domain.jetstream.storage.chunk import WITH_HEADERS
from ...ports.files import File, Files
from .file_head import NEW, StreamIdentity, make_head
from .footer import SegmentColumns, footer_of
from .journal import sync_directory
from .record import MESSAGE, REMOVING_MESSAGE, Record, decode, encode, seed_of, split_removals
from .segment import Segment, encode_closing
from .writer import sync_now


@dataclass(slots=True)
class Rewriting:
    """One segment that is being written again. The worker runs `run`."""

    files: Files
    path: str
    identity: StreamIdentity
    segment: Segment
    messages: list[tuple[int, int, int]]
    """Sequence, offset and size of those that are there."""
    moved: dict[int, int] = field(default_factory=dict)
    """Where messages are in the new file."""
    file: File | None = None
    """The new file; None if there is none."""
    size: int = 0

    def run(self) -> None:
        """Write the new file. Raises `OSError`."""
        data = self._data()
        if data is None:
            return
        temporary = f"{self.path}{NEW}"
        file = self.files.create(temporary)
        try:
            file.write(0, data)
            sync_now(file)
            self.files.rename(temporary, self.path)
        except OSError:
            file.close()
            raise
        self.file, self.size = file, sum(map(len, data))
        sync_directory(self.files, self.path.rpartition("/")[0])

    def _data(self) -> list[bytes] | None:
        """The whole file; None if a message cannot be read."""
        segment = self.segment
        head, before = make_head(self.identity, segment.number, segment.first, 0, 0)
        pieces, offset, columns = [head], len(head), SegmentColumns()
        for sequence, place, size in self.messages:
            record = self._record(place)
            if (
                record is None
                or record.sequence != sequence
                or record.kind not in (MESSAGE, REMOVING_MESSAGE)
            ):
                return None
            body = record.body if record.kind == MESSAGE else split_removals(record.body)[0]
            texts = record.subject, record.headers, body
            seed = seed_of(segment.salt, offset)
            piece, before = encode(MESSAGE, 0, sequence, record.time, texts, before, seed)
            pieces.append(piece)
            new = segment.number << 32 | offset | (WITH_HEADERS if record.headers else 0)
            columns.add(sequence, record.subject, new, record.time, size)
            self.moved[sequence] = offset
            offset += len(piece)
        footer = footer_of(columns, segment.last, segment.last_time)
        pieces.append(encode_closing(footer, before, segment.salt, offset, 0))
        return pieces

    def _record(self, offset: int) -> Record | None:
        file = self.segment.file
        if file is None:
            return None
        length = min(int.from_bytes(file.read(offset, 4), "little"), self.segment.end - offset)
        return decode(file.read(offset, length), offset, offset, self.segment.salt)
