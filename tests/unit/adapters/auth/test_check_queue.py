"""Unit tests of the order of checks."""

from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from app.adapters.auth.check_queue import CheckQueue
from app.adapters.auth.secret import PlainSecret

DEREK, ALICE = PlainSecret("derek"), PlainSecret("alice")


def ignore(right: bool) -> None:  # noqa: FBT001 - `OnResult`'s signature
    """Ignore a result."""


def queue_with(*given: bytes, capacity: int = 1000) -> CheckQueue:
    """A queue where one password after the other was given for Derek."""
    queue = CheckQueue(capacity)
    for password in given:
        queue.add(DEREK, password, ignore)
    return queue


def taken(queue: CheckQueue) -> list[bytes]:
    """All waiting checks, in the order in which they are made."""
    order: list[bytes] = []
    while (check := queue.take()) is not None:
        order.append(check.given)
    return order


def test_an_empty_queue() -> None:
    """An empty queue has no next check."""
    queue = CheckQueue(1)

    assert queue.take() is None
    assert not queue


def test_the_first_and_the_last_take_turns() -> None:
    """Checks of one secret are made oldest, newest, oldest, and so on."""
    queue = queue_with(b"1", b"2", b"3", b"4", b"5")

    assert [b"1", b"5", b"2", b"4", b"3"] == taken(queue)


def test_an_honest_client_behind_a_flood() -> None:
    """A client after two hundred wrong passwords waits for one of them."""
    queue = queue_with(*(b"wrong %d" % number for number in range(200)), b"right")

    assert [b"wrong 0", b"right"] == taken(queue)[:2]


def test_an_honest_client_before_a_flood() -> None:
    """Who came first is not overtaken by the two hundred that come after."""
    queue = queue_with(b"right", *(b"wrong %d" % number for number in range(200)))

    assert b"right" == taken(queue)[0]


def test_lanes_take_turns() -> None:
    """A flood against one user holds up nobody who logs in as another."""
    queue = queue_with(b"1", b"2", b"3")
    queue.add(ALICE, b"hers", ignore)

    assert [b"1", b"hers", b"3", b"2"] == taken(queue)


def test_equal_checks_are_one() -> None:
    """Many that give the same password for the same user are answered together, each once."""
    results: list[tuple[int, bool]] = []
    queue = CheckQueue(2)

    def note(number: int, right: bool) -> None:  # noqa: FBT001 - as a verdict is given
        results.append((number, right))

    for number in range(500):
        queue.add(DEREK, b"same", partial(note, number))

    assert 1 == len(queue)

    check = queue.take()
    assert check is not None
    check.resolve(matches=True)

    assert [(number, True) for number in range(500)] == results
    assert queue.take() is None


def test_the_same_password_of_two_users_is_two_checks() -> None:
    """Equal passwords of different users are compared with different secrets."""
    queue = queue_with(b"same")
    queue.add(ALICE, b"same", ignore)

    assert 2 == len(queue)


def test_a_check_that_is_repeated_is_new() -> None:
    """Those who repeat a check are soon answered, so that they cannot pile up."""
    queue = queue_with(b"1", b"2", b"3", b"4", b"5", b"3")

    assert [b"1", b"3", b"2", b"5", b"4"] == taken(queue)


def test_a_full_queue_evicts_the_oldest_check_of_the_longest_one() -> None:
    """The evicted check is the oldest of the flood."""
    queue = queue_with(b"1", b"2", b"3", capacity=4)
    queue.add(ALICE, b"hers", ignore)

    _, evicted = queue.add(ALICE, b"more", ignore)

    assert evicted is not None
    assert b"1" == evicted.given
    assert 4 == len(queue)
    assert [b"2", b"hers", b"3", b"more"] == taken(queue)


def test_a_queue_for_one() -> None:
    """The newcomer is taken even when it sends the only other away."""
    queue = queue_with(b"1", capacity=1)

    _, evicted = queue.add(ALICE, b"hers", ignore)

    assert evicted is not None
    assert b"1" == evicted.given
    assert [b"hers"] == taken(queue)


def test_a_check_that_is_cancelled() -> None:
    """A check is dropped with its last caller, and its queue with its last check."""
    queue = CheckQueue(8)
    verdicts = [partial(_note, []) for _ in range(3)]
    first, _ = queue.add(DEREK, b"1", verdicts[0])
    again, _ = queue.add(DEREK, b"1", verdicts[1])
    queue.add(DEREK, b"2", verdicts[2])

    queue.cancel(first, verdicts[0])
    shared = len(queue)
    queue.cancel(again, verdicts[1])
    queue.cancel(again, verdicts[1])

    assert first is again
    assert (2, 1) == (shared, len(queue))
    assert [b"2"] == taken(queue)


def test_a_queue_that_becomes_empty() -> None:
    """The only check of a user leaves nothing in the way of the others."""
    queue = queue_with(b"1")
    check, _ = queue.add(ALICE, b"hers", ignore)

    queue.cancel(check, ignore)

    assert [b"1"] == taken(queue)


def test_a_check_that_is_cancelled_too_late() -> None:
    """What was taken, or asked again since, is not touched."""
    queue = CheckQueue(8)
    old, _ = queue.add(DEREK, b"1", ignore)
    taken_one = queue.take()
    new, _ = queue.add(DEREK, b"1", ignore)

    queue.cancel(old, ignore)

    assert taken_one is old
    assert (True, False) == (old.started, new.started)
    assert [] == old.callbacks()
    assert [b"1"] == taken(queue)


def test_a_cleared_queue() -> None:
    """Nobody waits in a queue that was cleared."""
    queue = queue_with(b"1", b"2")

    queue.clear()

    assert 0 == len(queue)
    assert queue.take() is None


@given(
    arrivals=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9), st.booleans()), max_size=60),
    capacity=st.integers(1, 8),
)
def test_everyone_is_answered_once(arrivals: list[tuple[int, int, bool]], capacity: int) -> None:
    """In any order of arrivals each caller gets one result, and the queue keeps its bound."""
    secrets = [PlainSecret(str(number)) for number in range(4)]
    answers: list[int] = []
    queue = CheckQueue(capacity)

    for number, (user, password, work) in enumerate(arrivals):
        _, evicted = queue.add(secrets[user], b"%d" % password, partial(_note, answers, number))
        assert len(queue) <= capacity
        for check in (evicted, queue.take() if work else None):
            if check is not None:
                check.resolve(matches=False)
    while (check := queue.take()) is not None:
        check.resolve(matches=False)

    assert list(range(len(arrivals))) == sorted(answers)
    assert not queue


def _note(answers: list[int], number: int, right: bool) -> None:  # noqa: FBT001 - `OnResult`'s signature
    assert not right
    answers.append(number)
