"""The page about receivers that were too slow."""

from app.adapters.monitoring.slow import slowz
from app.ports.broker_view import Backlog, PendingSubjects, SlowAction, SlowReceiver, SubjectBacklog
from tests.fakes.broker_view import Watched


def test_the_page(watched: Watched) -> None:
    """The latest comes first; bytes that are no UTF-8 are shown as what they are not."""
    why = "publishers wait for it"
    first = SlowReceiver(SlowAction.HELD, "cid", 1, "n", "192.0.2.1", 4000, 1.0, None, why, 5, 2, Backlog())
    found = Backlog(PendingSubjects((SubjectBacklog(b"a\xff", 3, 200),), 4, 300))
    second = SlowReceiver(SlowAction.CUT, "rid", 2, "", "192.0.2.2", 4001, 2.0, 1.5, "why", 6, 0, found)
    watched.view.slow = [first, second]
    page = slowz(watched.context)

    assert [("cut", 2), ("held", 1)] == [(entry.action, entry.cid) for entry in page.receivers]
    assert [("a\ufffd", 3, 200)] == [
        (each.subject, each.messages, each.bytes) for each in page.receivers[0].subjects
    ]
    assert (4, 300, None) == (
        page.receivers[0].pending_messages,
        page.receivers[0].known_bytes,
        page.receivers[0].counting,
    )
    assert (None, True) == (page.receivers[1].behind_since, page.receivers[1].counting)
    assert page.receivers[0].behind_since is not None
    assert 2 == page.total
