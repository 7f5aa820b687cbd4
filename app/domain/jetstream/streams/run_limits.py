"""What the limits of a stream say about messages in a row."""

from collections import Counter
from collections.abc import Sequence

from ...dataplane.incoming_run import IncomingRun
from ..storage.seam import StreamLog
from .config import INTEREST, StreamConfig
from .contents import Contents
from .host import StreamHost

_OVERHEAD = 34
"""The most that a storage counts for a message besides its own bytes."""


def largest_size(run: IncomingRun) -> int:
    """What the messages of a run count at most, whatever the storage."""
    return run.stop - run.start + _OVERHEAD * run.count


def is_allowed(run: IncomingRun, config: StreamConfig, contents: Contents, host: StreamHost) -> bool:
    """Whether none of the messages is refused, or passed by, for a reason other than limits of room."""
    if 0 <= config.max_msg_size < run.largest or contents.log.failure is not None:
        return False
    if host.is_over_limit(in_memory=config.in_memory):
        return False
    if host.would_exceed(largest_size(run), in_memory=config.in_memory):
        return False
    return config.retention != INTEREST or all(map(contents.index.wanting, run.names))


def fits(run: IncomingRun, config: StreamConfig, log: StreamLog) -> bool:
    """Whether there is room for all of them, so that nothing goes."""
    if 0 < config.max_msgs < log.count + run.count:
        return False
    if 0 < config.max_bytes < log.size + largest_size(run):
        return False
    most = config.max_msgs_per_subject
    return most <= 0 or all(count <= most for count in _counts(run, log))


def _counts(run: IncomingRun, log: StreamLog) -> Sequence[int]:
    """How many messages each subject of the run would have."""
    counts = []
    for id_, count in Counter(memoryview(run.ids).cast("I")).items():
        state = log.subject_state(run.names[id_])
        counts.append(count + (state.messages if state is not None else 0))
    return counts


def excess_of(subjects: Sequence[bytes], most: int, last: bytes, log: StreamLog) -> list[int]:
    """The oldest messages of these subjects that are too many, when one more on the subject `last` comes."""
    found: list[int] = []
    for subject in subjects:
        state = log.subject_state(subject)
        excess = (state.messages if state is not None else 0) + (subject == last) - most
        if state is not None and excess > 0:
            found += (state.first,) if excess == 1 else log.sequences_of(subject, log.last)[:excess]
    return sorted(found)
