"""Runs of messages that a log has somewhere: as objects, or among others."""

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from operator import add

from ...dataplane.message_run import MessageRun, joined, zeros
from .seam import DamagedMessage, StoredMessage, StreamLog

DENSE = 8
"""One message of this number has to be wanted at least, if all in a row are to be read."""

WORTH_READING = 16
"""Wanted messages that all in a row have to have, if there are as many; else they are read one by one."""

GATHERED = 64
"""Messages that are read one by one for a run, at most."""


def run_of(messages: Sequence[StoredMessage], size: int) -> MessageRun | None:
    """These in flat pieces, with `size` bytes of bodies at most; None if the first has more."""
    sequences, times, subjects, headers, payloads = zip(*messages, strict=True)
    heads, bodies = zeros(len(messages)), payloads
    if any(headers):
        heads, bodies = array("q", map(len, headers)), tuple(map(add, headers, payloads))
    return joined(array("q", sequences), array("q", times), list(subjects), heads, bodies, size)


def read_messages(log: StreamLog, sequences: Sequence[int], size: int) -> MessageRun | None:
    """The messages with these ascending sequences, with `size` bytes of bodies at most.

    It may have fewer. None where `StreamLog.read` has to say what there is.
    """
    first, span = sequences[0], sequences[-1] - sequences[0] + 1
    if span == len(sequences):
        return log.read_run(first, span, size)
    fitting = min(span, size * log.count // log.size)  # messages of average size
    wanted = bisect_left(sequences, first + fitting)
    if wanted >= min(len(sequences), WORTH_READING) and fitting <= DENSE * wanted:
        run = log.read_run(first, fitting, size)
        if run is not None and len(run.subjects) >= min(fitting, WORTH_READING):
            return _chosen(run, sequences)
    return _gathered(log, sequences[:GATHERED], size)


def _chosen(run: MessageRun, sequences: Sequence[int]) -> MessageRun:
    """Those of a run in a row that have one of these sequences."""
    first, count = sequences[0], len(run.subjects)
    at = [sequence - first for sequence in sequences if sequence - first < count]
    return MessageRun(
        array("q", sequences[: len(at)]),
        _at(run.times, at),
        [run.subjects[each] for each in at],
        _at(run.heads, at),
        _at(run.starts, at),
        _at(run.ends, at),
        run.data,
    )


def _at(column: "array[int]", positions: Sequence[int]) -> "array[int]":
    return array("q", map(column.__getitem__, positions))


def _gathered(log: StreamLog, sequences: Sequence[int], size: int) -> MessageRun | None:
    """Those that are there, up to the first that is not, or is damaged."""
    found: list[StoredMessage] = []
    room = size
    try:
        for sequence in sequences:
            message = log.read(sequence) if room > 0 else None
            if message is None:
                break
            found.append(message)
            room -= len(message.headers) + len(message.payload)
    except DamagedMessage:
        pass  # it is met again when it is the first
    return run_of(found, size) if found else None
