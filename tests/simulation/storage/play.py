"""One seed: a store is used, loses its power, is opened again, several times."""

from collections.abc import Callable
from functools import partial
from random import Random

from app.adapters.clock_manual import ManualClock
from app.adapters.streams_log.directories import Sizes
from app.adapters.streams_log.storage import FileStorage, StoreSettings
from app.domain.jetstream.storage.seam import Done, StorageFailure, StoredMessage, StreamStorage
from tests.fakes.disk import Crash, FakeDisk, StepWorker, full
from tests.simulation.storage.model import (
    Attempt,
    BrokenPromise,
    ConsumerModel,
    StreamModel,
    compare,
    settled,
)
from tests.support.runs import run_of

SUBJECTS = (b"a", b"b.c", b"b.d", b"e")
NAMES = ("S", "T")
CONSUMERS = ("C", "D")


class Play:
    """A store and the model of what it promised."""

    def __init__(self, seed: int, *, is_relaxed: bool = False) -> None:
        """`is_relaxed`: acknowledgements wait for no sync, so less is promised."""
        self.random = Random(seed)
        self.disk = FakeDisk()
        self.models: dict[str, StreamModel] = {}
        self.time = 1000
        self.acknowledged = 0
        self.crashes = 0
        self._incarnation = seed * 1000
        self._fullness = 0
        self._versions = 0
        sizes = Sizes(self.random.choice([600, 3000, 20_000]), self.random.choice([300, 1500, 20_000]), 1024)
        self._is_relaxed = is_relaxed
        self._settings = StoreSettings(1.0 if is_relaxed else 0.0, sizes)
        self.worker = StepWorker()
        self.clock = ManualClock()
        self.storage: FileStorage | None = None

    def run(self) -> None:
        """Live several times. Raises `BrokenPromise`."""
        for _ in range(self.random.choice([1, 2, 3])):
            self._live()
            self.disk = self.disk.crashed(self.random)
            self.crashes += 1
            while not self._recover():
                self.disk = self.disk.crashed(self.random)
                self.crashes += 1

    def _open(self) -> FileStorage:
        self.worker, self.clock = StepWorker(), ManualClock()
        self.disk.fault = self._fault
        self.storage = FileStorage(self.disk, self.worker, self.clock, self._next_incarnation, self._settings)
        return self.storage

    def _next_incarnation(self) -> int:
        self._incarnation += 1
        return self._incarnation

    def _fault(self, operation: str, _name: str) -> int | None:
        if self._fullness > 0 and operation in ("allocate", "create", "make_directory"):
            self._fullness -= 1
            raise full()
        if self._fullness > 0 and operation == "write" and self.random.random() < 0.2:
            self._fullness -= 1
            return self.random.randint(0, 300)
        return None

    def _live(self) -> None:
        storage = self.storage or self._open()
        steps = self.random.choice([5, 20, 60])
        self.disk.crash_at = self.disk.operations + self.random.randint(1, steps * 2)
        self.disk.crash_before = self.random.choice(["", "sync", "sync"])
        try:
            for _ in range(steps):
                self._step(storage)
            if self.random.random() < 0.3:
                self._close(storage)
        except Crash:
            pass
        self.disk.crash_at = -1

    def _close(self, storage: FileStorage) -> None:
        self._fullness = 0
        storage.close()

    def _recover(self) -> bool:
        """Open the store and compare; False if the power went again meanwhile."""
        self._fullness = 0
        if self.random.random() < 0.3:
            self.disk.crash_at = self.random.randint(0, 12)
            self.disk.crash_before = ""
        try:
            storage = self._open()
        except Crash:
            return False
        finally:
            self.disk.crash_at = -1
        if storage.problems and any("not synced" not in problem.text for problem in storage.problems):
            raise BrokenPromise(f"problems without damage: {storage.problems}")
        for name, model in list(self.models.items()):
            stream = storage.streams.get(name)
            if stream is None:
                if model.made and not model.gone:
                    raise BrokenPromise(f"stream {name} is missing")
                del self.models[name]
            elif model.safe_gone:
                raise BrokenPromise(f"stream {name} is back after its deletion was acknowledged")
            else:
                self.models[name] = settled(stream, compare(model, stream))
        for name in storage.streams:
            if name not in self.models:
                raise BrokenPromise(f"stream {name} was never asked for, or has been deleted")
        return True

    # what is done to a store

    def _step(self, storage: FileStorage) -> None:
        chance = self.random.random()
        streams = [(s, self.models[n]) for n, s in storage.streams.items() if not self.models[n].gone]
        if not streams or (chance < 0.04 and len(streams) < len(NAMES)):
            self._create(storage)
        elif chance < 0.35:
            self._turn()
        elif chance < 0.37:
            self._fullness = self.random.randint(1, 4)
        else:
            self._use(*self.random.choice(streams), self.random.random())

    def _turn(self) -> None:
        self.clock.advance(self.random.choice([0.0, 0.0, 0.05, 0.2, 1.5]))
        for _ in range(self.random.choice([1, 1, 3])):
            self.worker.step()
            self._see_retractions()
            self.clock.advance(0.0)

    def _see_retractions(self) -> None:
        for name, stream in (self.storage.streams if self.storage else {}).items():
            model = self.models[name]
            if stream.log.last < model.last:
                model.retract(stream.log.last)
            if not stream.writer.needs_repair:
                model.forget_failed()

    def _create(self, storage: FileStorage) -> None:
        name = next((each for each in NAMES if each not in self.models), None)
        if name is None:
            return
        model = self.models[name] = StreamModel(documents=[{"name": name}])
        first = self.random.choice([1, 1, 50])
        stream = storage.create(name, {"name": name}, first=first)
        model.last = first - 1

        def done(failure: StorageFailure | None) -> None:
            if failure is None:
                self.acknowledged += 1
                model.made, model.safe_document = True, 1
                model.safe_last = max(model.safe_last, first - 1)
            elif not model.gone:
                self._delete(stream, model, name)

        stream.log.commit(done)

    def _use(self, stream: StreamStorage, model: StreamModel, chance: float) -> None:
        if chance < 0.55:
            count = self.random.choice([1, 1, 2, 8, 30])
            if self.random.random() < 0.4:
                self._append_run(stream, model, count)
            else:
                for _ in range(count):
                    self._append(stream, model)
        elif chance < 0.63:
            self._remove(stream, model)
        elif chance < 0.7:
            self._propose(stream, model)
            return
        elif chance < 0.75:
            self._purge(stream, model)
        elif chance < 0.78:
            self._skip(stream, model)
        elif chance < 0.97:
            self._use_consumer(stream, model)
        else:
            name = next(name for name, each in self.models.items() if each is model)
            self._delete(stream, model, name)
            return
        self._commit(stream, model)

    def _append(self, stream: StreamStorage, model: StreamModel) -> None:
        log = stream.log
        if log.failure is StorageFailure.BROKEN:
            return
        self.time += self.random.choice([0, 1])
        removes = (
            tuple(self.random.sample(range(log.first, log.last + 1), 1)) if self._rolls_up(stream) else ()
        )
        payload = self.random.randbytes(self.random.choice([0, 3, 30, 100, 700]))
        headers = self.random.choice([b"", b"", b"NATS/1.0\r\n\r\n"])
        subject = self.random.choice(SUBJECTS)
        sequence = log.append(subject, headers, payload, self.time, removes)
        message = StoredMessage(sequence, self.time, subject, headers, payload)
        model.attempts.setdefault(sequence, []).append(Attempt(message, removes))
        model.last = sequence

    def _append_run(self, stream: StreamStorage, model: StreamModel, count: int) -> None:
        log = stream.log
        if log.failure is StorageFailure.BROKEN:
            return
        messages = [
            (
                self.random.choice(SUBJECTS),
                self.random.choice([b"", b"", b"NATS/1.0\r\nA: b\r\n\r\n"]),
                self.random.randbytes(self.random.choice([0, 3, 30, 100, 700])),
                b"",
            )
            for _ in range(count)
        ]
        self.time += 1
        first = log.append_run(run_of(messages), self.time)
        for at, (subject, headers, payload, _) in enumerate(messages):
            message = StoredMessage(first + at, self.time + at, subject, headers, payload)
            model.attempts.setdefault(first + at, []).append(Attempt(message, ()))
        self.time += count - 1
        model.last = first + count - 1

    def _rolls_up(self, stream: StreamStorage) -> bool:
        return stream.log.last >= stream.log.first and self.random.random() < 0.3

    def _remove(self, stream: StreamStorage, model: StreamModel) -> None:
        log = stream.log
        if log.first <= log.last:
            count = min(self.random.choice([1, 2, 6]), log.last - log.first + 1)
            chosen = self.random.sample(range(log.first, log.last + 1), count)
            there = [sequence for sequence in chosen if log.subject_of(sequence) is not None]
            log.remove(chosen, erase=self.random.random() < 0.3)
            model.removed.update(there)

    def _propose(self, stream: StreamStorage, model: StreamModel) -> None:
        """A change that holds when it is answered; one that is refused must leave no trace."""
        log, chance = stream.log, self.random.random()
        if chance < 0.3:
            self._versions += 1
            model.documents.append({"name": "x", "version": self._versions})
            stream.propose(model.documents[-1], self._proposed(stream, model, len(model.documents)))
        elif chance < 0.7 and log.first <= log.last:
            count = min(self.random.choice([1, 2, 6]), log.last - log.first + 1)
            chosen = self.random.sample(range(log.first, log.last + 1), count)
            there = [sequence for sequence in chosen if log.subject_of(sequence) is not None]
            erase = self.random.random() < 0.3
            remove = partial(log.remove, there, erase=erase)
            log.propose_removal(there, self._removal_proposed(model, set(there), remove), erase=erase)
        elif log.first <= log.last:
            before = self.random.randint(log.first, log.last + 1)
            remove = partial(log.remove_before, before)
            done = self._removal_proposed(model, set(range(1, before)), remove)
            log.propose_removal_before(before, done)

    def _proposed(self, stream: StreamStorage, model: StreamModel, number: int) -> Done:
        def done(failure: StorageFailure | None) -> None:
            if failure is None:
                self.acknowledged += 1
                model.safe_document = max(model.safe_document, 0 if self._is_relaxed else number)
            else:
                model.refused.add(number)
                assert stream.document != model.documents[number - 1], "it is refused, and holds"

        return done

    def _removal_proposed(self, model: StreamModel, there: set[int], remove: Callable[[], int]) -> Done:
        model.proposed_removals.append(there)

        def done(failure: StorageFailure | None) -> None:
            model.proposed_removals.remove(there)
            if failure is None:
                self.acknowledged += 1
                remove()
                model.removed |= there
                if not self._is_relaxed:
                    model.safe_removed |= there

        return done

    def _purge(self, stream: StreamStorage, model: StreamModel) -> None:
        log = stream.log
        before = self.random.randint(log.first, max(log.first, log.last + self.random.choice([0, 1, 1, 5])))
        if log.failure is None or before <= log.last + 1:
            log.remove_before(before)
            model.removed.update(range(1, before))
            model.last = max(model.last, before - 1)

    def _skip(self, stream: StreamStorage, model: StreamModel) -> None:
        if stream.log.failure is None:
            last = stream.log.last + self.random.choice([1, 5])
            stream.log.skip(last, self.time)
            model.last = last

    def _use_consumer(self, stream: StreamStorage, model: StreamModel) -> None:
        name = self.random.choice(CONSUMERS)
        consumer = model.consumers.setdefault(name, ConsumerModel())
        chance = self.random.random()
        if name not in stream.consumers or chance < 0.1:
            document = {"name": name, "version": len(consumer.steps)}
            stream.write_consumer(name, document)
            consumer.steps.append(("document", document))
        elif chance < 0.2:
            stream.delete_consumer(name)
            consumer.steps.append(("gone", None))
        elif chance < 0.4:
            value = b"checkpoint %d" % len(consumer.steps)
            stream.open_consumer(name).replace(value)
            consumer.steps.append(("checkpoint", value))
        else:
            value = b"change %d" % len(consumer.steps)
            stream.open_consumer(name).append(value)
            consumer.steps.append(("change", value))
            if self.random.random() < 0.4:
                safe = len(consumer.steps)
                stream.open_consumer(name).commit(self._consumer_done(consumer, safe))

    def _consumer_done(self, consumer: ConsumerModel, safe: int) -> Done:
        def done(failure: StorageFailure | None) -> None:
            if failure is None:
                self.acknowledged += 1
                consumer.safe = max(consumer.safe, 0 if self._is_relaxed else safe)

        return done

    def _commit(self, stream: StreamStorage, model: StreamModel) -> None:
        chance = self.random.random()
        if chance < 0.2:
            return
        last = stream.log.last
        if chance < 0.7:
            stream.log.commit(self._messages_done(model, last), only_messages=True)
            return
        removed = set(model.removed)
        safe = [(consumer, len(consumer.steps)) for consumer in model.consumers.values()]
        messages_done = self._messages_done(model, last)

        def done(failure: StorageFailure | None) -> None:
            messages_done(failure)
            if failure is None and not self._is_relaxed:
                model.safe_removed |= removed
                for consumer, steps in safe:
                    consumer.safe = max(consumer.safe, steps)

        stream.log.commit(done)

    def _messages_done(self, model: StreamModel, last: int) -> Done:
        def done(failure: StorageFailure | None) -> None:
            if failure is None:
                self.acknowledged += 1
                model.safe_last = max(model.safe_last, 0 if self._is_relaxed else last)

        return done

    def _delete(self, stream: StreamStorage, model: StreamModel, name: str) -> None:
        model.gone = True

        def done(failure: StorageFailure | None) -> None:
            if failure is None:
                self.acknowledged += 1
                model.safe_gone = True
                if self.models.get(name) is model:
                    del self.models[name]

        stream.delete(done)


def play(
    seed: int, watch: Callable[[Play], None] = lambda _play: None, *, is_relaxed: bool = False
) -> str | None:
    """Play a seed; returns what was broken."""
    one = Play(seed, is_relaxed=is_relaxed)
    try:
        one.run()
    except BrokenPromise as broken:
        return str(broken)
    finally:
        watch(one)
    return None
