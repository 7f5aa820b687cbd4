"""The effect of acks (jetstream-consumers.md, section 4). Acks with false numbers have none."""

from collections.abc import Sequence

from ..streams.headers import field
from .acks import Ack, AckKind, parse_ack
from .config import LONGEST_WAIT
from .core import Core
from .pending import QUEUED

LAST_CONSUMER = b"Nats-Last-Consumer"
LAST_STREAM = b"Nats-Last-Stream"
"""Fields of heartbeats and of answers to flow control."""


def acknowledge(core: Core, tokens: Sequence[bytes], payload: bytes, reply: bytes) -> bytes | None:
    """An ack for the delivery with these tokens; returns the body of a pull request that comes with it.

    `tokens` are those after the consumer's name: deliveries, stream sequence, consumer sequence, and more.
    """
    if len(tokens) < 3 or not (tokens[1].isdigit() and tokens[2].isdigit()):
        return None
    if core.closed or not core.config.takes_acks or len(tokens[1]) > 19:
        return None
    sequence = int(tokens[1])
    if sequence >= core.cursor.next or sequence > core.ledger.delivered:
        return None
    ack = parse_ack(payload)
    _apply(core, ack, sequence, tokens[2])
    if ack.kind is AckKind.NEXT:
        return ack.text if reply else None
    if reply:
        core.answer_when_safe(reply)
    return None


def acknowledge_many(core: Core, sequences: Sequence[int]) -> None:
    """Plain acks without replies. Sequences that were not delivered mean nothing."""
    if core.closed or not core.config.takes_acks:
        return
    limit = min(core.cursor.next, core.ledger.delivered + 1)
    known = sequences
    if max(sequences, default=0) >= limit:
        known = [sequence for sequence in sequences if sequence < limit]
    if core.config.ack_policy == "all" or core.config.sample_freq:
        for sequence in known:
            _settle(core, sequence, b"%d" % (core.ledger.pending.number_of(sequence) or 0))
        return
    core.acked_at = core.outlet.wall()
    was_full = core.is_full
    settled = core.ledger.settle_many(known)
    if settled:
        core.settled(settled, was_full=was_full)


def acknowledge_by_flow(core: Core, headers: bytes) -> None:
    """The header of an answer to flow control: up to which delivery a client is done."""
    number, sequence = (_number(headers, name) for name in (LAST_CONSUMER, LAST_STREAM))
    ledger = core.ledger
    if not ledger.floor_number < number <= ledger.number or sequence > ledger.delivered:
        return
    core.acked_at = core.outlet.wall()
    was_full = core.is_full
    core.settled(ledger.settle_through(sequence), was_full=was_full)


def _number(headers: bytes, name: bytes) -> int:
    """A field that is a sequence; 0 for anything else."""
    text = field(headers, name)
    return int(text) if text.isdigit() and len(text) < 20 else 0


def _apply(core: Core, ack: Ack, sequence: int, number: bytes) -> None:
    if ack.kind in (AckKind.ACK, AckKind.NEXT):
        _settle(core, sequence, number)
    elif ack.kind is AckKind.NAK:
        _refuse(core, sequence, number, ack.delay)
    elif ack.kind is AckKind.TERM:
        _terminate(core, sequence, number, ack.text)
    elif ack.kind is AckKind.PROGRESS:
        wait = core.config.wait(core.ledger.deliveries_of(sequence))
        core.ledger.postpone(sequence, core.now() + wait)
        core.changed()


def _about(core: Core, sequence: int, number: bytes) -> dict[str, object]:
    return {
        "consumer_seq": int(number[:18]),
        "stream_seq": sequence,
        "deliveries": core.ledger.deliveries_of(sequence),
    }


def _settle(core: Core, sequence: int, number: bytes) -> None:
    core.acked_at = core.outlet.wall()
    if core.config.ack_policy == "all":
        was_full = core.is_full
        core.settled(core.ledger.settle_through(sequence), was_full=was_full)
        return
    if core.config.sample_freq and sequence in core.ledger.pending:
        _measure(core, sequence, number)
    core.settle(sequence)


def _measure(core: Core, sequence: int, number: bytes) -> None:
    """One in some acks is measured, evenly."""
    percent = core.config.sample_percent
    core.sampled += min(100, percent)
    if core.sampled < 100:
        return
    core.sampled -= 100
    about = _about(core, sequence, number)
    due = core.ledger.pending.due_of(sequence) or 0
    waited = core.config.wait(core.ledger.deliveries_of(sequence))
    if due != QUEUED:
        waited += core.now() - due
    core.report(
        "consumer_ack",
        consumer_seq=about["consumer_seq"],
        stream_seq=sequence,
        ack_time=max(0, waited),
        deliveries=about["deliveries"],
    )


def _refuse(core: Core, sequence: int, number: bytes, delay: int | None) -> None:
    if sequence not in core.ledger.pending:
        return
    core.report("nak", **_about(core, sequence, number))
    if delay is not None:
        core.ledger.postpone(sequence, core.now() + max(0, min(delay, LONGEST_WAIT)))
        core.changed()
    elif core.is_exhausted(sequence):
        core.exhaust(sequence)
    else:
        core.ledger.requeue(sequence)
        core.changed()
        core.scheduling.wake(core.owner)


def _terminate(core: Core, sequence: int, number: bytes, reason: bytes) -> None:
    if sequence not in core.ledger.pending:
        core.settle(sequence)
        return
    about = _about(core, sequence, number)
    if reason:
        about["reason"] = reason.decode("utf-8", "replace")
    core.settle(sequence)
    core.report("terminated", **about)
