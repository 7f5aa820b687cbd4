"""A consumer: a cursor over a stream, and the messages that are not settled yet (jetstream-consumers.md).

`Core` has its state, `Delivering` sends, `acking` handles acks, `PullSide` and `PushSide` know who
wants messages, `changing` has what an operator does. Here is what the stream and the service call,
and the one timer.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ...timers import Timer
from ..errors import JetStreamError
from ..figures import ConsumerFigures
from ..storage.seam import StateLog
from . import statuses
from .acking import acknowledge, acknowledge_by_flow, acknowledge_many
from .changing import kept, reconfigure, reset, set_rate
from .config import ConsumerConfig
from .core import Advise, Core, Services
from .delivery import Delivering
from .info import figures, info_json
from .pull import PullSide
from .push import PushSide
from .rules import check_update
from .seam import ConsumerStream

DUE_BLOCKS = 16
"""Blocks of unsettled messages that are looked into in one turn."""

CHECKED_AT_ONCE = 4096
"""Unsettled messages of which one turn asks whether they are still there."""

LONGEST_SLEEP = 60 * 10**9
"""Nanoseconds after which a paused consumer reads the clock again: it may have been set."""


class Consumer:
    """One consumer. Implements `Reader` for its stream and `ScheduledConsumer` for the scheduler."""

    __slots__ = (
        "_check_from",
        "_core",
        "_delivering",
        "_holds",
        "_idle_check",
        "_max_payload",
        "_timer",
        "_timer_at",
        "_was_paused",
        "created",
        "name",
        "on_inactive",
    )

    def __init__(
        self,
        name: str,
        config: ConsumerConfig,
        stream: ConsumerStream,
        state: StateLog | None,
        services: Services,
    ) -> None:
        """`config` is a checked one; `state` is None for a consumer that leaves no trace.

        A consumer whose state was recovered goes on where it was. Raises `UnreadableState`.
        `start` begins deliveries.
        """
        self.name = name
        self.created = services.outlet.wall()
        """When it was made, since the epoch; who recovers it sets this."""
        self.on_inactive: Callable[[], None] = _nothing
        """Called once, when it was not used for `inactive_threshold`."""
        self._max_payload = services.max_payload
        self._timer: Timer | None = None
        self._timer_at = 0
        self._idle_check = 0
        self._check_from: int | None = None
        self._holds = 0
        core = self._core = Core(name, config, stream, state, services)
        core.owner = self
        core.mode = self._make_mode()
        set_rate(core, self._max_payload)
        self._delivering = Delivering(core)
        self._was_paused = core.is_paused

    def _make_mode(self) -> PullSide | PushSide:
        core, now = self._core, self._core.now()
        if core.config.is_push:
            mode = PushSide(core.config, core.outlet, core.position, self._interest_changed, now)
            mode.flow_prefix = f"$JS.FC.{core.stream.name}.{self.name}.".encode()
            return mode
        return PullSide(core.config, core.outlet, core.position, core.report_group, now)

    def start(self) -> None:
        """Begin to deliver, but if it is held only after `release`."""
        core, now = self._core, self._core.now()
        if isinstance(core.mode, PushSide):
            core.mode.start(now)
        self._idle_check = self._idle_due(now)
        core.scheduling.wake(self)
        self._arm()

    def hold(self) -> None:
        """Deliver nothing, and send no heartbeats, until `release` is called as often as this."""
        self._holds += 1

    def release(self) -> None:
        """What it was held for was answered."""
        self._holds -= 1
        if not self._holds:
            self._core.scheduling.wake(self)
            self._arm()

    # ---- what it is ----

    @property
    def config(self) -> ConsumerConfig:
        """Its configuration, with defaults."""
        return self._core.config

    @property
    def num_pending(self) -> int:
        """Messages that match and were not delivered: exact."""
        return self._core.cursor.pending

    @property
    def num_ack_pending(self) -> int:
        """Messages that were delivered and are not settled."""
        return len(self._core.ledger.pending)

    @property
    def is_paused(self) -> bool:
        """Whether nothing is delivered, until `config.pause_until`."""
        return self._core.is_paused

    @property
    def pause_remaining(self) -> int:
        """Nanoseconds; 0 if it is not paused."""
        until = self._core.config.pause_until or 0
        return max(0, until - self._core.outlet.wall())

    @property
    def is_bound(self) -> bool:
        """Whether the deliver subject has a subscription."""
        mode = self._core.mode
        return isinstance(mode, PushSide) and mode.is_bound

    def info_json(self) -> dict[str, object]:
        """The fields of consumer info."""
        return info_json(self._core, self.created)

    def figures(self) -> ConsumerFigures:
        """Some of them, for a table; cheap."""
        return figures(self._core)

    @property
    def on_advisory(self) -> Advise:
        """Gets the kind of an advisory or a metric (the end of its type), and its fields."""
        return self._core.advise

    @on_advisory.setter
    def on_advisory(self, advise: Advise) -> None:
        self._core.advise = advise

    # ---- clients ----

    def pull(self, payload: bytes, reply: bytes) -> None:
        """A request for messages."""
        core = self._core
        if not reply or core.closed:
            return
        mode = core.mode
        if isinstance(mode, PushSide):
            core.outlet.deliver(reply, reply, headers=statuses.PUSH_BASED)
            return
        request = mode.request(payload, reply, core.available, core.now())
        if request is None:
            return
        if core.config.priority_policy == "prioritized" or self._serve_now():
            core.scheduling.wake(self)  # requests that come together are served by their priorities
        if not request.done:
            mode.waiting.watch(request)
        self._arm()

    def ack(self, tokens: Sequence[bytes], payload: bytes, reply: bytes) -> None:
        """An ack; `tokens` are the five after the consumer's name in the ack subject."""
        body = acknowledge(self._core, tokens, payload, reply)
        if body is not None:
            self.pull(body, reply)
        if payload:
            self._arm()

    def ack_many(self, sequences: Sequence[int]) -> None:
        """Plain acks without replies, of deliveries with these stream sequences."""
        acknowledge_many(self._core, sequences)

    def flow_reply(self, token: bytes, headers: bytes = b"") -> None:
        """An answer to flow control; `token` is the last of its subject."""
        core = self._core
        if core.closed or not isinstance(core.mode, PushSide) or not core.mode.flow_reply(token):
            return
        if core.config.acks_by_flow:
            acknowledge_by_flow(core, headers)
        core.scheduling.wake(self)

    # ---- operators ----

    def pause(self, until: int | None, metadata: Mapping[str, str] | None = None) -> None:
        """Deliver nothing until then, nanoseconds since the epoch; None, or the past, to go on.

        The `metadata` are its own from then on, if they are given.
        """
        core = self._core
        if until != core.config.pause_until:
            kept = core.config.metadata if metadata is None else metadata
            core.config = replace(core.config, pause_until=until, metadata=dict(kept))
            self._pause_changed()

    def _pause_changed(self) -> None:
        core = self._core
        self._was_paused = core.is_paused
        core.report("consumer_pause", paused=core.is_paused, pause_until=core.config.pause_until)
        core.scheduling.wake(self)
        self._arm()

    def reset(self, sequence: int = 0) -> int:
        """Deliver from this sequence again, by default from the ack floor; returns it. Raises 10204."""
        following = reset(self._core, sequence)
        self._arm()
        return following

    def kept(self) -> Callable[[], None]:
        """What undoes a `reset` that follows, and writes that."""
        put_back = kept(self._core)

        def undo() -> None:
            if not self._core.closed:
                put_back()
                self._core.save()
                self._arm()

        return undo

    def unpin(self, group: str) -> None:
        """Let another client of the group have the pin; raises error 10160."""
        mode = self._core.mode
        if isinstance(mode, PushSide) or group not in self.config.priority_groups:
            raise JetStreamError(10160)
        mode.unpin("admin")
        self._core.scheduling.wake(self)

    def check_update(self, config: ConsumerConfig) -> None:
        """Whether `update` may use it. Raises 10012, 10013."""
        check_update(self.config, config, is_bound=self.is_bound)

    def update(self, config: ConsumerConfig) -> bool:
        """Use another configuration, which was checked; answers whether its filters are others.

        A pause stays as it is; it has a call of its own.
        """
        core, old = self._core, self.config
        config = replace(config, pause_until=old.pause_until)
        changed = reconfigure(core, config, self._max_payload)
        self._idle_check = self._idle_due(core.now())
        self._arm()
        return changed

    def delete(self) -> None:
        """It ends; who waits is answered. Its state is deleted by the one who keeps it."""
        core = self._core
        if core.closed:
            return
        core.closed = True
        core.scheduling.forget(self)
        core.mode.close()
        self._disarm()

    def end_requests(self) -> None:
        """The server is about to end: answer those who wait."""
        mode = self._core.mode
        if isinstance(mode, PullSide):
            mode.shut_down(self._core.now())

    def stop(self) -> None:
        """The server ends: save, and do nothing more."""
        core = self._core
        core.save()
        core.closed = True
        core.scheduling.forget(self)
        if isinstance(core.mode, PushSide):
            core.mode.close()
        self._disarm()

    # ---- the stream ----

    @property
    def filters(self) -> Sequence[bytes]:
        """Subjects that it wants; none for all."""
        return self._core.cursor.filters.subjects

    def wants(self, subject: bytes) -> bool:
        """Whether its filters match the subject."""
        return self._core.cursor.filters.match(subject)

    def needs(self, sequence: int) -> bool:
        """Whether it may still deliver this message, or wait for its ack."""
        core = self._core
        ledger = core.ledger
        if sequence in ledger.deliveries:
            return True
        if sequence <= ledger.floor:
            return False
        if sequence in ledger.pending:
            return True
        if not core.cursor.is_wanted(sequence):
            return False
        if not self.filters:
            return True
        subject = core.stream.log.subject_of(sequence)
        return subject is not None and self.wants(subject)

    def stored(self, sequence: int, subject: bytes) -> None:  # noqa: ARG002 - the stream knows what matches
        """A message that the filters match is there, and safe."""
        core = self._core
        is_awaited = core.mode.can_send
        core.cursor.stored(sequence, is_awaited=is_awaited)
        if is_awaited:
            core.scheduling.wake(self)

    def removed(self, sequence: int, subject: bytes) -> None:  # noqa: ARG002 - the same
        """A message that the filters match went."""
        core = self._core
        core.cursor.removed(sequence)
        core.vanish(sequence)

    def purged(self, first: int) -> None:
        """Many messages went at once; nothing below `first` is there."""
        core = self._core
        was_full = core.is_full
        core.ledger.purge(first)
        core.cursor.purged(first, core.stream.committed)
        core.changed()
        if was_full or len(core.ledger.pending):
            self._check_from = first - 1
            core.scheduling.wake(self)

    def deleted(self) -> None:
        """The stream is gone."""
        self.delete()

    # ---- scheduling and time ----

    def serve(self, until: float) -> bool:
        """Deliver; answer whether there is more to do."""
        if self._core.closed:
            return False
        if self._check_from is not None:
            self._check_rows()
        more = self._deliver(until)
        self._arm()
        return more or self._check_from is not None

    def _check_rows(self) -> None:
        """After a purge with a filter, find the unsettled messages that are gone."""
        core = self._core
        sequences = core.ledger.pending.after(self._check_from or 0, CHECKED_AT_ONCE)
        for sequence in sequences:
            if core.stream.log.subject_of(sequence) is None:
                core.ledger.settle(sequence)
        self._check_from = sequences[-1] if len(sequences) == CHECKED_AT_ONCE else None
        core.changed()

    def _serve_now(self) -> bool:
        core = self._core
        return self._deliver(core.outlet.scheduler.monotonic() + core.scheduling.share)

    def _deliver(self, until: float) -> bool:
        return not self._holds and self._delivering.serve(until)

    @property
    def _sends_heartbeats(self) -> bool:
        """Whether the deliver subject may hear of it; a pull request that ends is answered in any case."""
        return not (self._holds and self.config.is_push)

    def save(self) -> None:
        """Write what changed."""
        self._core.save()

    def _interest_changed(self) -> None:
        core, now = self._core, self._core.now()
        if core.closed or not isinstance(core.mode, PushSide):
            return
        if core.mode.check(now):
            core.scheduling.wake(self)
        self._idle_check = self._idle_due(now)
        self._arm()

    def _idle_due(self, now: int) -> int:
        """The time of the next check whether it is used; 0 for never."""
        threshold = self.config.inactive_threshold
        return self._core.mode.idle_since(now) + threshold if threshold else 0

    def _arm(self) -> None:
        """Have the timer run when something is due; an earlier one does no harm."""
        due = self._next_due()
        if due is None or (self._timer is not None and self._timer_at <= due):
            return
        self._disarm()
        core = self._core
        if not core.closed:
            delay = min(max(0, due - core.now()), LONGEST_SLEEP)
            self._timer_at = due
            self._timer = core.outlet.scheduler.call_later(delay / 1e9, self._on_timer)

    def _next_due(self) -> int | None:
        core = self._core
        dues = [core.ledger.pending.next_due, self._delivering.ready_at]
        if self._sends_heartbeats:
            dues.append(core.mode.next_due)
        if self._idle_check:
            dues.append(self._idle_check)
        if self._was_paused:
            dues.append(core.now() + self.pause_remaining)
        return min((due for due in dues if due is not None), default=None)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _on_timer(self) -> None:
        self._timer = None
        core = self._core
        now = core.now()
        self._queue_due(now)
        if self._sends_heartbeats:
            core.mode.on_time(now)
        if self._was_paused and not core.is_paused:
            self._pause_changed()
        self._delivering.ready_at = None
        if core.mode.can_send:
            core.scheduling.wake(self)
        if self._idle_check and self._idle_check <= now and self._is_abandoned(now):
            self.on_inactive()
        self._arm()

    def _queue_due(self, now: int) -> None:
        core = self._core
        due = core.ledger.pending.take_due(now, DUE_BLOCKS)
        if not due:
            return
        exhausted = [sequence for sequence in due if core.is_exhausted(sequence)]
        for sequence in exhausted:
            core.exhaust(sequence)
        core.ledger.enqueue(due)
        core.scheduling.wake(self)

    def _is_abandoned(self, now: int) -> bool:
        """Whether it was not used for its threshold; unsettled messages that are not due count as use."""
        core, threshold = self._core, self.config.inactive_threshold
        since = core.mode.idle_since(now)
        if isinstance(core.mode, PullSide):
            since = max(since, core.ledger.pending.latest_due())
        self._idle_check = since + threshold
        if self._idle_check > now:
            return False
        self._idle_check = 0
        return True


def _nothing() -> None:
    """The default for callbacks: does nothing."""
