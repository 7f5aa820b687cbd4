"""Messages by subject: what stays right while subjects and whole chunks go."""

from app.domain.jetstream.storage.chunk import SPAN
from app.domain.jetstream.storage.index import Index
from app.domain.jetstream.storage.seam import SubjectState


def test_subjects_may_go_while_they_are_listed() -> None:
    """A listing goes on when a subject has gone that it did not reach yet."""
    index = Index()
    for sequence, subject in enumerate([b"a", b"b", b"c"], 1):
        index.append(sequence, subject, 0, 1, 1)
    listing = index.subjects()
    first = next(listing)
    index.remove(2)

    assert [(b"a", SubjectState(1, 1, 1)), (b"c", SubjectState(3, 3, 1))] == [first, *listing]


def test_the_last_message_of_a_subject_goes_with_its_chunk() -> None:
    """A message is added to a subject whose last one was alone in a chunk that has gone."""
    index = Index()
    index.append(1, b"s", 0, 1, 1)
    index.skip(SPAN, 2)
    index.append(SPAN + 1, b"s", 0, 3, 1)
    index.skip(2 * SPAN, 4)
    index.remove(SPAN + 1)
    index.append(2 * SPAN + 1, b"s", 0, 5, 1)

    assert [1, 2 * SPAN + 1] == index.sequences_of(b"s", 3 * SPAN)


def test_the_newest_message_of_a_subject_was_dropped() -> None:
    """It has no slot any more; the next one of the subject is found all the same."""
    index = Index()
    for sequence in range(1, 401):
        index.append(sequence, b"b" if sequence in (10, 20) else b"a", 0, 1, 1)
    for sequence in range(11, 400):
        index.remove(sequence)
    index.append(401, b"b", 0, 1, 1)

    assert [10, 401] == index.sequences_of(b"b", 500)
