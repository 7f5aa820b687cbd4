"""Unit tests of the subscription index, its cache and its figures (subjects-and-routing.md, section 4)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.changes import REMEMBERED
from app.domain.errors import InvalidSubject
from app.domain.index import CACHE_LIMIT, IndexStats, SubscriptionIndex
from app.domain.trie import UnknownSubscription
from tests.fakes.slow_index import Listener, SlowIndex, answer_of, listeners, subjects


@pytest.fixture(name="index")
def _index() -> SubscriptionIndex[Listener]:
    """An empty index."""
    return SubscriptionIndex()


def insert(index: SubscriptionIndex[Listener], subject: bytes, queue: bytes | None = None) -> Listener:
    """Subscribe someone new."""
    listener = Listener(subject, queue)
    index.insert(listener)
    return listener


def test_an_unused_index_counts_nothing(index: SubscriptionIndex[Listener]) -> None:
    """All figures are zero, the rates too."""
    assert IndexStats(0, 0, 0, 0, 0, 0.0, 0, 0.0) == index.stats()
    assert 0 == len(index)


def test_the_worked_sequence(index: SubscriptionIndex[Listener]) -> None:
    """The figures of section 4, step by step."""
    index.match(b"foo")  # connection A publishes; its further nine times it asks nobody
    index.match(b"foo")  # connection B
    assert IndexStats(0, 1, 0, 0, 2, 0.5, 0, 0.0) == index.stats()

    first = insert(index, b"foo")
    for queue in (b"q", b"q", b"r"):
        insert(index, b"foo", queue)
    insert(index, b"bar")
    assert IndexStats(5, 1, 5, 0, 2, 0.5, 3, 3.0) == index.stats()

    index.match(b"foo")
    assert IndexStats(5, 1, 5, 0, 3, 2 / 3, 3, 3.0) == index.stats()

    index.match(b"nope")
    assert IndexStats(5, 2, 5, 0, 4, 0.5, 3, 1.5) == index.stats()

    index.remove(first)
    assert IndexStats(4, 1, 5, 1, 4, 0.5, 0, 0.0) == index.stats()

    for number in range(3000):
        index.match(b"many.%d" % number)
    assert IndexStats(4, CACHE_LIMIT, 5, 1, 3004, 2 / 3004, 0, 0.0) == index.stats()


def test_hits_of_a_cache_in_front_count(index: SubscriptionIndex[Listener]) -> None:
    """Look-ups answered elsewhere are matches, and hits."""
    index.match(b"foo")

    stats = index.stats(hits_elsewhere=3)

    assert (4, 0.75) == (stats.num_matches, stats.cache_hit_rate)


def test_hits_elsewhere_alone(index: SubscriptionIndex[Listener]) -> None:
    """A rate needs no look-up of our own."""
    stats = index.stats(hits_elsewhere=2)

    assert (2, 1.0) == (stats.num_matches, stats.cache_hit_rate)


@pytest.mark.parametrize("subject", [b"foo.", b".foo", b"foo..bar", b"foo.>.bar"])
def test_a_refusal_counts_nothing(index: SubscriptionIndex[Listener], subject: bytes) -> None:
    """Neither a malformed subject nor an unknown subscription moves a counter."""
    with pytest.raises(InvalidSubject):
        index.insert(Listener(subject))
    with pytest.raises(InvalidSubject):
        index.remove(Listener(subject))
    with pytest.raises(UnknownSubscription):
        index.remove(Listener(b"foo"))

    assert (0, 0, 0) == (index.stats().num_inserts, index.stats().num_removes, len(index))


def test_an_answer_is_remembered(index: SubscriptionIndex[Listener]) -> None:
    """As long as nothing changes, the very same answer comes back."""
    insert(index, b"foo")

    assert index.match(b"foo") is index.match(b"foo")


@pytest.mark.parametrize("pattern", [b"other", b"other.*", b"foo.*"])
def test_a_change_elsewhere_keeps_the_answer(index: SubscriptionIndex[Listener], pattern: bytes) -> None:
    """Subscriptions that do not cover the subject come and go unnoticed."""
    match = index.match(b"foo")

    index.remove(insert(index, pattern))

    assert match is index.match(b"foo")


@pytest.mark.parametrize("pattern", [b"foo", b"*", b">"])
def test_a_subscription_keeps_what_it_touches_in_the_cache(
    index: SubscriptionIndex[Listener], pattern: bytes
) -> None:
    """The next look-up is a hit, names the newcomer, and the fan-out is up to date before it."""
    index.match(b"foo")
    newcomer = insert(index, pattern)

    assert (1, 1, 1.0) == (index.stats().num_cache, index.stats().max_fanout, index.stats().avg_fanout)
    assert (newcomer,) == index.match(b"foo").plain
    assert 0.5 == index.stats().cache_hit_rate


@pytest.mark.parametrize("pattern", [b"foo", b"*", b">"])
def test_a_removal_takes_what_it_touches_out_of_the_cache(
    index: SubscriptionIndex[Listener], pattern: bytes
) -> None:
    """The next look-up is a miss and does not name who left."""
    leaver = insert(index, pattern)
    index.match(b"foo")
    index.remove(leaver)

    assert 0 == index.stats().num_cache
    assert () == index.match(b"foo").plain
    assert 0.0 == index.stats().cache_hit_rate


def test_a_removal_is_noticed_by_the_look_up_itself(index: SubscriptionIndex[Listener]) -> None:
    """Nobody has to ask for figures in between."""
    leaver = insert(index, b"*")
    index.match(b"foo")
    index.remove(leaver)

    assert () == index.match(b"foo").plain
    assert (1, 0.0) == (index.stats().num_cache, index.stats().cache_hit_rate)


def test_a_literal_and_a_wildcard_newcomer(index: SubscriptionIndex[Listener]) -> None:
    """Changes of both kinds between two look-ups are both seen."""
    index.match(b"foo")
    literal, wildcard = insert(index, b"foo"), insert(index, b"*")

    assert (wildcard, literal) == index.match(b"foo").plain


def test_more_changes_than_are_remembered(index: SubscriptionIndex[Listener]) -> None:
    """An answer from before the ring of changes is found anew."""
    index.match(b"foo")
    newcomer = insert(index, b"*")
    for _ in range(REMEMBERED):
        index.remove(insert(index, b"other.*"))

    assert (newcomer,) == index.match(b"foo").plain


def test_what_is_asked_for_often_is_not_forgotten(index: SubscriptionIndex[Listener]) -> None:
    """An answer that was checked lately outlives any number of changes that do not touch it."""
    match = index.match(b"foo")

    for _ in range(REMEMBERED):
        index.remove(insert(index, b"other.*"))
        assert match is index.match(b"foo")


def test_the_cache_is_bounded(index: SubscriptionIndex[Listener]) -> None:
    """After twice as many subjects it holds no more than its limit, and still answers all (section 8)."""
    listener = insert(index, b"s.*")

    for number in range(2 * CACHE_LIMIT):
        assert (listener,) == index.match(b"s.%d" % number).plain
    assert 1024 == CACHE_LIMIT == index.stats().num_cache


def test_room_is_made_only_for_newcomers(index: SubscriptionIndex[Listener]) -> None:
    """Looking up what a full cache holds drops nothing."""
    for number in range(CACHE_LIMIT):
        index.match(b"s.%d" % number)
    for number in range(CACHE_LIMIT):
        index.match(b"s.%d" % number)

    assert (CACHE_LIMIT, 0.5) == (index.stats().num_cache, index.stats().cache_hit_rate)


def test_room_is_not_made_for_an_answer_found_anew(index: SubscriptionIndex[Listener]) -> None:
    """In a full cache a stale answer gives its own place to the new one."""
    leaver = insert(index, b"*.7")
    for number in range(CACHE_LIMIT):
        index.match(b"s.%d" % number)
    index.remove(leaver)

    assert () == index.match(b"s.7").plain
    assert CACHE_LIMIT == index.stats().num_cache


STEPS = st.one_of(
    st.tuples(st.just("insert"), listeners()),
    st.tuples(st.just("remove"), st.integers(0, 99)),
    st.tuples(st.just("match"), subjects()),
    st.tuples(st.just("churn"), listeners()),
    st.tuples(st.just("stats"), st.none()),
)


@given(st.lists(subjects(), min_size=1, max_size=6, unique=True), st.lists(STEPS, max_size=40))
def test_remembered_answers_equal_fresh_ones(watched: list[bytes], steps: list[tuple[str, object]]) -> None:
    """After any sequence of changes the cache says what a search of all subscriptions finds."""
    index: SubscriptionIndex[Listener] = SubscriptionIndex()
    slow = SlowIndex()

    for kind, detail in steps:
        _take(kind, detail, index, slow)
        for subject in watched:
            assert slow.match(subject) == answer_of(index.match(subject))
    assert len(slow.listeners) == len(index) == index.stats().num_subscriptions


@given(st.lists(STEPS, max_size=60))
def test_rarely_asked_answers_are_right_too(steps: list[tuple[str, object]]) -> None:
    """However many changes pass between two look-ups, the second is right, and so are the figures."""
    index: SubscriptionIndex[Listener] = SubscriptionIndex()
    slow = SlowIndex()

    for kind, detail in steps:
        _take(kind, detail, index, slow)
    asked = sum(kind == "match" for kind, _ in steps)
    stats = index.stats()
    assert (len(slow.listeners), asked) == (stats.num_inserts - stats.num_removes, stats.num_matches)
    assert stats.num_cache <= asked
    assert stats.avg_fanout <= stats.max_fanout <= len(slow.listeners)


def _take(kind: str, detail: object, index: SubscriptionIndex[Listener], slow: SlowIndex) -> None:
    """Do one step to both; a match is compared at once."""
    if kind == "insert" and isinstance(detail, Listener):
        index.insert(detail)
        slow.listeners.append(detail)
    elif kind == "remove" and isinstance(detail, int) and slow.listeners:
        index.remove(slow.listeners.pop(detail % len(slow.listeners)))
    elif kind == "match" and isinstance(detail, bytes):
        assert slow.match(detail) == answer_of(index.match(detail))
    elif kind == "churn" and isinstance(detail, Listener):
        for _ in range(REMEMBERED // 2):
            index.insert(detail)
            index.remove(detail)
    elif kind == "stats":
        index.stats()
