"""Unit tests of when messages end (jetstream-streams.md, section 5)."""

from app.domain.jetstream.streams.expiry import Expiry
from tests.fakes.stream_host import SECOND, HeldLog, block


def expiry(*times: int, max_age: int = 0, never: frozenset[int] = frozenset()) -> tuple[Expiry, HeldLog]:
    """A log with messages of these times; some of them never end."""
    log = HeldLog()
    for number, time in enumerate(times, 1):
        log.append(b"s", block({"Nats-TTL": "never"} if number in never else None), b"", time)
    made = Expiry(log)
    made.set(max_age, has_ttls=bool(never))
    return made, log


def test_without_limits_nothing_ends() -> None:
    """Nothing is due."""
    made, _ = expiry(1, 2)

    assert made.next_due is None
    assert made.pop(1000) == 0


def test_messages_end_by_age_in_order() -> None:
    """Each is handed out once, when it is old enough."""
    made, log = expiry(10, 20, 30, max_age=100)

    assert made.next_due == 110
    assert made.pop(109) == 0
    assert [made.pop(125), made.pop(125), made.pop(125)] == [1, 2, 0]
    log.remove([1, 2])
    assert made.next_due == 130


def test_the_empty_stream_has_nothing_due() -> None:
    """An age without messages is no reason to wake."""
    made, _ = expiry(max_age=100)

    assert made.next_due is None


def test_some_messages_never_end_by_age() -> None:
    """`never` beats the age, until the configuration is judged again; damaged messages go."""
    made, log = expiry(10, 20, 30, max_age=100, never=frozenset({1, 3}))
    log.damaged.add(3)

    assert [made.pop(500), made.pop(500), made.pop(500)] == [2, 3, 0]
    made.set(100, has_ttls=False)
    assert made.pop(500) == 1


def test_messages_end_by_their_ttl() -> None:
    """The earliest end comes first; those that went meanwhile are passed by."""
    made, log = expiry(1, 1, 1, max_age=0)
    made.add(1, 1, 9)
    made.add(2, 1, 3)
    made.add(3, 1, 5)
    made.add(3, 1, -1)
    log.remove([3])

    assert made.next_due == 3 * SECOND + 1
    assert [made.pop(20 * SECOND), made.pop(20 * SECOND), made.pop(20 * SECOND)] == [2, 1, 0]


def test_the_earlier_of_age_and_ttl_is_due() -> None:
    """Both limits hold."""
    made, _ = expiry(1, max_age=4 * SECOND)
    made.add(1, 1, 2)

    assert made.next_due == 2 * SECOND + 1


def test_removed_messages_do_not_pile_up() -> None:
    """Entries of messages that are gone are dropped before they are due."""
    log = HeldLog()
    made = Expiry(log)
    for sequence in range(1, 1001):
        log.append(b"s", b"", b"", 0, [sequence - 1])
        made.add(sequence, 0, 3600)

    assert len(made) < 100


def test_messages_that_were_taken_back_do_not_end() -> None:
    """Their sequences may be used again."""
    made, _ = expiry(1, 1)
    made.add(1, 0, 5)
    made.add(2, 0, 1)
    made.drop(2)

    assert made.pop(9 * SECOND) == 1
    assert made.pop(9 * SECOND) == 0
