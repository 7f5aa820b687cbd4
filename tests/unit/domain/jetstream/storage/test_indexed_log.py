"""A log answers from its index."""

from app.domain.jetstream.storage.index import Index
from app.domain.jetstream.storage.indexed_log import IndexedLog
from app.domain.jetstream.storage.seam import SubjectState


def test_it_answers_what_its_index_holds() -> None:
    """Figures, subjects and searches are those of three messages of which the second has gone."""
    index = Index()
    log = IndexedLog(index)
    for sequence, subject in enumerate([b"a.x", b"a.y", b"b"], 1):
        index.append(sequence, subject, 0, 10 * sequence, sequence)
    index.remove(2)

    assert (1, 3, 10, 30) == (log.first, log.last, log.first_time, log.last_time)
    assert (2, 4, 2) == (log.count, log.size, log.subject_count)
    assert ([2], 1) == (log.holes(), log.hole_count)
    assert (3, 30, b"b", None) == (log.size_at(3), log.time_of(3), log.subject_of(3), log.subject_of(2))
    assert (3, 1, 0) == (log.next(2), log.previous(2), log.next(2, [b"a.*"]))
    assert (3, 1, 0) == (log.at_time(11), log.count_from(1, [b"b"]), log.next_with_headers(1))
    assert {b"a.x": SubjectState(1, 1, 1)} == dict(log.subjects(b"a.>"))
    assert (SubjectState(3, 3, 1), [1]) == (log.subject_state(b"b"), log.sequences_of(b"a.x", 9))


def test_messages_that_are_too_many() -> None:
    """The oldest of a subject go when one more comes than may be there, and none of other subjects."""
    index = Index()
    log = IndexedLog(index)
    for sequence, subject in enumerate([b"a", b"b", b"a", b"a"], 1):
        index.append(sequence, subject, 0, sequence, 1)
    excess = [tuple(log.excess(b"a", most)) for most in (4, 3, 2, 1)]

    assert [(), (1,), (1, 3), (1, 3, 4)] == excess
    assert (2,) == tuple(log.excess(b"b", 1))
    assert () == tuple(log.excess(b"c", 1))


def test_above_what_a_subject_has_no_message() -> None:
    """That may be one that is removed, and is nothing for a subject that is not there."""
    index = Index()
    for sequence, subject in enumerate([b"a", b"b", b"a"], 1):
        index.append(sequence, subject, 0, sequence, 1)
    index.remove(3)

    assert (3, 1, 0) == (index.last_at_most(b"a"), index.last_of(b"a"), index.last_at_most(b"c"))
