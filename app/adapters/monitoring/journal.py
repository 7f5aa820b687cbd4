"""The journal: recent events for operators, kept in a ring and counted by kind.

Counters say that something happened; the journal says when, and to which peer. It reads
the events on their way to the log, and keeps the newest, so it has no effect on the log
and a bounded size. Events contain no secrets, so neither does the journal.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import field, replace

from ...domain.events import Event, Link
from ...domain.value_object import value_object
from ...ports.event_log import EventLog

CAPACITY = 50
"""Entries that are kept."""

PER_KIND = 20
"""Entries of one kind that are kept, so that a flood of one leaves the others in place."""

MERGE_SECONDS = 60.0
"""A repetition by the same peer within this time is counted in the same entry."""


def no_detail(_fact: Event) -> str:
    """For a kind without details."""
    return ""


@value_object
class EventKind:
    """A kind of entry. Kinds with one name share a counter and a part of the ring."""

    name: str
    """Name of its counter, as in ``slow_consumer``."""
    title: str
    """A few words for people."""
    tone: str
    """``bad`` for a loss, ``warn`` for a possible loss, ``good`` for a recovery."""
    detail: Callable[[Event], str] = no_detail
    """Details of an event, as text."""
    who: Callable[[Event], str] = no_detail
    """Name of the peer, if the event contains it."""


@value_object
class Entry:
    """One event, or several equal ones in a row."""

    kind: EventKind
    at: float
    """Time of the last one, in seconds on the scale of `Journal.now`."""
    link: Link | None
    """The connection that it concerns, if any."""
    who: str
    """Name of the peer; may be empty."""
    detail: str
    count: int = 1

    @property
    def host(self) -> str:
        """The peer's address without the port, which differs between attempts."""
        return self.link.address.rpartition(":")[0] if self.link else ""

    def repeats(self, other: "Entry") -> bool:
        """Whether it is a repetition of another entry."""
        return (self.kind, self.who, self.host) == (other.kind, other.who, other.host)


@value_object
class JournalSnapshot:
    """The journal at one time."""

    now: float
    revision: int
    entries: tuple[Entry, ...]
    """Oldest first."""
    latest: Mapping[str, float] = field(default_factory=dict)
    """Time of the last event by kind."""


class Journal:
    """The entries. May be written from any thread."""

    def __init__(
        self,
        kinds: Mapping[type[Event], EventKind] | None = None,
        clock: Callable[[], float] = time.monotonic,
        name_of: Callable[[Link], str] = lambda _link: "",
    ) -> None:
        """`kinds` says which events are kept; `name_of` returns the name of a connected peer."""
        self.now = clock
        self.name_of = name_of
        self._kinds = kinds or {}
        self._lock = threading.Lock()
        self._entries: list[Entry] = []
        self._counts = {kind.name: 0 for kind in self._kinds.values()}
        self._latest: dict[str, float] = {}
        self._revision = 0

    def note(self, fact: Event) -> None:
        """Keep an event, if its kind is kept."""
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
        """Merge it with the entry that it repeats, or add it."""
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
        """Number of events of each kind since the start."""
        with self._lock:
            return dict(self._counts)

    def snapshot(self) -> JournalSnapshot:
        """A snapshot of the journal."""
        with self._lock:
            return JournalSnapshot(self.now(), self._revision, tuple(self._entries), dict(self._latest))


class JournaledLog(EventLog):
    """An event log that also writes to a journal."""

    # Plain attributes in place of the port's properties: they are read for every event.
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

    def levels_changed(self) -> None:
        self._log.levels_changed()
        self.debug = self._log.debug
        self.trace = self._log.trace

    @property
    def may_wait(self) -> bool:
        return self._log.may_wait

    def close(self) -> None:
        self._log.close()
