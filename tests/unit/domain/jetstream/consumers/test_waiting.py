"""Unit tests of requests that wait in lanes."""

from app.domain.jetstream.consumers.requests import PullOptions, PullRequest
from app.domain.jetstream.consumers.waiting import WaitingRequests


def make(
    waiting: WaitingRequests, lane: object = None, *, batch: int = 1, expires: int = 0, no_wait: bool = False
) -> PullRequest:
    """A request that waits."""
    request = PullRequest(b"r", PullOptions(batch, expires, no_wait=no_wait), 0, lane)
    waiting.add(request)
    return request


def head(waiting: WaitingRequests, lane: object = None) -> PullRequest:
    """Whose turn it is."""
    found = waiting.head(lane)
    assert found is not None
    return found


def test_requests_take_turns() -> None:
    """One message each; a filled one ends."""
    waiting = WaitingRequests()
    first, second = make(waiting, batch=2), make(waiting, batch=1)
    order = []
    while waiting.count:
        request = head(waiting)
        order.append(request)
        waiting.served(request)
    assert [first, second, first] == order
    assert (0, None) == (waiting.wanted, waiting.head(None))


def test_ended_requests_are_passed_over() -> None:
    """They wait no more, and are forgotten."""
    waiting = WaitingRequests()
    requests = [make(waiting) for _ in range(500)]
    last = requests.pop()
    for request in requests:
        waiting.end(request)
    assert (1, 1, [last]) == (waiting.count, waiting.wanted, waiting.some(9))
    assert last is head(waiting)


def test_receivers_are_counted() -> None:
    """As long as one of their requests waits."""
    waiting = WaitingRequests()
    first, second = make(waiting), make(waiting)
    assert {b"r": 2} == waiting.replies
    waiting.end(first)
    assert {b"r": 1} == waiting.replies
    waiting.end(second)
    assert {} == waiting.replies


def test_a_lane_that_is_empty_goes() -> None:
    """Also when its requests end elsewhere."""
    waiting = WaitingRequests()
    others = [make(waiting, "a") for _ in range(200)]
    kept = make(waiting, "b")
    for request in others:
        waiting.end(request)
    assert ["b"] == waiting.lanes
    assert kept is head(waiting, "b")


def test_alarms_come_in_order_of_time() -> None:
    """Those of ended requests do not come."""
    waiting = WaitingRequests()
    late, soon, gone, never = (
        make(waiting, expires=90),
        make(waiting, expires=10),
        make(waiting, expires=5),
        make(waiting),
    )
    for request in (late, soon, gone, never):
        waiting.watch(request)
    waiting.end(gone)
    assert 10 == waiting.next_due
    assert [None, soon, None] == [waiting.take_due(now) for now in (9, 10, 10)]
    assert late is waiting.take_due(100)
    assert waiting.next_due is None


def test_alarms_of_ended_requests_are_forgotten() -> None:
    """They do not pile up until they are due."""
    waiting = WaitingRequests()
    for _ in range(500):
        request = make(waiting, expires=10**9)
        waiting.watch(request)
        waiting.end(request)
    assert len(waiting._alarms) <= 65  # noqa: SLF001 - the promise is about memory


def test_one_shots_are_known() -> None:
    """From the start, or from their first message on."""
    waiting = WaitingRequests()
    ends = make(waiting, no_wait=True)
    first = make(waiting, "l", no_wait=True, expires=9, batch=3)
    assert [ends] == list(waiting.one_shots)
    waiting.served(first)
    assert [ends, first] == list(waiting.one_shots)


def test_what_is_set_aside_comes_back_at_the_end() -> None:
    """Unless it ended meanwhile."""
    waiting = WaitingRequests()
    first, second, third = make(waiting), make(waiting), make(waiting)
    waiting.set_aside(first)
    waiting.set_aside(second)
    waiting.end(second)
    waiting.put_back([first, second])
    assert [third, first] == list(waiting)


def test_a_request_changes_its_lane() -> None:
    """And may want less."""
    waiting = WaitingRequests()
    request = make(waiting, "", batch=5)
    waiting.move(request, "pin")
    waiting.shrink(request, 1)
    assert (None, request, 1) == (waiting.head(""), waiting.head("pin"), waiting.wanted)
