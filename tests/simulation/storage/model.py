"""The promises, kept by a plain list of what was asked for and what was acknowledged.

1. What was acknowledged is there: messages, removals, documents, consumers and their state.
2. What is there was asked for, with the same sequence, time, subject and bytes.
3. Messages are a prefix of those asked for, but for those that were removed.
4. A message and what it removes come and go together.
5. No sequence that was acknowledged is used again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.domain.jetstream.storage.seam import Document, StoredMessage, StreamStorage


class BrokenPromise(AssertionError):
    """What was found is not what was promised."""


@dataclass
class Attempt:
    """A message that was asked for; its sequence may be used again if the disk was full."""

    message: StoredMessage
    removes: tuple[int, ...]
    failed: bool = False
    """Whether it was taken back. Its bytes may be there for a while."""


@dataclass
class ConsumerModel:
    """What a consumer was made of: each step is a document, a checkpoint, a change, or the end."""

    steps: list[tuple[str, object]] = field(default_factory=list)
    safe: int = 0
    """Steps that were acknowledged."""

    def after(self, steps: int) -> "tuple[Document, bytes, tuple[bytes, ...]] | None":
        """The document, checkpoint and changes after a number of steps; None if it is not there."""
        document: Document | None = None
        checkpoint = b""
        changes: list[bytes] = []
        for kind, value in self.steps[:steps]:
            if kind == "document":
                assert isinstance(value, dict)
                document = value
            elif kind == "gone":
                document, checkpoint, changes = None, b"", []
            elif kind == "checkpoint":
                assert isinstance(value, bytes)
                checkpoint, changes = value, []
            else:
                assert isinstance(value, bytes)
                changes.append(value)
        return None if document is None else (document, checkpoint, tuple(changes))


@dataclass
class StreamModel:
    """What one stream was asked for."""

    attempts: dict[int, list[Attempt]] = field(default_factory=dict)
    safe_last: int = 0
    """Up to here messages were acknowledged, and so was the use of these sequences."""
    last: int = 0
    """The highest sequence that was asked for."""
    retracted_to: int | None = None
    """Above it the disk may have what was asked for before, or what was asked for later."""
    removed: set[int] = field(default_factory=set)
    """Asked for."""
    safe_removed: set[int] = field(default_factory=set)
    proposed_removals: list[set[int]] = field(default_factory=list)
    """Asked for, and to be done when that is answered."""
    documents: list[Document] = field(default_factory=list)
    refused: set[int] = field(default_factory=set)
    """The numbers of documents that were refused: they are nowhere."""
    safe_document: int = 0
    consumers: dict[str, ConsumerModel] = field(default_factory=dict)
    made: bool = False
    """Whether its creation was acknowledged."""
    gone: bool = False
    """Whether it was asked to go."""
    safe_gone: bool = False

    @property
    def may_be_removed(self) -> set[int]:
        """What was asked for, and was not refused."""
        return self.removed.union(*self.proposed_removals)

    def retract(self, last: int) -> None:
        """What was asked for above was taken back."""
        for sequence, attempts in self.attempts.items():
            if sequence > last:
                for attempt in attempts:
                    attempt.failed = True
        self.removed = {sequence for sequence in self.removed if sequence <= last}
        self.last = last
        self.retracted_to = last if self.retracted_to is None else min(last, self.retracted_to)

    def forget_failed(self) -> None:
        """What was taken back is not on the disk any more."""
        for sequence, attempts in list(self.attempts.items()):
            self.attempts[sequence] = [attempt for attempt in attempts if not attempt.failed]
        self.attempts = {sequence: attempts for sequence, attempts in self.attempts.items() if attempts}
        self.retracted_to = None

    def _is_open(self, number: int) -> bool:
        """Whether the disk may have one or another message of this number."""
        return self.retracted_to is not None and number > self.retracted_to

    def removed_up_to(self, reach: int) -> set[int]:
        """What is removed by messages up to this one, and by those that may be there."""
        return {
            removed
            for number, attempts in self.attempts.items()
            for attempt in attempts
            if number <= reach or number in self.may_be_removed or attempt.failed or self._is_open(number)
            for removed in attempt.removes
        }


def compare(model: StreamModel, stream: StreamStorage) -> dict[int, StoredMessage]:
    """Raise `BrokenPromise` unless a recovered stream is what the model allows; returns its messages."""
    log = stream.log
    present: dict[int, StoredMessage] = {}
    sequence = log.next(1)
    while sequence:
        message = log.read(sequence)
        if message is None:
            raise BrokenPromise(f"message {sequence} is there and cannot be read")
        present[sequence] = message
        sequence = log.next(sequence + 1)
    _compare_messages(model, present)
    if log.last < model.safe_last:
        raise BrokenPromise(f"the last sequence is {log.last}, but {model.safe_last} was acknowledged")
    if log.count != len(present) or log.lost is not None:
        raise BrokenPromise(f"{log.count} messages are counted, {len(present)} are there; lost: {log.lost}")
    size = sum(log.size_of(m.subject, m.headers, m.payload) for m in present.values())
    if log.size != size:
        raise BrokenPromise(f"the size is {log.size}, but should be {size}")
    numbers = range(max(model.safe_document, 1), len(model.documents) + 1)
    if stream.document not in [model.documents[each - 1] for each in numbers if each not in model.refused]:
        raise BrokenPromise(f"the document is {stream.document}")
    _compare_consumers(model, stream)
    return present


def _compare_messages(model: StreamModel, present: Mapping[int, StoredMessage]) -> None:
    reach = max([model.safe_last, *present])
    if model.retracted_to is not None:
        reach = max(model.safe_last, min(reach, model.retracted_to))
    by_messages = model.removed_up_to(reach) | {
        removed
        for number, message in present.items()
        for attempt in model.attempts.get(number, [])
        if attempt.message == message  # above the reach, if the disk has what came after a failure
        for removed in attempt.removes
    }
    for sequence, message in present.items():
        attempts = model.attempts.get(sequence, [])
        if message not in [attempt.message for attempt in attempts]:
            raise BrokenPromise(f"message {sequence} is {message}, but was {attempts}")
        if sequence in model.safe_removed:
            raise BrokenPromise(f"message {sequence} is back after its removal was acknowledged")
        for other, attempts in model.attempts.items():
            whole = other in present or other <= model.safe_last
            if whole and sequence in attempts[-1].removes and len(attempts) == 1 and not attempts[0].failed:
                raise BrokenPromise(f"message {sequence} is there beside {other}, which removes it")
    for sequence, attempts in model.attempts.items():
        if all(attempt.failed for attempt in attempts):
            continue
        if (
            sequence <= reach
            and sequence not in present
            and sequence not in model.may_be_removed | by_messages
        ):
            raise BrokenPromise(f"message {sequence} is missing; the last one is {reach}")


def _compare_consumers(model: StreamModel, stream: StreamStorage) -> None:
    for name in stream.consumers:
        if name not in model.consumers:
            raise BrokenPromise(f"consumer {name} was never asked for")
    for name, consumer in model.consumers.items():
        found = None
        if name in stream.consumers:
            state = stream.open_consumer(name)
            found = (stream.consumers[name], state.checkpoint, tuple(state.changes))
        allowed = [consumer.after(steps) for steps in range(consumer.safe, len(consumer.steps) + 1)]
        if found not in allowed:
            raise BrokenPromise(f"consumer {name} is {found}, but should be one of {allowed}")


def settled(stream: StreamStorage, present: Mapping[int, StoredMessage]) -> StreamModel:
    """The model of what was found: it has been seen, so it must not change any more."""
    fresh = StreamModel(made=True, documents=[stream.document], safe_document=1)
    fresh.attempts = {sequence: [Attempt(message, ())] for sequence, message in present.items()}
    fresh.safe_last = fresh.last = stream.log.last
    fresh.safe_removed = {s for s in range(1, stream.log.last + 1) if s not in present}
    fresh.removed = set(fresh.safe_removed)
    for name, document in stream.consumers.items():
        state = stream.open_consumer(name)
        consumer = fresh.consumers[name] = ConsumerModel([("document", document)])
        if state.checkpoint:
            consumer.steps.append(("checkpoint", state.checkpoint))
        consumer.steps += [("change", change) for change in state.changes]
        consumer.safe = len(consumer.steps)
    return fresh
