"""Rounds: while one waits for the disk, what arrives forms the next.

A round takes what all streams have to write, writes it in the worker, with one sync for each
file, and then says so. So the number of messages a sync is for follows the load by itself.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from ...domain.for_each import finish_each
from ...domain.timers import Scheduler
from ...ports.files import Worker
from .steps import Batch, Outcome, Step, carry_out

LATER = 0.1
"""Seconds until a change without a waiting caller is written."""
PROBE = 1.0
"""Seconds between attempts to write to a disk that is full."""


class Writes(Protocol):
    """A stream, as the rounds know it."""

    def take(self, *, sync: bool) -> Batch:
        """What it has to write; with `sync` also what was written and not synced."""
        ...

    def taken_done(self, outcome: Outcome) -> Callable[[], None]:
        """Note what became of it; returns a call that answers those who wait."""
        ...

    def due(self) -> None:
        """What was to be written later is due."""
        ...

    def probe(self) -> Step:
        """A step that fails unless there is room."""
        ...

    def probed(self, outcome: Outcome) -> None:
        """What became of that step."""
        ...


Work = Sequence[tuple[Writes, Batch, Outcome]]
"""What a round does for each stream, and what becomes of it."""


class Rounds:
    """The rounds of one server."""

    __slots__ = (
        "_called",
        "_dirty",
        "_full",
        "_held",
        "_lazy",
        "_running",
        "_scheduler",
        "_stopped",
        "_worker",
        "interval",
        "unsynced",
    )

    def __init__(self, worker: Worker, scheduler: Scheduler, interval: float = 0.0) -> None:
        """`interval` in seconds: how long what is written may wait for a sync; with 0 acks wait for it."""
        self._worker = worker
        self._scheduler = scheduler
        self.interval = interval
        self._running = False
        self._called = False
        self._stopped = False
        self._dirty: dict[Writes, bool] = {}
        """Those with something to write, and whether it is to be synced though nobody waits for that."""
        self._lazy: dict[Writes, None] = {}
        self.unsynced: dict[Writes, None] = {}
        """Those that have written something that is not synced."""
        self._full: dict[Writes, None] = {}
        self._held: set[Writes] = set()
        """Those that write nothing at the moment."""

    def sync_every(self, interval: float) -> None:
        """Another interval from now on; what waits for a sync is synced now."""
        self.interval = interval
        self._sync()

    def request(self, stream: Writes, *, sync: bool = False) -> None:
        """This stream has something to write now."""
        self._dirty[stream] = sync or self._dirty.get(stream, False)
        self._call()

    def begin(self, stream: Writes) -> None:
        """This stream has messages to write that somebody waits for.

        A round begins with them, unless one runs or is due anyway.
        """
        self._dirty.setdefault(stream, False)
        if not (self._called or self._running or self._stopped):
            self._start()

    def try_now(self, write: Step) -> bool:
        """Write something short here and now, without a sync; False if it was not done, as a round runs.

        Raises `OSError`.
        """
        return not (self._running or self._stopped) and self._worker.try_now(write)

    def later(self, stream: Writes) -> None:
        """This stream has something to write soon."""
        if not self._lazy and not self._stopped:
            self._scheduler.call_later(LATER, self._late)
        self._lazy[stream] = None

    def sync_later(self, stream: Writes) -> None:
        """This stream has written something that is not synced."""
        if not self.unsynced and not self._stopped:
            self._scheduler.call_later(self.interval or PROBE, self._sync)
        self.unsynced[stream] = None

    def probe_later(self, stream: Writes) -> None:
        """The disk was full; see whether it still is, in a while."""
        if not self._full:
            self._scheduler.call_later(PROBE, self._probe)
        self._full[stream] = None

    def hold(self, stream: Writes) -> None:
        """Have this stream write nothing until `let_go`; a round that runs goes on."""
        self._held.add(stream)

    def let_go(self, stream: Writes) -> None:
        """Have it write what has waited."""
        self._held.discard(stream)
        if self._dirty:
            self._call()

    def forget(self, stream: Writes) -> None:
        """A stream is gone."""
        self._held.discard(stream)
        for waiting in (self._dirty, self._lazy, self.unsynced, self._full):
            waiting.pop(stream, None)

    def _call(self) -> None:
        if not self._called and not self._running and not self._stopped:
            self._called = True
            self._scheduler.call_soon(self._start)

    def _late(self) -> None:
        lazy, self._lazy = self._lazy, {}
        for stream in lazy:
            stream.due()
            self.request(stream)

    def _sync(self) -> None:
        unsynced, self.unsynced = self.unsynced, {}
        for stream in unsynced:
            self.request(stream, sync=True)

    def _probe(self) -> None:
        full, self._full = self._full, {}
        if self._stopped:
            return  # the store is closed, or about to be; another server may have its directory
        for stream in full:
            self.alone(Batch(messages=[stream.probe()]), stream.probed)

    def _start(self) -> None:
        self._called = False
        dirty = {each: sync for each, sync in self._dirty.items() if each not in self._held}
        if self._running or not dirty:
            return
        self._dirty = {each: sync for each, sync in self._dirty.items() if each in self._held}
        work = [(stream, _taken(stream, sync=sync)) for stream, sync in dirty.items()]
        self._running = True
        with_outcomes = [(stream, batch, Outcome()) for stream, batch in work]

        def job() -> None:
            for _, batch, outcome in with_outcomes:
                carry_out(batch, outcome)

        def done() -> None:
            answers = self._note(with_outcomes)
            # the disk works on the next round while those of this one are answered
            if all(outcome.is_good for _, _, outcome in with_outcomes) and not self._stopped:
                self._start()
            self._answer(answers)

        if not self._as_writes(with_outcomes, done):
            self._worker.submit(job, done)

    def _as_writes(self, work: Work, done: Callable[[], None]) -> bool:
        """Have it done as writes, where these are all; False if it is to be a job."""
        writes = [batch.write for _, batch, _ in work if batch.write is not None]

        def written(errors: Sequence[OSError | None]) -> None:
            for (_, _, outcome), error in zip(work, errors, strict=True):
                outcome.note_write(error)
            done()

        return len(writes) == len(work) and self._worker.submit_writes(writes, written)

    def _note(self, work: Work) -> list[Callable[[], None]]:
        """Have all streams note what became of their writes: before that nothing else is written."""
        try:
            return [stream.taken_done(outcome) for stream, _, outcome in work]
        finally:
            self._running = False

    def _answer(self, answers: Sequence[Callable[[], None]]) -> None:
        """Answer those who waited for a round. What they write meanwhile is answered after them."""
        runs, self._running = self._running, True
        try:
            finish_each(lambda answer: answer(), answers)
        finally:
            self._running = runs
            if self._dirty:
                self._call()

    def alone(self, batch: Batch, done: Callable[[Outcome], None]) -> None:
        """Carry something out between two rounds."""
        outcome = Outcome()
        self._worker.submit(partial(carry_out, batch, outcome), partial(done, outcome))

    def stop(self) -> None:
        """From now on only `flush` writes."""
        self._stopped = True

    def flush(self) -> None:
        """Write and sync all there is, and wait for it."""
        self._late()
        self._worker.finish()
        while self._dirty or self._running:
            self._start()
            self._worker.finish()


def _taken(stream: Writes, *, sync: bool) -> Batch:
    """What it has to write. A defect there ends writing to this stream, as one in the worker does."""
    try:
        return stream.take(sync=sync)
    except Exception as error:  # noqa: BLE001 - as said above
        return Batch(prepare=[partial(_raise, error)])


def _raise(error: Exception) -> None:
    raise error
