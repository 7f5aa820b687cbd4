"""Consumers of a stream on disk: their documents and states."""

import json
from collections.abc import Collection, Iterator
from struct import Struct
from typing import Protocol

from ...domain.jetstream.storage.seam import Document, Done
from .journal import JournalEntry
from .record import CHANGE, CHECKPOINT, CONSUMER, CONSUMER_GONE

_ID = Struct("<I")


class Journals(Protocol):
    """Who writes entries."""

    def enter(self, kind: int, name: bytes, body: bytes) -> None:
        """Write an entry with the next commit, or within 100 ms."""
        ...

    def supersede(self, kinds: Collection[int], begin: bytes) -> None:
        """Forget what is to be written of these kinds, and begins so."""
        ...

    def commit_state(self, done: Done) -> None:
        """Have all entries made safe."""
        ...


class FileState:
    """What one consumer has to remember."""

    __slots__ = ("_id", "_journals", "appended", "changes", "checkpoint")

    def __init__(self, journals: Journals, id_: int, checkpoint: bytes = b"") -> None:
        self._journals = journals
        self._id = _ID.pack(id_)
        self.checkpoint = checkpoint
        self.changes: list[bytes] = []
        self.appended = 0

    def append(self, change: bytes) -> None:
        self.keep(change)
        self._journals.enter(CHANGE, b"", self._id + change)

    def keep(self, change: bytes) -> None:
        """A change that is in the journal already."""
        self.changes.append(change)
        self.appended += len(change)

    def replace(self, checkpoint: bytes) -> None:
        self.checkpoint = checkpoint
        self.changes = []
        self.appended = 0
        self._journals.supersede((CHANGE, CHECKPOINT), self._id)
        self._journals.enter(CHECKPOINT, b"", self._id + checkpoint)

    def commit(self, done: Done) -> None:
        self._journals.commit_state(done)

    def entries(self) -> Iterator[JournalEntry]:
        """What a new journal has of it."""
        if self.checkpoint:
            yield JournalEntry(CHECKPOINT, b"", self._id + self.checkpoint)
        for change in self.changes:
            yield JournalEntry(CHANGE, b"", self._id + change)


class VolatileState:
    """The state of a consumer that is to leave no trace on the disk."""

    __slots__ = ()
    checkpoint = b""
    changes: tuple[bytes, ...] = ()
    appended = 0

    def append(self, change: bytes) -> None:
        pass

    def replace(self, checkpoint: bytes) -> None:
        pass

    def commit(self, done: Done) -> None:
        done(None)


class Consumers:
    """The consumers of one stream."""

    def __init__(self, journals: Journals) -> None:
        self._journals = journals
        self.documents: dict[str, Document] = {}
        self._states: dict[str, FileState | VolatileState] = {}
        self._ids: dict[str, int] = {}
        self._by_id: dict[int, str] = {}
        self._last_id = 0

    def state(self, name: str) -> FileState | VolatileState:
        """The state of one that is there."""
        return self._states[name]

    def write(self, name: str, document: Document, *, in_memory: bool) -> FileState | VolatileState:
        """Make one, or replace its document."""
        self.documents[name] = document
        if in_memory:
            self._forget_id(name)
            return self._states.setdefault(name, VolatileState())
        if name not in self._ids:
            self._last_id += 1
            self._add(name, self._last_id)
        entry = self._entry(name)
        self._journals.enter(*entry)
        return self._states[name]

    def _add(self, name: str, id_: int) -> None:
        self._ids[name] = id_
        self._by_id[id_] = name
        self._states[name] = FileState(self._journals, id_)

    def _entry(self, name: str) -> JournalEntry:
        return _document_entry(name, self._ids[name], self.documents[name])

    def _forget_id(self, name: str) -> None:
        id_ = self._ids.pop(name, None)
        if id_ is not None:
            del self._by_id[id_]
            del self._states[name]
            self._journals.enter(CONSUMER_GONE, name.encode(), _ID.pack(id_))

    def delete(self, name: str) -> None:
        """Forget one."""
        self.documents.pop(name, None)
        self._forget_id(name)
        self._states.pop(name, None)

    def change(self, name: str, document: Document) -> list[JournalEntry]:
        """An entry that gives it another document; none for one that leaves no trace."""
        id_ = self._ids.get(name)
        return [] if id_ is None else [_document_entry(name, id_, document)]

    def changed(self, name: str, document: Document) -> None:
        """That is written."""
        if name in self.documents:
            self.documents[name] = document

    def end(self, name: str) -> list[JournalEntry]:
        """An entry that ends it; none for one that leaves no trace."""
        id_ = self._ids.get(name)
        return [] if id_ is None else [JournalEntry(CONSUMER_GONE, name.encode(), _ID.pack(id_))]

    def ended(self, name: str) -> None:
        """That is written."""
        self._by_id.pop(self._ids.pop(name, 0), None)
        self.documents.pop(name, None)
        self._states.pop(name, None)

    def entries(self) -> Iterator[JournalEntry]:
        """What a new journal has of all."""
        for name in self._ids:
            yield self._entry(name)
            state = self._states[name]
            if isinstance(state, FileState):
                yield from state.entries()

    def recover(self, kind: int, name: bytes, body: bytes) -> None:
        """Take in an entry of a journal. Raises `ValueError` when it makes no sense."""
        if len(body) < _ID.size:
            raise ValueError("an entry of a consumer is too short")
        (id_,) = _ID.unpack_from(body)
        rest = body[_ID.size :]
        if kind == CONSUMER:
            self._recover_document(name.decode(), id_, rest)
        elif kind == CONSUMER_GONE:
            gone = self._by_id.pop(id_, None)
            if gone is not None:
                for table in (self._ids, self._states, self.documents):
                    table.pop(gone, None)
        elif id_ in self._by_id:
            state = self._states[self._by_id[id_]]
            if kind == CHANGE and isinstance(state, FileState):
                state.keep(rest)
            elif isinstance(state, FileState):
                state.checkpoint, state.changes, state.appended = rest, [], 0

    def _recover_document(self, name: str, id_: int, document: bytes) -> None:
        parsed = from_json(document)
        if self._ids.get(name) != id_:
            self._by_id.pop(self._ids.get(name, 0), None)
            self._add(name, id_)
        self._last_id = max(self._last_id, id_)
        self.documents[name] = parsed


def _document_entry(name: str, id_: int, document: Document) -> JournalEntry:
    return JournalEntry(CONSUMER, name.encode(), _ID.pack(id_) + to_json(document))


def to_json(document: Document) -> bytes:
    """A document as bytes."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def from_json(data: bytes) -> Document:
    """A document from bytes. Raises `ValueError`."""
    document = json.loads(data.decode("utf-8", "surrogatepass"))
    if not isinstance(document, dict):
        raise ValueError("a document is no object")  # noqa: TRY004 - what json raises
    return document
