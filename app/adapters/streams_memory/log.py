"""The messages of one stream, in memory."""

from array import array
from collections.abc import Sequence

from ...domain.dataplane.incoming_run import IncomingRun
from ...domain.dataplane.message_run import MessageRun, ascending, joined, zeros
from ...domain.jetstream.storage.chunk import WITH_HEADERS
from ...domain.jetstream.storage.index import Index
from ...domain.jetstream.storage.indexed_log import IndexedLog
from ...domain.jetstream.storage.seam import Done, Lost, StoredMessage

_OVERHEAD = 16
"""Bytes that `max_bytes` counts for a message besides its own (jetstream-streams.md, section 4)."""


class MemoryLog(IndexedLog):
    """Messages by sequence. The place of one is the length of its headers."""

    def __init__(self, first: int = 1) -> None:
        super().__init__(Index(last=first - 1))
        self._bodies: dict[int, bytes] = {}
        """Headers and payload in one piece."""

    @property
    def lost(self) -> Lost | None:
        return None

    @property
    def failure(self) -> None:
        return None

    def size_of(self, subject: bytes, headers: bytes, payload: bytes) -> int:
        return _OVERHEAD + len(subject) + len(headers) + len(payload)

    def append(
        self, subject: bytes, headers: bytes, payload: bytes, time: int, removes: Sequence[int] = ()
    ) -> int:
        sequence = self._index.last + 1
        size = _OVERHEAD + len(subject) + len(headers) + len(payload)
        if headers:
            self._index.append(sequence, subject, len(headers) | WITH_HEADERS, time, size)
            self._bodies[sequence] = headers + payload
        else:
            self._index.append(sequence, subject, 0, time, size)
            self._bodies[sequence] = payload
        if removes:
            self.remove(removes)
        return sequence

    def store_now(self, subject: bytes, headers: bytes, payload: bytes, time: int, most: int) -> int:
        removes = self._index.excess(subject, most) if most > 0 else ()
        return self.append(subject, headers, payload, max(time, self._index.last_time), removes)

    def append_run(self, run: IncomingRun, time: int) -> int:
        first = self._index.last + 1
        for place, (subject, headers, payload, _) in enumerate(run.messages()):
            self.append(subject, headers, payload, time + place)
        return first

    def skip(self, last: int, time: int) -> None:
        self._index.skip(last, time)

    def remove(self, sequences: Sequence[int], *, erase: bool = False) -> int:  # noqa: ARG002 - bytes are freed
        removed = 0
        for sequence in sequences:
            if self._index.remove(sequence) is not None:
                del self._bodies[sequence]
                removed += 1
        return removed

    def remove_before(self, sequence: int) -> int:
        first = self._index.first
        removed = self._index.remove_before(sequence)
        if not self._index.count:
            self._bodies.clear()
        elif sequence - first <= len(self._bodies):
            for each in range(first, sequence):
                self._bodies.pop(each, None)
        else:
            for each in [each for each in self._bodies if each < sequence]:
                del self._bodies[each]
        return removed

    def propose_removal(
        self,
        sequences: Sequence[int],  # noqa: ARG002 - nothing has to be written
        done: Done,
        *,
        erase: bool = False,  # noqa: ARG002 - the same
    ) -> None:
        done(None)

    def propose_removal_before(self, sequence: int, done: Done) -> None:  # noqa: ARG002 - the same
        done(None)

    def read(self, sequence: int) -> StoredMessage | None:
        body = self._bodies.get(sequence)
        if body is None:
            return None
        index = self._index
        split = (index.place_of(sequence) or 0) & ~WITH_HEADERS
        subject = index.subject_of(sequence) or b""
        return StoredMessage(sequence, index.time_of(sequence), subject, body[:split], body[split:])

    def read_last(self, subject: bytes) -> StoredMessage | None:
        sequence = self._index.last_of(subject)
        return self.read(sequence) if sequence else None

    def read_run(self, first: int, most: int, size: int) -> MessageRun | None:
        found = self._index.run(first, most)
        if found is None:
            return None
        count = len(found.times)
        bodies = list(map(self._bodies.__getitem__, range(first, first + count)))
        heads = zeros(count)
        if found.places.count(0) < count:
            heads = array("q", [place & ~WITH_HEADERS for place in found.places])
        return joined(ascending(first, count), found.times, found.subjects, heads, bodies, size)

    def commit(self, done: Done, *, only_messages: bool = False) -> None:  # noqa: ARG002 - it costs nothing
        done(None)

    def commit_now(self) -> bool:
        return True
