"""What happened lately: facts that an operator should see, kept in a ring and counted by kind.

Counters say that something happened; the journal says when, and to whom. It sits in front
of the event log and forgets all but the newest entries, so it has no effect on the log and
a bounded size. It keeps what the facts carry, which is free of secrets.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from app.domain.events import Event, Link
from app.ports.event_log import EventLog

CAPACITY = 50
"""Entries that are kept."""

PER_KIND = 20
"""Entries of one kind that are kept, so that a flood of one leaves the others in place."""

MERGE_SECONDS = 60.0
"""A repetition within this time of the last one, by the same peer, counts in the same entry."""


def no_detail(_fact: Event) -> str:
    """The kind says it all."""
    return ""


@dataclass(frozen=True, slots=True)
class EventKind:
    """A sort of entry. Kinds of one name share a counter and a part of the ring."""

    name: str
    """Of its counter, as in ``slow_consumer``."""
    title: str
    """A few words for people."""
    tone: str
    """``bad`` for what was lost, ``warn`` for what may be, ``good`` for what is well again."""
    detail: Callable[[Event], str] = no_detail
    """What the fact adds."""
    who: Callable[[Event], str] = no_detail
    """Name of the one it happened to, where the fact knows it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened, or several like it in a row."""

    kind: EventKind
    at: float
    """When last, in seconds on the scale of `Journal.now`."""
    link: Link | None
    """The connection it happened to, if it was one."""
    who: str
    """Name of the peer, or empty."""
    detail: str
    count: int = 1

    @property
    def host(self) -> str:
        """The peer's address without the port, which changes from one attempt to the next."""
        return self.link.address.rpartition(":")[0] if self.link else ""

    def repeats(self, other: "Entry") -> bool:
        """Whether it is the same as another one, later."""
        return (self.kind, self.who, self.host) == (other.kind, other.who, other.host)


@dataclass(frozen=True, slots=True)
class JournalSnapshot:
    """The journal as it was at one time."""

    now: float
    revision: int
    entries: tuple[Entry, ...]
    """Oldest first."""
    latest: Mapping[str, float] = field(default_factory=dict)
    """When something of a kind happened last."""


class Journal:
    """The entries. May be written from any thread."""

    def __init__(
        self,
        kinds: Mapping[type[Event], EventKind] | None = None,
        clock: Callable[[], float] = time.monotonic,
        name_of: Callable[[Link], str] = lambda _link: "",
    ) -> None:
        """`kinds` says which facts are kept; `name_of` is what a live peer calls itself."""
        self.now = clock
        self.name_of = name_of
        self._kinds = kinds or {}
        self._lock = threading.Lock()
        self._entries: list[Entry] = []
        self._counts = {kind.name: 0 for kind in self._kinds.values()}
        self._latest: dict[str, float] = {}
        self._revision = 0

    def note(self, fact: Event) -> None:
        """Keep a fact, if it is of a kind that is kept."""
        kind = self._kinds.get(type(fact))
        if kind is None:
            return
        who = kind.who(fact) or (self.name_of(fact.link) if fact.link else "")
        entry = Entry(kind, self.now(), fact.link, who, kind.detail(fact))
        with self._lock:
            self._counts[kind.name] += 1
            self._latest[kind.name] = entry.at
            self._revision += 1
            self._put(entry)

    def _put(self, entry: Entry) -> None:
        """Join it to the entry that it repeats, or make room for it."""
        for place in range(len(self._entries) - 1, -1, -1):
            known = self._entries[place]
            if entry.at - known.at > MERGE_SECONDS:
                break
            if entry.repeats(known):
                del self._entries[place]
                entry = replace(entry, count=known.count + 1)
                break
        self._entries.append(entry)
        alike = [place for place, known in enumerate(self._entries) if known.kind.name == entry.kind.name]
        if len(alike) > PER_KIND:
            del self._entries[alike[0]]
        elif len(self._entries) > CAPACITY:
            del self._entries[0]

    def counts(self) -> dict[str, int]:
        """How often each kind happened since the start."""
        with self._lock:
            return dict(self._counts)

    def extract(self) -> JournalSnapshot:
        """All of it, now."""
        with self._lock:
            return JournalSnapshot(self.now(), self._revision, tuple(self._entries), dict(self._latest))


class JournaledLog(EventLog):
    """An event log, and the journal that reads along."""

    # Plain attributes in place of the port's properties: they are read for every fact.
    debug: bool = False
    trace: bool = False

    def __init__(self, log: EventLog, journal: Journal) -> None:
        self.debug = log.debug
        self.trace = log.trace
        self._log = log
        self._journal = journal

    def record(self, event: Event) -> None:
        self._journal.note(event)
        self._log.record(event)

    def reopen(self) -> None:
        self._log.reopen()

    def close(self) -> None:
        self._log.close()
