"""What is remembered of receivers that were too slow."""

from app.domain.slow_receivers import Backlog, PendingSubjects, SlowAction


def test_a_backlog_is_counted_later() -> None:
    """Until then nothing is known of it."""
    later, known = Backlog(), Backlog(PendingSubjects((), 1, 2))

    assert (False, 0) == (later.is_counted, later.found.messages)
    assert (True, 1) == (known.is_counted, known.found.messages)
    assert {"held", "cut"} == {action.value for action in SlowAction}
