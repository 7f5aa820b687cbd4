"""Pending messages of a receiver by subject: read from its pending bytes, in steps."""

from collections.abc import Iterable, Iterator, Sequence

from .dataplane.unsent import Pieces, UnsentFlush
from .steps import Step, Steps
from .value_object import value_object

MOST_SUBJECTS = 16
"""Subjects that are listed for a receiver, those with most bytes."""

MOST_COUNTED = 1024
"""Subjects that are counted by themselves; the others are counted together."""

LINE_WORK = 2
"""Work of reading one line."""

LONGEST_SUBJECT = 256
"""Bytes of a subject that are kept."""

_VERBS = (b"MSG ", b"HMSG ", b"LMSG ")


@value_object
class SubjectBacklog:
    """What is pending on a subject."""

    subject: bytes
    messages: int
    size: int
    """Bytes, with the line of each message."""


@value_object
class PendingSubjects:
    """What is pending, as far as it is known."""

    subjects: tuple[SubjectBacklog, ...] = ()
    """Those with most bytes first."""
    messages: int = 0
    """On all subjects."""
    size: int = 0
    """Bytes that are known, other lines included."""


class _Counts:
    """Sums by subject."""

    def __init__(self) -> None:
        self.sums: dict[bytes, list[int]] = {}
        self.messages = 0
        self.size = 0

    def add(self, subject: bytes, size: int) -> None:
        """A message of that many bytes."""
        self.messages += 1
        known = self.sums.get(subject)
        if known is None:
            if len(self.sums) >= MOST_COUNTED:
                return
            known = self.sums[subject] = [0, 0]
        known[0] += 1
        known[1] += size

    def result(self) -> PendingSubjects:
        found = [SubjectBacklog(subject, *sums) for subject, sums in self.sums.items()]
        found.sort(key=lambda each: (-each.size, -each.messages, each.subject))
        return PendingSubjects(tuple(found[:MOST_SUBJECTS]), self.messages, self.size)


def count_pending(flushes: Sequence[UnsentFlush]) -> Steps[PendingSubjects]:
    """The sums. Of a message whose beginning was passed on, the rest counts."""
    counts, step = _Counts(), Step()
    for flush in flushes:
        end = 0
        for line, size in _frames(flush.pieces):
            end += size
            left = min(size, end - flush.passed)
            if left > 0:
                counts.size += left
                subject = _subject_of(line)
                if subject:
                    counts.add(subject, left)
            if step.is_over_after(LINE_WORK):
                yield
    return counts.result()


def _frames(pieces: Pieces) -> Iterator[tuple[bytes, int]]:
    """Lines, each with its bytes and those of the payload that follows it."""
    line, skipped, size = b"", 0, 0
    for piece in _each(pieces):
        at = 0
        while at < len(piece):
            if skipped:
                taken = min(skipped, len(piece) - at)
                at += taken
                skipped -= taken
            else:
                end = piece.find(b"\n", at) + 1
                if not end:
                    line += piece[at:]
                    break
                line += piece[at:end]
                at = end
                skipped = _payload_of(line)
                size = len(line) + skipped
            if not skipped:
                yield line, size
                line = b""


def _each(pieces: Pieces) -> Iterable[bytes]:
    return (pieces,) if isinstance(pieces, bytes) else pieces


def _payload_of(line: bytes) -> int:
    """Bytes that follow the line, with the line end of the payload."""
    if not line.startswith(_VERBS):
        return 0
    return int(line.rsplit(None, 1)[1]) + 2


def _subject_of(line: bytes) -> bytes:
    """The subject of a message; empty for another line."""
    if not line.startswith(_VERBS):
        return b""
    return line.split(b" ", 2)[1][:LONGEST_SUBJECT]
