"""Opening the store of an earlier server, also after a crash.

Journals say what the stream is and what was removed; segments have the messages. Closed
segments are read by their footers, the last one record by record.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable

from ...domain.jetstream.storage.index import Index
from ...ports.files import Files
from .directories import STREAMS
from .file_head import JOURNAL, NEW, SEGMENT, StreamIdentity, file_name, numbers, read_head
from .footer import Footer, SegmentColumns
from .journal_image import JournalFile, JournalImage, cut_off, open_journal
from .removals import in_runs
from .scan import Scan
from .segment import SEGMENT_SIZE, Segment
from .segments_reader import GREATEST_HEAD, Found, SegmentsReader
from .stream import FileStream
from .writer import MessageWriter

MOST_LOST = 100_000
"""Sequences of one stretch that are listed as lost."""


class StreamRecovery:
    """Puts one stream together."""

    def __init__(self, stream: FileStream, image: JournalImage, report: Callable[[str], None]) -> None:
        self._stream = stream
        self._image = image
        self._report = report
        self._index: Index = stream.parts.index
        self._writer: MessageWriter = stream.parts.writer
        self._missing: list[tuple[int, int, int]] = []
        self._removes: list[int] = []
        self._reach = 0
        """The last sequence that the segments so far have used up."""
        self._erase = sorted(image.erase)
        """Messages whose bytes were to be overwritten when the server ended."""

    def run(self, found: Iterable[Found]) -> None:
        """Take in the segments, in order, and what the journal says of them."""
        newest: Found | None = None
        for each in found:
            self._take(each)
            newest = each
        image = self._image
        if image.mark.last > self._reach:
            self._miss(self._reach + 1, image.mark.last, 0)
        self._remove()
        highest = max(image.highest, self._reach)
        if highest > self._index.last:
            self._index.skip(highest, image.last_time)
        for segment in self._writer.segments.values():
            self._count(segment)
        self._note_lost()
        self._resume(newest)

    def _take(self, found: Found) -> None:
        segment, footer = found.segment, found.footer
        self._writer.segments[segment.number] = segment
        if segment.first > self._reach + 1:
            self._miss(self._reach + 1, segment.first - 1, 0)
        if found.scan is not None:
            self._judge(found, found.scan)
        if footer.spans and footer.columns.sequences[0] <= self._index.last:
            self._report(f"segment {segment.number} has messages that others have; they are left out")
        elif footer.spans and footer.last >= self._image.floor:
            self._index.load(footer.columns, footer.spans)
        self._removes += footer.removes
        self._find_erased(footer)
        self._close(found)
        self._reach = max(self._reach, segment.last)
        self._image.used(segment.last, footer.last_time)

    def _judge(self, found: Found, scan: Scan) -> None:
        """What is missing in a segment that was read record by record."""
        records = scan.records
        for damage in scan.damage:
            before = max((r.sequence for r in records if r.end <= damage.start), default=self._reach)
            before = max(before, found.whole_to)
            after = min((r.sequence for r in records if r.offset >= damage.end), default=0)
            last = after - 1 if after else (self._image.mark.last if damage is scan.damage[-1] else 0)
            if before < damage.sequence <= last:
                self._miss(damage.sequence, damage.sequence, damage.end - damage.start)
            else:
                self._miss(before + 1, last, damage.end - damage.start)
        if scan.cut:
            self._report(
                f"segment {found.segment.number} ended with {len(scan.cut)} bytes that were not synced "
                f"before a crash; they are cut off"
            )

    def _miss(self, first: int, last: int, size: int) -> None:
        """These may be lost, unless they were removed; bytes of this size are damaged."""
        self._missing.append((first, last, size))

    def _remove(self) -> None:
        index, image = self._index, self._image
        if image.floor:
            index.remove_before(min(image.floor, index.last + 1))
        for start, end in image.runs:
            if start == end:
                index.remove(start)
            else:
                for sequence in list(index.sequences(start, end + 1)):
                    index.remove(sequence)
        removals = self._stream.parts.removals
        removals.add([sequence for sequence in self._removes if index.remove(sequence) is not None])

    def _count(self, segment: Segment) -> None:
        count = self._index.count_from
        segment.live = count(segment.first) - count(segment.last + 1)
        if not segment.live:
            self._stream.parts.removals.note_empty(segment.number)

    def _note_lost(self) -> None:
        removed = set(self._removes)
        for start, end in self._image.runs:
            removed.update(range(start, min(end, start + MOST_LOST) + 1))
        all_lost: set[int] = set()
        size = needless = 0
        for start, end in self._image.lost:
            stretch = range(max(start, self._image.floor), min(end, start + MOST_LOST) + 1)
            all_lost.update(each for each in stretch if not self._index.has(each))
        for start, end, damaged in self._missing:
            stretch = range(max(start, self._image.floor), min(end, start + MOST_LOST) + 1)
            lost = {each for each in stretch if each not in removed and not self._index.has(each)}
            all_lost |= lost
            size += damaged if lost else 0
            needless += damaged if start > end else 0
        if all_lost:
            runs = self._stream.entries.lost_runs = in_runs(sorted(all_lost))
            self._stream.log.note_lost(sorted(all_lost), size)
            text = ", ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in runs[:20])
            self._report(f"messages are lost: {text}{', …' if len(runs) > 20 else ''}")
        if needless:
            self._report(f"{needless} bytes are damaged; no message is lost by it")

    @staticmethod
    def _close(found: Found) -> None:
        """Note that nothing is added to it; of the newest that may not hold."""
        segment = found.segment
        segment.messages = len(found.footer.columns.ids)
        segment.last_time = found.footer.last_time
        segment.damaged = not found.is_good

    def _resume(self, last: Found | None) -> None:
        writer, index = self._writer, self._index
        active, checksum, epoch = None, 0, 0
        if last is not None:
            epoch = last.epoch + 1 & 0xFF
            if last.is_good and last.data_end < SEGMENT_SIZE // 2:
                active, checksum = last.segment, last.checksum
                active.end = last.data_end
                active.closed, active.messages, active.last_time = False, 0, 0
                if active.columns is None:
                    active.columns = SegmentColumns()
                    active.columns.load(last.footer)
        for segment in writer.segments.values():
            if segment is not active:
                segment.closed, segment.columns = True, None
        writer.resume(index.last, index.last_time, active, checksum, epoch)

    def _find_erased(self, footer: Footer) -> None:
        """Those in a segment whose bytes were to be overwritten when the server ended."""
        sequences = footer.columns.sequences
        for sequence in self._erase if sequences else ():
            at = bisect_left(sequences, sequence)
            if at < len(sequences) and sequences[at] == sequence:
                self._stream.erase_again(sequence, footer.columns.places[at])


def recover_stream(
    files: Files,
    number: int,
    make: Callable[[StreamIdentity], FileStream],
    report: Callable[[str, str], None],
    *,
    without_journal: bool = False,
) -> FileStream | None:
    """The stream in a directory; None if nothing says what it is. Raises `NewerFormat` and `OSError`."""
    directory = f"{STREAMS}/{number}"
    names = files.names(directory)
    for name in names:
        if name.endswith(NEW):
            files.remove(f"{directory}/{name}")
    problems: list[str] = []
    journals = _journals(files, directory, numbers(names, JOURNAL), problems.append)
    if not journals and without_journal:
        return _without_journal(files, directory, make, report)
    if not journals:
        report("", f"{directory} has no journal that can be read; its files are left as they are")
        return None
    identity = journals[-1].head.identity
    stream = make(identity)
    image = JournalImage()
    for journal in journals:
        for record in journal.scan.records:
            try:
                image.take(record, stream.consumer_table)
            except ValueError as error:
                problems.append(f"journal {journal.number}: {error}")
    if image.document is None:
        report(identity.name, f"{directory} has no configuration; its files are left as they are")
        return None
    stream.recovered(image.document)
    newest = journals[-1]
    cut_off(newest.file, newest.scan)
    numbered = numbers(names, SEGMENT)
    reader = SegmentsReader(files, directory, identity, problems.append)
    StreamRecovery(stream, image, problems.append).run(reader.read_all(numbered, image))
    stream.resume(newest, highest=max(numbers(names, JOURNAL)), whole=not problems)
    for text in problems:
        report(identity.name, text)
    return stream


def _journals(
    files: Files, directory: str, found: list[int], report: Callable[[str], None]
) -> list[JournalFile]:
    """The newest journal, after the one before if it alone does not do."""
    journals: list[JournalFile] = []
    for number in reversed(found):
        journal = open_journal(files, directory, number, report)
        if journal is not None:
            journals.insert(0, journal)
            if journal.is_whole:
                break
    return journals


def _without_journal(
    files: Files,
    directory: str,
    make: Callable[[StreamIdentity], FileStream],
    report: Callable[[str, str], None],
) -> FileStream | None:
    """The messages of a stream that has no journal, those that were removed among them."""
    found = numbers(files.names(directory), SEGMENT)
    heads = [
        read_head(files.open(f"{directory}/{file_name(number, SEGMENT)}").read(0, GREATEST_HEAD))
        for number in found
    ]
    identity = next((head.identity for head in heads if head is not None), None)
    if identity is None:
        report("", f"{directory} has no file whose head can be read")
        return None
    report(identity.name, "the configuration is lost, and which messages were removed: all are there again")
    stream = make(identity)
    stream.recovered({"name": identity.name})
    problems: list[str] = []
    image = JournalImage()
    reader = SegmentsReader(files, directory, identity, problems.append)
    StreamRecovery(stream, image, problems.append).run(reader.read_all(found, image))
    for text in problems:
        report(identity.name, text)
    return stream
