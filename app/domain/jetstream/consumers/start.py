"""Where a new consumer begins, and where one goes on after a restart."""

from itertools import takewhile

from .config import ConsumerConfig
from .cursor import Cursor
from .filters import Filters
from .ledger import Ledger
from .seam import ConsumerStream

HIGHEST = 2**62
"""Beyond all sequences; what clients ask for may be larger."""


def first_sequence(config: ConsumerConfig, stream: ConsumerStream) -> int:
    """The first sequence that may be delivered (jetstream-consumers.md, section 2)."""
    log, policy = stream.log, config.deliver_policy
    if policy == "by_start_sequence":
        return max(log.first, min(config.opt_start_seq, HIGHEST))
    start = log.first
    if policy == "new":
        start = log.last + 1
    elif policy == "last":
        start = log.previous(log.last, Filters(config.filters).subjects)
    elif policy == "by_start_time":
        start = log.at_time(config.opt_start_time or 0)
    return max(log.first, min(start, log.last + 1))


def begin(config: ConsumerConfig, stream: ConsumerStream, *, records: bool) -> tuple[Ledger, Cursor]:
    """The state of a new consumer."""
    start = first_sequence(config, stream)
    cursor = Cursor(stream.log, Filters(config.filters), start, stream.committed)
    if config.deliver_policy == "last_per_subject":
        cursor.follow_newest(stream.log.last, stream.committed)
        start = cursor.peek(stream.log.last) or max(stream.log.first, stream.log.last)
    ledger = Ledger(start - 1, records=records)
    ledger.must_rewrite = True
    return ledger, cursor


def go_on(
    config: ConsumerConfig, stream: ConsumerStream, ledger: Ledger, following: int, resume: int
) -> Cursor:
    """The cursor of a recovered ledger, which is made to agree with the stream as it is now.

    Messages may have gone since, or, after damage, never have been there.
    """
    log = stream.log
    gone = list(takewhile(lambda sequence: sequence < log.first, ledger.pending))
    if log.hole_count or ledger.delivered > log.last:
        gone = [sequence for sequence in ledger.pending if log.subject_of(sequence) is None]
    gone += [sequence for sequence in ledger.deliveries if log.subject_of(sequence) is None]
    if ledger.delivered > log.last:
        ledger.delivered = log.last
        following = log.last + 1
        ledger.must_rewrite = True
    for sequence in gone:
        ledger.settle(sequence)
    ledger.floor = min(ledger.floor, ledger.delivered)
    start = max(ledger.delivered + 1, following, log.first)
    cursor = Cursor(log, Filters(config.filters), start, stream.committed)
    if resume >= cursor.next:
        cursor.follow_newest(resume, stream.committed)
    return cursor
