"""The state of a consumer as bytes: checkpoints, and changes after them.

All numbers are 64 bits, little end first. A change is a row of sections: one byte that says what
it is, four bytes with the count of its numbers, the numbers. A checkpoint is one byte with the
version of this form, and numbers. Due times of changes are nanoseconds since the epoch, with 0 for
"at once"; those of a checkpoint are as in the ledger, and it says what is to be added to them.

Reading is idempotent: changes that the checkpoint knows already alter nothing.
"""

import struct
import sys
from array import array
from collections.abc import Callable, Iterator, Sequence

from .ledger import Changes, Ledger
from .pending import QUEUED, run_of

VERSION = 1

_NEW_RUN, _NEW, _CHANGED, _EXHAUSTED, _SETTLED, _SETTLED_RUN, _THROUGH, _POSITION, _FLOOR = range(1, 10)
_HEAD = struct.Struct("<BI")
_FIXED = 9
"""Numbers of a checkpoint before its rows."""


class UnreadableState(Exception):
    """These bytes are no state of a consumer, or one of a newer version."""


def _to_bytes(numbers: "array[int]") -> bytes:
    if sys.byteorder == "big":  # pragma: no cover - no machine of ours
        numbers = array("q", numbers)
        numbers.byteswap()
    return numbers.tobytes()


def _from_bytes(data: bytes | memoryview) -> "array[int]":
    if len(data) % 8:
        raise UnreadableState("numbers are cut off")
    numbers = array("q")
    numbers.frombytes(data)
    if sys.byteorder == "big":  # pragma: no cover - no machine of ours
        numbers.byteswap()
    return numbers


def _section(kind: int, numbers: Sequence[int]) -> bytes:
    return _HEAD.pack(kind, len(numbers)) + _to_bytes(array("q", numbers))


def _sections(change: bytes) -> Iterator[tuple[int, "array[int]"]]:
    view, at = memoryview(change), 0
    while at < len(view):
        if at + _HEAD.size > len(view):
            raise UnreadableState("a section is cut off")
        kind, count = _HEAD.unpack_from(view, at)
        end = at + _HEAD.size + 8 * count
        if end > len(view):
            raise UnreadableState("a section is cut off")
        yield kind, _from_bytes(view[at + _HEAD.size : end])
        at = end


def write_changes(ledger: Ledger, changes: Changes, offset: int) -> bytes:
    """`offset`: what is to be added to times of the ledger to have nanoseconds since the epoch."""
    parts: list[bytes] = []
    if changes.new:
        parts.append(_write_new(changes, offset))
    if changes.changed:
        parts.append(_write_changed(ledger, changes, offset))
    if changes.exhausted:
        pairs = [n for s in sorted(changes.exhausted) for n in (s, ledger.deliveries.get(s, 1))]
        parts.append(_section(_EXHAUSTED, pairs))
    if changes.settled:
        parts.append(_write_settled(changes.settled))
    if changes.through:
        parts.append(_section(_THROUGH, [changes.through]))
    if changes.moved:
        parts.append(_section(_POSITION, [ledger.number, ledger.delivered]))
    else:
        parts.append(_section(_FLOOR, [ledger.floor_number, ledger.floor]))
    return b"".join(parts)


def _write_new(changes: Changes, offset: int) -> bytes:
    new, numbers, due = changes.new, changes.numbers, changes.due + offset
    span = len(new) - 1
    if new[-1] - new[0] == span == numbers[-1] - numbers[0]:
        return _section(_NEW_RUN, [due, new[0], numbers[0], len(new)])
    return _section(_NEW, [due, *new, *numbers])


def _write_changed(ledger: Ledger, changes: Changes, offset: int) -> bytes:
    numbers = [ledger.number]
    for sequence in sorted(changes.changed):
        due = ledger.pending.due_of(sequence)
        if due is not None:
            numbers += (sequence, ledger.deliveries_of(sequence), due + offset if due < QUEUED else 0)
    return _section(_CHANGED, numbers)


def _write_settled(settled: "array[int]") -> bytes:
    run = run_of(settled) or run_of(sorted(settled))
    return _section(_SETTLED, sorted(settled)) if run is None else _section(_SETTLED_RUN, run)


def read_changes(ledger: Ledger, change: bytes, offset: int) -> None:
    """Repeat what a change says; raises `UnreadableState`."""
    for kind, numbers in _sections(change):
        reader = _READERS.get(kind)
        if reader is None:
            raise UnreadableState(f"a section of the unknown kind {kind}")
        try:
            reader(ledger, numbers, offset)
        except (IndexError, ValueError) as error:
            raise UnreadableState("a section has too few numbers") from error


