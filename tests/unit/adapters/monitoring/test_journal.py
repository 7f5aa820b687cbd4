"""The journal: what happened lately, when, and to whom."""

import threading

from app.adapters.clock_manual import ManualClock
from app.adapters.monitoring.journal import (
    CAPACITY,
    MERGE_SECONDS,
    PER_KIND,
    EventKind,
    Journal,
    JournaledLog,
)
from app.domain.events import (
    AcceptFailed,
    AuthorizationFailed,
    ClientConnected,
    InternalFailure,
    Link,
    ServerReady,
    SlowConsumer,
)
from tests.fakes.event_log import RecordingEventLog

SLOW = EventKind("slow_consumer", "Slow consumer closed", "bad", lambda fact: getattr(fact, "reason", ""))
LOGIN = EventKind("login_refused", "Login refused", "warn")
DEFECT = EventKind("internal_error", "Internal error", "bad")
ACCEPT = EventKind("limit_reached", "Connection not accepted", "warn", who=lambda _fact: "the system")
KINDS = {SlowConsumer: SLOW, AuthorizationFailed: LOGIN, InternalFailure: DEFECT, AcceptFailed: ACCEPT}


def link(number: int, host: str = "192.0.2.1") -> Link:
    """A client, whose port differs from all others."""
    return Link("cid", number, f"{host}:{4000 + number}")


class Diary:
    """A journal in virtual time."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.journal = Journal(KINDS, self.clock.monotonic, lambda link: f"c{link.number}")

    def listed(self) -> list[tuple[str, str, int]]:
        """EventKind, peer and count of the entries, oldest first."""
        return [(entry.kind.name, entry.who, entry.count) for entry in self.journal.snapshot().entries]


def test_an_entry() -> None:
    """An entry knows the kind, the time, the connection, its name and the reason."""
    diary = Diary()
    diary.clock.advance(5.0)

    diary.journal.note(SlowConsumer(link(7), "pending bytes"))

    [entry] = diary.journal.snapshot().entries
    assert (SLOW, 5.0, link(7), "c7", "pending bytes", 1) == (
        entry.kind,
        entry.at,
        entry.link,
        entry.who,
        entry.detail,
        entry.count,
    )


def test_what_is_not_kept() -> None:
    """Facts of everyday life are neither kept nor counted."""
    diary = Diary()

    diary.journal.note(ServerReady(None))
    diary.journal.note(ClientConnected(link(1)))

    assert [] == diary.listed()
    assert 0 == diary.journal.snapshot().revision


def test_counters() -> None:
    """Every kind has a counter from the start on, and each fact counts, whether it is still listed or not."""
    diary = Diary()
    for number in range(CAPACITY + 9):
        diary.journal.note(SlowConsumer(link(number), ""))

    assert {"slow_consumer": CAPACITY + 9, "login_refused": 0, "internal_error": 0, "limit_reached": 0} == (
        diary.journal.counts()
    )


def test_repetitions_are_one_entry() -> None:
    """What the same host does again within a minute of the last time counts in one entry, which moves up."""
    diary = Diary()
    diary.journal.name_of = lambda _link: ""
    diary.journal.note(AuthorizationFailed(link(1)))
    diary.journal.note(InternalFailure(None, "x"))
    diary.clock.advance(MERGE_SECONDS)
    diary.journal.note(AuthorizationFailed(link(2)))
    diary.clock.advance(MERGE_SECONDS + 1.0)
    diary.journal.note(AuthorizationFailed(link(3)))

    assert [("internal_error", "", 1), ("login_refused", "", 2), ("login_refused", "", 1)] == diary.listed()


def test_different_peers_are_different_entries() -> None:
    """Two names, two hosts or two kinds are never put together."""
    diary = Diary()
    diary.journal.note(SlowConsumer(link(1), ""))
    diary.journal.note(SlowConsumer(link(2), ""))
    diary.journal.note(AuthorizationFailed(link(1)))
    diary.journal.note(AuthorizationFailed(link(1, "192.0.2.2")))

    assert [1, 1, 1, 1] == [count for _, _, count in diary.listed()]


def test_a_flood_of_one_kind_leaves_the_others() -> None:
    """However many logins fail, what else happened is still there."""
    diary = Diary()
    diary.journal.note(InternalFailure(None, "x"))
    for number in range(10 * CAPACITY):
        diary.journal.note(AuthorizationFailed(link(number)))

    listed = diary.listed()
    assert ("internal_error", "", 1) == listed[0]
    assert ("login_refused", f"c{10 * CAPACITY - 1}", 1) == listed[-1]
    assert 1 + PER_KIND == len(listed)


def test_the_ring_is_bounded() -> None:
    """With every kind at work the oldest entries go."""
    diary = Diary()
    for number in range(PER_KIND):
        diary.journal.note(SlowConsumer(link(number), ""))
        diary.journal.note(AuthorizationFailed(link(number)))
        diary.journal.note(InternalFailure(link(number), ""))

    assert CAPACITY == len(diary.listed())
    assert {kind.name for kind in (SLOW, LOGIN, DEFECT)} == {name for name, _, _ in diary.listed()}


def test_the_fact_may_name_the_one() -> None:
    """A fact without a connection can say whom it is about."""
    diary = Diary()

    diary.journal.note(AcceptFailed(None, "no descriptors", 10))

    [entry] = diary.journal.snapshot().entries
    assert ("the system", "", None) == (entry.who, entry.host, entry.link)


def test_when_a_kind_was_last() -> None:
    """The last time of each kind is known even when its entries have gone."""
    diary = Diary()
    diary.journal.note(InternalFailure(None, ""))
    diary.clock.advance(3.0)
    diary.journal.note(SlowConsumer(link(1), ""))

    extract = diary.journal.snapshot()
    assert ({"internal_error": 0.0, "slow_consumer": 3.0}, 2, 3.0) == (
        extract.latest,
        extract.revision,
        extract.now,
    )


def test_it_may_be_written_from_any_thread() -> None:
    """No entry is lost when the writer of the log reports as well."""
    diary = Diary()

    def write() -> None:
        for _ in range(500):
            diary.journal.note(InternalFailure(None, ""))

    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert 2000 == diary.journal.counts()["internal_error"]


def test_the_log_is_as_before() -> None:
    """With a journal in front, the log gets every fact, and knows the same levels."""
    inner = RecordingEventLog(debug=True, trace=False)
    diary = Diary()
    log = JournaledLog(inner, diary.journal)

    log.record(ServerReady(None))
    log.record(InternalFailure(None, "x"))
    log.reopen()
    log.close()

    assert (True, False, True) == (log.debug, log.trace, inner.closed)
    assert 2 == len(inner.events)
    assert [("internal_error", "", 1)] == diary.listed()
