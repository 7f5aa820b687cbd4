"""What happens to a stream as time passes and limits change: messages end, and limits are held."""

from collections.abc import Callable

from ...steps import Step, Steps
from ...timers import Timer
from ..errors import JetStreamError
from ..storage.seam import StorageFailure, StoredMessage
from . import headers as h
from .config import INTEREST, WORKQUEUE, StreamConfig
from .contents import MANY
from .context import StreamContext
from .durations import SECOND
from .schedules import Firing, firing_of

LONGEST_SLEEP = 60.0
"""Seconds after which a stream that waits reads the clock again: it may have been set."""

SHORTEST_SLEEP = 0.01
"""Seconds between two times that messages are removed by age: many go more cheaply than few."""

PORTION = 16_384
"""Messages that go at once."""

REMOVAL_WORK = 8

RETRY = SECOND
"""Nanoseconds until a schedule is tried again that could not be stored."""


class Upkeep:
    """The upkeep of one stream, with one timer."""

    def __init__(
        self, parts: StreamContext, mark: Callable[[bytes, int], None], fire: Callable[[Firing], None]
    ) -> None:
        """`mark` lets a marker take the place of the last message of a subject.

        `fire` stores what a schedule is for. Both raise `JetStreamError`.
        """
        self._contents = parts.contents
        self._log = parts.contents.log
        self._commits = parts.commits
        self._duplicates = parts.duplicates
        self._expiry = parts.expiry
        self._outlet = parts.host.outlet
        self._jobs = parts.jobs
        self._mark = mark
        self._fire = fire
        self._schedules = parts.schedules
        self._config = StreamConfig()
        self._timer: Timer | None = None
        self._due = 0
        self._expiring = False
        self._trimming = False
        self._started = False

    def configure(self, config: StreamConfig) -> None:
        """What holds from now on; what does not fit goes, at once or in steps if it is much."""
        self._config = config
        self._duplicates.window = config.duplicate_window
        self._expiry.set(config.max_age, has_ttls=config.allow_msg_ttl)
        if self._started:
            self._hold()

    def start(self) -> None:
        """Begin, when the readers are there."""
        self._started = True
        self._hold()

    def learned(self) -> None:
        """All that ends or is due by itself is known now."""
        self._arm()

    def _hold(self) -> None:
        """What has ended goes first, then what is too much."""
        self._wake()
        self._jobs.run(self._fit_steps())
        self.release()

    def close(self) -> None:
        """Stop."""
        self._started = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # limits

    def stored(self, due: int) -> None:
        """A message came: hold the limits, and set the timer if it is `due` some time, or ends."""
        if due or (self._timer is None and (self._config.max_age or len(self._duplicates))):
            self._arm()
        if self._is_too_full() and not self._trimming:
            self._trimming = True
            self._jobs.run(self._trim_steps(), self._trimmed)

    def _trimmed(self) -> None:
        self._trimming = False

    def _is_too_full(self) -> bool:
        config, log = self._config, self._log
        return 0 < config.max_msgs < log.count or 0 < config.max_bytes < log.size

    def _trim_steps(self) -> Steps[None]:
        """Let the oldest go until the limits hold."""
        step = Step()
        while self._is_too_full() and self._log.count:
            self._contents.remove((self._log.first,))
            self._commits.changed()
            if step.is_over_after(REMOVAL_WORK):
                yield

    def _fit_steps(self) -> Steps[None]:
        """Remove messages above the limits."""
        yield from self._trim_steps()
        step, most = Step(), self._config.max_msgs_per_subject
        if most > 0:
            for subject, state in list(self._log.subjects()):
                if state.messages > most:
                    self._contents.remove(self._log.sequences_of(subject, self._log.last)[:-most])
                    self._commits.changed()
                if step.is_over_after(1 + state.messages // REMOVAL_WORK):
                    yield

    # retention

    def settled(self, sequence: int) -> None:
        """A reader needs this message no more: by retention it goes."""
        subject = None if self._config.keeps_all else self._log.subject_of(sequence)
        if subject is None:
            return
        if self._config.retention == WORKQUEUE or not self._contents.needed(sequence, subject):
            self._contents.remove((sequence,))
            self._commits.changed()

    def release(self) -> None:
        """By interest: remove messages that no consumer needs any more."""
        if self._config.retention == INTEREST and self._started:
            self._jobs.run(self._release_steps())

    def _release_steps(self) -> Steps[None]:
        step, log = Step(), self._log
        sequence = log.next(log.first)
        while sequence:
            subject = log.subject_of(sequence)
            if subject is not None and not self._contents.needed(sequence, subject):
                self._contents.remove((sequence,))
                self._commits.changed()
            if step.is_over_after(REMOVAL_WORK):
                yield
            sequence = log.next(sequence + 1)

    # time

    def _arm(self, least: float = 0.0) -> None:
        """Set the timer for what is due next, in this number of seconds at least."""
        all_dues = (self._expiry.next_due, self._duplicates.next_due, self._schedules.next_due)
        dues = [due for due in all_dues if due is not None]
        if not dues or not self._started or self._expiring:
            return
        due = min(dues)
        if self._timer is not None:
            if self._due <= due:
                return
            self._timer.cancel()
        self._due = due
        delay = min(max(least, (due - self._outlet.wall()) / SECOND), LONGEST_SLEEP)
        self._timer = self._outlet.scheduler.call_later(delay, self._wake)

    def _wake(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._expiring:
            return
        self._expiring = True
        self._duplicates.forget(self._outlet.wall())
        self._jobs.run(self._expire_steps(), self._expired)

    def _expired(self) -> None:
        self._expiring = False
        self._arm(SHORTEST_SLEEP)

    def _expire_steps(self) -> Steps[None]:
        step = Step()
        yield from self._expire_many()
        while sequence := self._expiry.pop(self._outlet.wall()):
            self._end(sequence)
            if step.is_over_after(2 * REMOVAL_WORK):
                yield
        while (found := self._schedules.pop(self._outlet.wall())) is not None:
            self._store_scheduled(*found)
            if step.is_over_after(4 * REMOVAL_WORK):
                yield

    def _expire_many(self) -> Steps[None]:
        """Let long runs of messages go at once, if nothing but their age counts."""
        if not self._config.max_age or self._config.allow_msg_ttl:
            return
        log = self._log
        end = log.at_time(self._outlet.wall() - self._config.max_age + 1)
        while end - log.first > MANY and log.count:
            self._contents.remove_before(min(end, log.first + PORTION))
            self._commits.changed()
            yield

    def _store_scheduled(self, due: int, sequence: int) -> None:
        """A schedule is due: store what it is for; if that fails, try again."""
        schedule, now = self._contents.read(sequence), self._outlet.wall()
        if schedule is None:
            return
        firing = firing_of(schedule, self._source_of(schedule), due, now)
        if firing is None:
            return
        try:
            self._fire(firing)
        except JetStreamError:
            self._schedules.add(sequence, now + RETRY)
            return
        if firing.following:
            self._schedules.add(sequence, firing.following)
        else:
            self._commits.after(lambda failure: self._try_again(sequence, failure))

    def _source_of(self, schedule: StoredMessage) -> StoredMessage | None:
        """The message whose content is stored, if it is not the schedule itself."""
        state = self._log.subject_state(h.field(schedule.headers, h.SCHEDULE_SOURCE))
        return self._contents.read(state.last) if state is not None else None

    def _try_again(self, sequence: int, failure: StorageFailure | None) -> None:
        if failure is not None:
            self._schedules.add(sequence, self._outlet.wall() + RETRY)
            self._arm()

    def _end(self, sequence: int) -> None:
        """A message ended. A marker takes the place of the last one of a subject, if that is wanted."""
        ttl = self._config.subject_delete_marker_ttl // SECOND
        subject = self._log.subject_of(sequence)
        self._commits.changed()
        if ttl and subject is not None and not self._is_marker(sequence):
            state = self._log.subject_state(subject)
            if state is not None and state.messages == 1 and self._has_marked(subject, ttl):
                return
        self._contents.remove((sequence,))

    def _is_marker(self, sequence: int) -> bool:
        """Whether the message says already that its subject has ended; a purge in a bucket does, too."""
        message = self._contents.read(sequence)
        return message is not None and (
            bool(h.field(message.headers, h.MARKER_REASON))
            or h.field(message.headers, h.BUCKET_OPERATION) == h.BUCKET_PURGE
        )

    def _has_marked(self, subject: bytes, ttl: int) -> bool:
        try:
            self._mark(subject, ttl)
        except JetStreamError:
            return False  # there is no room for it
        return True