def _add(ledger: Ledger, sequence: int, number: int, due: int) -> None:
    if sequence > ledger.delivered:
        ledger.number = number - 1
        ledger.deliver(sequence, due)


def _read_new_run(ledger: Ledger, numbers: "array[int]", offset: int) -> None:
    due, sequence, number, count = numbers
    for i in range(count):
        _add(ledger, sequence + i, number + i, due - offset)


def _read_new(ledger: Ledger, numbers: "array[int]", offset: int) -> None:
    count = len(numbers) // 2
    for i in range(1, count + 1):
        _add(ledger, numbers[i], numbers[count + i], numbers[0] - offset)


def _read_changed(ledger: Ledger, numbers: "array[int]", offset: int) -> None:
    ledger.number = max(ledger.number, numbers[0])
    for i in range(1, len(numbers), 3):
        sequence, count, due = numbers[i : i + 3]
        if sequence in ledger.pending:
            ledger.pending.set_due(sequence, due - offset)
            if count > 1:
                ledger.deliveries[sequence] = count


def _read_exhausted(ledger: Ledger, numbers: "array[int]", _: int) -> None:
    for i in range(0, len(numbers), 2):
        sequence, count = numbers[i : i + 2]
        if sequence in ledger.pending:
            ledger.deliveries[sequence] = count
            ledger.exhaust(sequence, keep=True)


def _read_settled(ledger: Ledger, numbers: "array[int]", _: int) -> None:
    for sequence in numbers:
        ledger.settle(sequence)


def _read_settled_run(ledger: Ledger, numbers: "array[int]", _: int) -> None:
    first, last = numbers
    for sequence in range(first, last + 1):
        ledger.settle(sequence)


def _read_through(ledger: Ledger, numbers: "array[int]", _: int) -> None:
    ledger.settle_through(numbers[0])


def _read_position(ledger: Ledger, numbers: "array[int]", _: int) -> None:
    number, delivered = numbers
    if delivered > ledger.delivered:
        ledger.number = number - 1
        ledger.deliver_settled(delivered)


def _read_floor(ledger: Ledger, numbers: "array[int]", _: int) -> None:
    """It is as it was, not as it follows from changes whose order was lost."""
    ledger.floor_number, ledger.floor = numbers


_READERS: dict[int, Callable[[Ledger, "array[int]", int], None]] = {
    _NEW_RUN: _read_new_run,
    _NEW: _read_new,
    _CHANGED: _read_changed,
    _EXHAUSTED: _read_exhausted,
    _SETTLED: _read_settled,
    _SETTLED_RUN: _read_settled_run,
    _THROUGH: _read_through,
    _POSITION: _read_position,
    _FLOOR: _read_floor,
}


def write_checkpoint(ledger: Ledger, following: int, resume: int, offset: int) -> bytes:
    """`following` and `resume`: the next sequence, and where the newest of each subject end."""
    sequences, numbers, dues = ledger.pending.columns()
    head = [ledger.number, ledger.delivered, ledger.floor_number, ledger.floor, following, resume, offset]
    parts = [array("q", [*head, len(sequences), len(ledger.deliveries)]), sequences, numbers, dues]
    parts += [array("q", ledger.deliveries.keys()), array("q", ledger.deliveries.values())]
    return bytes([VERSION]) + b"".join(map(_to_bytes, parts))


def read_checkpoint(data: bytes, offset: int) -> tuple[Ledger, int, int]:
    """The ledger, `following` and `resume`; raises `UnreadableState`."""
    if data[:1] != bytes([VERSION]):
        raise UnreadableState("a checkpoint of another version")
    values = _from_bytes(memoryview(data)[1:])
    rows = values[_FIXED - 2] if len(values) >= _FIXED else -1
    counted = values[_FIXED - 1] if rows >= 0 else -1
    if rows < 0 or counted < 0 or len(values) != _FIXED + 3 * rows + 2 * counted:
        raise UnreadableState("a checkpoint is cut off")
    number, delivered, floor_number, floor, following, resume, written = values[: _FIXED - 2]
    ledger = Ledger(delivered)
    ledger.number, ledger.floor_number, ledger.floor = number, floor_number, floor
    ends = [_FIXED + i * rows for i in range(4)]
    sequences, numbers, dues = (values[ends[i] : ends[i + 1]] for i in range(3))
    shift = written - offset
    now = array("q", [due + shift if due < QUEUED else shift for due in dues])
    ledger.pending.load(sequences, numbers, now)
    at = ends[3]
    ledger.deliveries.update(zip(values[at : at + counted], values[at + counted :], strict=True))
    return ledger, following, resume
