"""Which message goes next, and to whom (jetstream-consumers.md, section 3)."""

from ...dataplane.message_run import AckNumbers
from ..storage.message_runs import read_messages
from ..storage.seam import DamagedMessage, StoredMessage
from .core import Core
from .seam import Offer, Outgoing
from .statuses import with_field

BETWEEN_READINGS = 16
"""Messages between two readings of the clock."""

RUN = 256
"""Messages that are sent at once, at most."""

RUN_BYTES = 64 * 1024
"""The same in bytes of headers and payloads. A message that is larger goes alone, and is not copied."""


class Delivering:
    """Delivers for one consumer, a turn at a time."""

    __slots__ = ("_ack_prefix", "_core", "ready_at")

    def __init__(self, core: Core) -> None:
        self._core = core
        self._ack_prefix = f"$JS.ACK.{core.stream.name}.{core.name}.".encode()
        self.ready_at: int | None = None
        """When the next message may go, if one waits for its time."""

    def serve(self, until: float) -> bool:
        """Deliver what there is, no longer than `until` on the scheduler's clock; answer whether to go on."""
        core = self._core
        self.ready_at = None
        now = core.now()
        core.mode.begin(now)
        if core.is_paused:
            return core.mode.end_of_stream()
        before = core.ledger.number
        more = self._run(now, until)
        if core.ledger.number != before:
            core.delivered_at = core.outlet.wall()
        return more

    def _run(self, now: int, until: float) -> bool:
        core, mode, count = self._core, self._core.mode, 0
        while mode.can_send:
            sent = self._deliver_run(now)
            if sent:
                count += sent
                if count % BETWEEN_READINGS < sent:
                    now = core.now()
                    if core.outlet.scheduler.monotonic() >= until:
                        return True
                continue
            offer = self._deliver_next(now)
            if offer is not Offer.SENT:
                return mode.end_of_stream() if offer is None else self._stop(offer)
            count += 1
            if count % BETWEEN_READINGS == 0:
                now = core.now()
                if core.outlet.scheduler.monotonic() >= until:
                    return True
        if mode.has_slow_ones:
            core.scheduling.retry(core.owner)
        return False

    def _stop(self, offer: Offer) -> bool:
        if offer is Offer.LATER:
            self._core.scheduling.retry(self._core.owner)
        return offer is Offer.AGAIN

    def _deliver_run(self, now: int) -> int:
        """Send the next messages without asking for each; returns how many went."""
        core = self._core
        if not self._is_plain or core.ledger.pending.queued:
            return 0
        run = core.mode.next_run(now)
        if run is None:
            return 0
        sequences = core.cursor.next_run(core.stream.committed, min(run.most, core.room, RUN))
        messages = read_messages(core.stream.log, sequences, RUN_BYTES) if sequences else None
        if messages is None:
            return 0
        acks = AckNumbers(self._ack_prefix + b"1.", core.ledger.number + 1, core.cursor.pending - 1)
        count, size = core.outlet.deliver_run(run.to, messages, acks, run.size)
        if count:
            run.ran(count, size, now)
            sent = messages.sequences[:count]
            core.cursor.advance_run(sent[-1], count)
            if core.config.ack_policy == "none":
                core.ledger.deliver_settled_run(sent[-1], count)
            else:
                core.ledger.deliver_run(sent, now + core.config.wait(1))
            core.changed()
        return count

    @property
    def _is_plain(self) -> bool:
        """Whether messages go as they are, as fast as they can."""
        core = self._core
        if not core.outlet.sends_runs:
            return False
        if core.config.headers_only or core.rate is not None or core.replay is not None:
            return False
        return core.config.ack_policy != "none" or core.stream.config.retention == "limits"

    def _deliver_next(self, now: int) -> Offer | None:
        """None for the end of the stream. A message that is gone counts as sent."""
        core = self._core
        sequence = core.ledger.next_redelivery()
        if sequence:
            return self._deliver_again(sequence, now)
        if core.is_full:
            core.mode.when_full()
            return Offer.NOBODY
        committed = core.stream.committed
        sequence = core.cursor.direct(committed)
        message = self._read(sequence) if sequence else None
        if message is None:
            sequence = core.cursor.peek(committed)
            if not sequence:
                return None
            message = self._read(sequence)
            if message is None:
                core.cursor.advance(sequence)
                return Offer.SENT
        return self._offer(message, now, again=False)

    def _deliver_again(self, sequence: int, now: int) -> Offer:
        core = self._core
        if core.is_exhausted(sequence):
            core.exhaust(sequence)
            return Offer.SENT
        message = self._read(sequence)
        if message is None:
            core.vanish(sequence)
            return Offer.SENT
        return self._offer(message, now, again=True)

    def _read(self, sequence: int) -> StoredMessage | None:
        """None if its bytes are lost."""
        try:
            return self._core.stream.log.read(sequence)
        except DamagedMessage:
            return None

    def _offer(self, message: StoredMessage, now: int, *, again: bool) -> Offer:
        core = self._core
        outgoing = self._outgoing(message, again=again)
        if core.rate is not None or core.replay is not None:
            ready = self._ready(message, outgoing.size, now)
            if ready > now:
                self.ready_at = ready
                return Offer.NOBODY
        offer = core.mode.offer(outgoing, now)
        if offer is Offer.SENT:
            if core.rate is not None:
                core.rate.spend(outgoing.size)
            if core.replay is not None:
                core.replay.sent(message.time, now)
            self._sent(message.sequence, now, again=again)
        return offer

    def _outgoing(self, message: StoredMessage, *, again: bool) -> Outgoing:
        core = self._core
        deliveries, after = 1, core.cursor.pending - 1
        if again:
            deliveries, after = core.ledger.deliveries_of(message.sequence) + 1, core.cursor.pending
        numbers = (deliveries, message.sequence, core.ledger.number + 1, message.time, after)
        ack = self._ack_prefix + b"%d.%d.%d.%d.%d" % numbers
        if core.config.headers_only:
            size = b"%d" % len(message.payload)
            return Outgoing(message.subject, ack, with_field(message.headers, b"Nats-Msg-Size", size), b"")
        return Outgoing(message.subject, ack, message.headers, message.payload)

    def _ready(self, message: StoredMessage, size: int, now: int) -> int:
        core, ready = self._core, now
        if core.rate is not None:
            ready = core.rate.ready_at(size, now)
        if core.replay is not None:
            ready = max(ready, core.replay.ready_at(message.sequence, message.time, now))
        return ready

    def _sent(self, sequence: int, now: int, *, again: bool) -> None:
        core, ledger = self._core, self._core.ledger
        if again:
            ledger.redeliver(sequence, now + core.config.wait(ledger.deliveries_of(sequence) + 1))
            core.changed()
            return
        core.cursor.advance(sequence)
        if core.config.ack_policy == "none":
            ledger.deliver_settled(sequence)
            core.settled((sequence,), was_full=False)
        else:
            ledger.deliver(sequence, now + core.config.wait(1))
            core.changed()
