"""What the parts of a consumer share: its state, its way out, and saving."""

from collections.abc import Callable, Sequence
from functools import partial

from ...for_each import for_each
from ...value_object import value_object
from ..outlet import Outlet
from ..storage.seam import StateLog, StorageFailure
from .config import ConsumerConfig
from .cursor import Cursor
from .journal import ConsumerJournal
from .ledger import Ledger
from .pace import RateLimit, Replay
from .pull import PullSide
from .push import PushSide
from .scheduling import ConsumerScheduler, ScheduledConsumer
from .seam import ConsumerStream, Position
from .start import begin, go_on

Advise = Callable[[str, dict[str, object]], None]

UNLIMITED = 2**62

DELETED_REASON = "Unacknowledged message was deleted"


@value_object
class Services:
    """What all consumers of a server share."""

    outlet: Outlet
    scheduling: ConsumerScheduler
    max_payload: int = 1024 * 1024
    """Bytes that a message can have at most."""


class Core:
    """State and services; the rules are in `delivery`, `acking` and `consumer`."""

    __slots__ = (
        "_commit_due",
        "_journal",
        "_replies",
        "_unsaved",
        "acked_at",
        "advise",
        "closed",
        "config",
        "cursor",
        "delivered_at",
        "ledger",
        "mode",
        "name",
        "outlet",
        "owner",
        "rate",
        "replay",
        "sampled",
        "scheduling",
        "stream",
    )

    mode: PullSide | PushSide

    owner: ScheduledConsumer
    """The consumer."""

    def __init__(
        self,
        name: str,
        config: ConsumerConfig,
        stream: ConsumerStream,
        state: StateLog | None,
        services: Services,
    ) -> None:
        """Begin, or go on with what `state` holds; raises `UnreadableState`."""
        self.name = name
        self.config = config
        self.stream = stream
        self.outlet = services.outlet
        self.scheduling = services.scheduling
        self.closed = False
        self.advise: Advise = _ignore
        self.delivered_at = 0
        """When something was delivered last, since the epoch; 0 for never."""
        self.acked_at = 0
        self.sampled = 0
        self.rate: RateLimit | None = None
        self.replay = Replay(stream.log.last) if config.replay_policy == "original" else None
        self._replies: list[bytes] = []
        self._commit_due = False
        self._unsaved = False
        leaves_no_trace = config.leaves_no_trace or stream.config.storage == "memory"
        self._journal = ConsumerJournal(None if leaves_no_trace else state)
        self.ledger, self.cursor = self._recovered()
        self._write()

    def _recovered(self) -> tuple[Ledger, Cursor]:
        found = self._journal.recover(self._offset())
        if found is None:
            return begin(self.config, self.stream, records=self._journal.keeps)
        ledger, following, resume = found
        return ledger, go_on(self.config, self.stream, ledger, following, resume)

    # ---- time ----

    def now(self) -> int:
        """Nanoseconds of a clock that never steps."""
        return round(self.outlet.scheduler.monotonic() * 1e9)

    def _offset(self) -> int:
        """Time since the epoch without `now`. A clock that was set back does not delay what is due."""
        return max(self.outlet.wall(), self.stream.log.last_time) - self.now()

    @property
    def is_paused(self) -> bool:
        """Whether nothing is delivered."""
        until = self.config.pause_until
        return until is not None and self.outlet.wall() < until

    # ---- what is where ----

    def position(self) -> Position:
        """How far it is."""
        ledger, cursor = self.ledger, self.cursor
        return Position(ledger.number, cursor.next - 1, cursor.pending, len(ledger.pending))

    @property
    def is_full(self) -> bool:
        """Whether no new message may be delivered before one is settled."""
        limit = self.config.max_ack_pending
        return 0 < limit <= len(self.ledger.pending)

    @property
    def room(self) -> int:
        """Messages that may be delivered before it is full."""
        limit = self.config.max_ack_pending
        return limit - len(self.ledger.pending) if limit > 0 else UNLIMITED

    @property
    def available(self) -> int:
        """Messages that could be delivered now."""
        return self.cursor.pending + self.ledger.pending.queued

    @property
    def keeps_exhausted(self) -> bool:
        """Whether messages that were delivered too often are remembered."""
        return self.config.max_deliver != 1 or self.stream.config.retention != "limits"

    # ---- what happens to messages ----

    def report(self, kind: str, **fields: object) -> None:
        """An advisory or a metric: `kind` is the end of its type (jetstream-consumers.md, section 10)."""
        self.advise(kind, {"stream": self.stream.name, "consumer": self.name, **fields})

    def report_group(self, kind: str, fields: dict[str, object]) -> None:
        """The same, for priority groups."""
        self.report(kind, **fields)

    def settle(self, sequence: int) -> bool:
        """It was acknowledged; answers whether that changes anything."""
        was_full = self.is_full
        if not self.ledger.settle(sequence):
            return False
        self.settled((sequence,), was_full=was_full)
        return True

    def settled(self, sequences: Sequence[int], *, was_full: bool) -> None:
        """These were settled: the stream may remove them, and new ones may be delivered."""
        self.changed()
        if was_full:
            self.scheduling.wake(self.owner)
        if self.stream.config.retention != "limits":
            for sequence in sequences:
                self.stream.settled(self.name, sequence)

    def exhaust(self, sequence: int) -> None:
        """It was delivered as often as allowed: never again."""
        was_full = self.is_full
        deliveries = self.ledger.deliveries_of(sequence)
        self.ledger.exhaust(sequence, keep=self.keeps_exhausted)
        self.changed()
        self.report("max_deliver", stream_seq=sequence, deliveries=deliveries)
        if was_full:
            self.scheduling.wake(self.owner)

    def vanish(self, sequence: int) -> None:
        """A message went that was not settled."""
        number = self.ledger.pending.number_of(sequence)
        deliveries = self.ledger.deliveries_of(sequence)
        was_full = self.is_full
        if not self.ledger.settle(sequence):
            return
        self.changed()
        if number is not None:
            self.report(
                "terminated",
                consumer_seq=number,
                stream_seq=sequence,
                deliveries=deliveries,
                reason=DELETED_REASON,
            )
        if was_full:
            self.scheduling.wake(self.owner)

    def is_exhausted(self, sequence: int) -> bool:
        """Whether it must not be delivered again."""
        return 0 < self.config.max_deliver <= self.ledger.deliveries_of(sequence)

    # ---- saving ----

    def changed(self) -> None:
        """Have the change saved in some ms."""
        if not self._unsaved and self._journal.keeps:
            self._unsaved = True
            self.scheduling.save_later(self.owner)

    def _write(self) -> bool:
        self._unsaved = False
        cursor = self.cursor
        return self._journal.write(self.ledger, cursor.next, cursor.resume, self._offset())

    def save(self) -> None:
        """Write what changed, and have it made safe."""
        if self._write():
            self._journal.commit(_nothing)

    def answer_when_safe(self, reply: bytes) -> None:
        """Send an empty message as soon as all that happened so far is safe."""
        self._replies.append(reply)
        if not self._commit_due:
            self._commit_due = True
            self.outlet.scheduler.call_soon(self._commit)

    def _commit(self) -> None:
        self._commit_due = False
        replies, self._replies = self._replies, []
        self._write()
        self._journal.commit(partial(self._answer, replies))

    def _answer(self, replies: list[bytes], failure: StorageFailure | None) -> None:
        """Without an answer the client asks again."""
        if failure is None:
            for_each(lambda reply: self.outlet.deliver(reply, reply), replies, self.outlet.failed)


def _nothing(_: StorageFailure | None) -> None:
    """A later commit covers it."""


def _ignore(kind: str, fields: dict[str, object]) -> None:
    """The default for advisories: does nothing."""
