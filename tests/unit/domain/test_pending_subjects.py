"""What is pending, by subject."""

import pytest

from app.domain.dataplane.unsent import UnsentFlush
from app.domain.pending_subjects import (
    LINE_WORK,
    LONGEST_SUBJECT,
    MOST_COUNTED,
    MOST_SUBJECTS,
    PendingSubjects,
    SubjectBacklog,
    count_pending,
)
from app.domain.steps import STEP_WORK
from tests.support.steps import counted, finished


def message(subject: bytes, payload: bytes = b"x") -> bytes:
    """As a receiver gets it."""
    return b"MSG %b 1 %d\r\n%b\r\n" % (subject, len(payload), payload)


HEADED = b"HMSG a 1 r 12 14\r\nNATS/1.0\r\n\r\nxx\r\n"


def test_messages_and_other_lines() -> None:
    """Messages are summed by subject, those with most bytes first; other lines are bytes alone."""
    data = b"PING\r\n" + message(b"b") + message(b"a") + b"INFO {}\r\n" + message(b"b") + HEADED
    found = finished(count_pending([UnsentFlush(data, 0)]))
    a, b = len(message(b"a")) + len(HEADED), 2 * len(message(b"b"))

    assert PendingSubjects((SubjectBacklog(b"a", 2, a), SubjectBacklog(b"b", 2, b)), 4, len(data)) == found


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 11, 100])
def test_pieces_of_any_size(size: int) -> None:
    """Lines and payloads may be cut anywhere, also where the payload has line ends."""
    data = message(b"a", b"1\r\n2\r\n") + message(b"b", b"") + message(b"a") + b"PONG\r\n"
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    whole = finished(count_pending([UnsentFlush(data, 0)]))

    assert whole == finished(count_pending([UnsentFlush(pieces, 0)]))
    assert (3, len(data)) == (whole.messages, whole.size)


@pytest.mark.parametrize(
    ("passed", "messages", "size"),
    [(0, 2, 26), (1, 2, 25), (12, 2, 14), (13, 1, 13), (14, 1, 12), (26, 0, 0)],
)
def test_what_was_passed_on(passed: int, messages: int, size: int) -> None:
    """A message counts while something of it is pending, with the bytes that are."""
    data = 2 * message(b"a", b"")
    found = finished(count_pending([UnsentFlush(data, passed)]))

    assert (26, messages, size) == (len(data), found.messages, found.size)


def test_many_subjects() -> None:
    """The largest are listed; beyond a number of them only the totals grow."""
    data = b"".join(message(b"s%d" % number) for number in range(MOST_COUNTED)) + 9 * message(b"late")
    found = finished(count_pending([UnsentFlush(data, 0)]))

    assert (MOST_SUBJECTS, MOST_COUNTED + 9) == (len(found.subjects), found.messages)
    assert b"late" not in {each.subject for each in found.subjects}


def test_a_long_subject_is_cut() -> None:
    """It is kept for long."""
    found = finished(count_pending([UnsentFlush(message(b"s" * 1000), 0)]))

    assert LONGEST_SUBJECT == len(found.subjects[0].subject)


def test_it_is_counted_in_steps() -> None:
    """A bounded number of lines in each."""
    data = (2 * STEP_WORK // LINE_WORK) * message(b"a")

    assert 2 == counted(count_pending([UnsentFlush(data, 0)]))[0]
