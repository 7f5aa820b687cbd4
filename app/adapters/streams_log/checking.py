"""Checking a store, and saving from it what can be read."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ...domain.jetstream.storage.seam import DamagedMessage, StorageFailure, StoredMessage
from .storage import FileStorage
from .stream import FileStream

Progress = Callable[[str, int, int], None]
"""Called with the name of a stream, the messages that were read, and how many there are."""

_STEP = 10_000
"""Messages between two calls of it."""
_BATCH = 4 << 20
"""Bytes of messages that are written together."""


class CannotSave(Exception):
    """The new store cannot be written."""


@dataclass(slots=True)
class StreamReport:
    """What was found of one stream."""

    name: str
    messages: int = 0
    size: int = 0
    consumers: int = 0
    damaged: list[int] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether all of it is there."""
        return not self.damaged and not self.lost


@dataclass(slots=True)
class StoreReport:
    """What was found of a store."""

    streams: list[StreamReport]
    problems: list[tuple[str, str]]
    """The name of a stream, or nothing, and what is wrong."""

    @property
    def is_good(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems and all(stream.is_good for stream in self.streams)


def check_store(storage: FileStorage, progress: Progress) -> StoreReport:
    """Read every message."""
    reports = []
    for name, stream in sorted(storage.streams.items()):
        report = _report_of(name, stream)
        for message in _messages(stream, report, progress):
            report.messages += 1
            report.size += stream.log.size_of(message.subject, message.headers, message.payload)
        reports.append(report)
    return StoreReport(reports, [(problem.stream, problem.text) for problem in storage.problems])


def save_store(storage: FileStorage, target: FileStorage, progress: Progress) -> StoreReport:
    """Write everything that can be read to another store. Raises `CannotSave`."""
    reports = []
    for name, stream in sorted(storage.streams.items()):
        report = _report_of(name, stream)
        _save(stream, target, report, progress)
        reports.append(report)
    return StoreReport(reports, [(problem.stream, problem.text) for problem in storage.problems])


def _report_of(name: str, stream: FileStream) -> StreamReport:
    report = StreamReport(name, consumers=len(stream.consumers))
    lost = stream.log.lost
    report.lost = list(lost.sequences) if lost is not None else []
    return report


def _messages(stream: FileStream, report: StreamReport, progress: Progress) -> Iterator[StoredMessage]:
    log, sequence, read = stream.log, stream.log.next(1), 0
    while sequence:
        try:
            message = log.read(sequence)
            if message is not None:
                yield message
        except DamagedMessage:
            report.damaged.append(sequence)
        read += 1
        if read % _STEP == 0:
            progress(report.name, read, log.count)
        sequence = log.next(sequence + 1)
    if read >= _STEP:
        progress(report.name, read, read)


def _save(stream: FileStream, target: FileStorage, report: StreamReport, progress: Progress) -> None:
    copy = target.create(report.name, stream.document, first=stream.log.first)
    pending = 0
    for message in _messages(stream, report, progress):
        if copy.log.last + 1 < message.sequence:
            copy.log.skip(message.sequence - 1, copy.log.last_time)
        copy.log.append(message.subject, message.headers, message.payload, message.time)
        size = stream.log.size_of(message.subject, message.headers, message.payload)
        report.messages += 1
        report.size += size
        pending += size
        if pending > _BATCH:
            _commit(copy, target)
            pending = 0
    copy.log.skip(stream.log.last, stream.log.last_time)
    for name, document in stream.consumers.items():
        state, old = copy.write_consumer(name, document), stream.open_consumer(name)
        if old.checkpoint:
            state.replace(old.checkpoint)
        for change in old.changes:
            state.append(change)
    _commit(copy, target)


def _commit(stream: FileStream, target: FileStorage) -> None:
    outcomes: list[StorageFailure | None] = []
    stream.log.commit(outcomes.append)
    target.rounds.flush()
    if outcomes != [None]:
        reasons = [problem.text for problem in target.problems]
        raise CannotSave(reasons[-1] if reasons else "the new store cannot be written")
