"""Overwriting the bytes of messages that were removed for good."""

from .record import MESSAGE, REMOVING_MESSAGE, decode, erased, seed_of
from .segment import Segment


def erase_record(segment: Segment, offset: int) -> None:
    """Overwrite a message with zeros, but for what the record after it needs; nothing if it is no message.

    Runs in the worker. Raises `OSError`.
    """
    file = segment.file
    if file is None:
        return
    length = int.from_bytes(file.read(offset, 4), "little")
    record = decode(file.read(offset, length), offset, offset, segment.salt)
    if record is not None and record.kind in (MESSAGE, REMOVING_MESSAGE):
        file.write(offset, [erased(record, seed_of(segment.salt, offset))])
