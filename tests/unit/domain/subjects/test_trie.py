"""Unit tests of the subscription trie."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.protocol.errors import InvalidSubject
from app.domain.subjects.trie import Match, SubscriptionTrie, UnknownSubscription
from tests.support.index_model import IndexModel, ModelListener, answer_of, listeners, subjects


@pytest.fixture(name="trie")
def _trie() -> SubscriptionTrie[ModelListener]:
    """An empty trie."""
    return SubscriptionTrie()


def insert(
    trie: SubscriptionTrie[ModelListener], subject: bytes, queue: bytes | None = None
) -> ModelListener:
    """Subscribe someone new."""
    listener = ModelListener(subject, queue)
    trie.insert(listener)
    return listener


def is_nobody(match: Match[ModelListener]) -> bool:
    """Whether a match is empty."""
    return ((), ()) == (match.plain, match.groups)


def test_an_empty_trie(trie: SubscriptionTrie[ModelListener]) -> None:
    """Nobody listens, and no level stands."""
    assert is_nobody(trie.match(b"foo"))
    assert (0, 0) == (trie.count, trie.depth())


def test_every_subscriber_of_a_subject(trie: SubscriptionTrie[ModelListener]) -> None:
    """One, two or three on one subject are all found, in the order they came."""
    expected = tuple(insert(trie, b"foo.bar") for _ in range(3))

    assert expected == trie.match(b"foo.bar").plain
    assert is_nobody(trie.match(b"foo"))
    assert is_nobody(trie.match(b"foo.bar.baz"))


def test_subscribers_leave_in_any_order(trie: SubscriptionTrie[ModelListener]) -> None:
    """Those who stay keep getting messages, down to the last."""
    first, second, third = (insert(trie, b"foo") for _ in range(3))

    trie.remove(second)
    assert (first, third) == trie.match(b"foo").plain
    trie.remove(first)
    assert (third,) == trie.match(b"foo").plain
    trie.remove(third)
    assert is_nobody(trie.match(b"foo"))


def test_wildcards_come_before_literals(trie: SubscriptionTrie[ModelListener]) -> None:
    """Within a result ``>`` stands before ``*`` and this before text (section 3)."""
    literal = insert(trie, b"foo.bar")
    one = insert(trie, b"foo.*")
    rest = insert(trie, b"foo.>")

    assert (rest, one, literal) == trie.match(b"foo.bar").plain


@pytest.mark.parametrize(
    "subject", [b"", b".", b".foo", b"foo.", b"foo..bar", b"foo.bar..baz", b"foo.>.bar", b"foo.>."]
)
def test_a_malformed_subject_is_refused(trie: SubscriptionTrie[ModelListener], subject: bytes) -> None:
    """Insert and remove refuse it and leave the trie as it was (section 8)."""
    stays = insert(trie, b"foo.bar")

    with pytest.raises(InvalidSubject):
        trie.insert(ModelListener(subject))
    with pytest.raises(InvalidSubject):
        trie.remove(ModelListener(subject))

    assert (stays,) == trie.match(b"foo.bar").plain
    assert (1, 2) == (trie.count, trie.depth())


@pytest.mark.parametrize(
    "stranger",
    [
        ModelListener(b"nobody"),
        ModelListener(b"lone"),
        ModelListener(b"lone.deeper"),
        ModelListener(b"pair"),
        ModelListener(b"group"),
        ModelListener(b"lone", b"q"),
        ModelListener(b"group", b"r"),
        ModelListener(b"group", b"q"),
        ModelListener(b"deep.er"),
        ModelListener(b"deep"),
    ],
    ids=lambda stranger: f"{stranger.subject.decode()} {stranger.queue}",
)
def test_a_stranger_is_not_removed(trie: SubscriptionTrie[ModelListener], stranger: ModelListener) -> None:
    """Only the very subscription that was inserted can be removed; an equal one is unknown."""
    for subject in (b"lone", b"pair", b"pair", b"deep.er.still"):
        insert(trie, subject)
    insert(trie, b"group", b"q")

    with pytest.raises(UnknownSubscription):
        trie.remove(stranger)

    assert (5, 3) == (trie.count, trie.depth())
    assert 2 == len(trie.match(b"pair").plain)


def test_a_subscription_is_removed_once(trie: SubscriptionTrie[ModelListener]) -> None:
    """The second time it is unknown, and the count is right."""
    listener = insert(trie, b"foo")
    trie.remove(listener)

    with pytest.raises(UnknownSubscription):
        trie.remove(listener)
    assert 0 == trie.count


@pytest.mark.parametrize("subject", [b"a.b.c.d.e.f", b"a.*.c.*.e.>", b"*.*.*.*.*.*"])
def test_depth(trie: SubscriptionTrie[ModelListener], subject: bytes) -> None:
    """A token is a level, wildcard or not, and levels go when nobody needs them (section 8)."""
    listener = insert(trie, subject)

    assert 6 == trie.depth()
    trie.remove(listener)
    assert 0 == trie.depth()


def test_only_unused_levels_are_cut_off(trie: SubscriptionTrie[ModelListener]) -> None:
    """Cutting stops at a node that somebody else needs, for itself or as a way."""
    short = insert(trie, b"a.b")
    long = insert(trie, b"a.b.c.d")
    aside = insert(trie, b"a.b.x")

    trie.remove(long)
    assert 3 == trie.depth()
    trie.remove(aside)
    assert 2 == trie.depth()
    assert (short,) == trie.match(b"a.b").plain


def test_a_way_stays_when_its_end_leaves(trie: SubscriptionTrie[ModelListener]) -> None:
    """Removing a subscription in the middle keeps those behind it."""
    middle = insert(trie, b"a.b")
    behind = insert(trie, b"a.b.c")

    trie.remove(middle)

    assert (behind,) == trie.match(b"a.b.c").plain
    assert 3 == trie.depth()


def test_a_queue_group_gathers_across_patterns(trie: SubscriptionTrie[ModelListener]) -> None:
    """Members of one name are one group, by whichever pattern they listen (section 3)."""
    members = {insert(trie, subject, b"q") for subject in (b"foo", b"*", b">", b"foo")}
    insert(trie, b"bar", b"q")

    match = trie.match(b"foo")

    assert 1 == len(match.groups)
    assert (members, 4) == (set(match.groups[0]), len(match.groups[0]))


def test_fanout_counts_groups(trie: SubscriptionTrie[ModelListener]) -> None:
    """A message goes to each plain subscription and once to each group."""
    insert(trie, b"foo")
    insert(trie, b"*")
    for queue in (b"q", b"q", b"r"):
        insert(trie, b"foo", queue)

    assert 4 == trie.match(b"foo").fanout


def test_a_group_ends_with_its_last_member(trie: SubscriptionTrie[ModelListener]) -> None:
    """A group without members is none, and does not keep a level standing."""
    first, second, other = insert(trie, b"foo", b"q"), insert(trie, b"foo", b"q"), insert(trie, b"foo", b"r")

    trie.remove(first)
    assert ((second,), (other,)) == trie.match(b"foo").groups
    trie.remove(second)
    assert ((other,),) == trie.match(b"foo").groups
    trie.remove(other)
    assert is_nobody(trie.match(b"foo"))
    assert 0 == trie.depth()


@pytest.mark.parametrize("subject", [b"", b".", b"foo.", b".foo", b"foo..bar"])
def test_empty_tokens_reach_nobody(trie: SubscriptionTrie[ModelListener], subject: bytes) -> None:
    """A published subject with an empty token is covered by no wildcard (section 2)."""
    for pattern in (b">", b"*", b"*.*", b"foo.*", b"foo.>", b"*.*.*", b"foo.*.bar"):
        insert(trie, pattern)

    assert is_nobody(trie.match(subject))


def test_published_wildcards_are_text(trie: SubscriptionTrie[ModelListener]) -> None:
    """A published sign reaches wildcards that cover it, each once, and nobody else (section 2)."""
    insert(trie, b"foo.bar")
    one, rest = insert(trie, b"foo.*"), insert(trie, b"foo.>")

    assert (rest, one) == trie.match(b"foo.*").plain
    assert (rest, one) == trie.match(b"foo.>").plain


def test_a_subject_of_very_many_tokens(trie: SubscriptionTrie[ModelListener]) -> None:
    """Depth is no danger: inserting, matching, measuring and removing do not recurse."""
    subject = b".".join([b"t"] * 50_000)
    listener = insert(trie, subject)
    everything = insert(trie, b">")

    assert (everything, listener) == trie.match(subject).plain
    assert 50_000 == trie.depth()
    trie.remove(listener)
    assert 1 == trie.depth()


@given(st.lists(listeners(), max_size=30), st.lists(subjects(), max_size=10))
def test_a_match_is_what_a_search_of_all_finds(crowd: list[ModelListener], published: list[bytes]) -> None:
    """Whoever listens to whatever, the trie answers like a list that is searched from end to end."""
    trie: SubscriptionTrie[ModelListener] = SubscriptionTrie()
    slow = IndexModel()
    for listener in crowd:
        trie.insert(listener)
        slow.listeners.append(listener)

    for subject in published:
        assert slow.match(subject) == answer_of(trie.match(subject))
    assert len(crowd) == trie.count
    assert max((listener.subject.count(b".") + 1 for listener in crowd), default=0) == trie.depth()


@given(st.lists(st.one_of(listeners(), st.integers(0, 99)), max_size=40), subjects())
def test_coming_and_going(steps: list[ModelListener | int], subject: bytes) -> None:
    """After each who comes or leaves, in any order, the answer is right; at last nothing is left behind."""
    trie: SubscriptionTrie[ModelListener] = SubscriptionTrie()
    slow = IndexModel()

    for step in steps:
        if isinstance(step, ModelListener):
            trie.insert(step)
            slow.listeners.append(step)
        elif slow.listeners:
            trie.remove(slow.listeners.pop(step % len(slow.listeners)))
        assert slow.match(subject) == answer_of(trie.match(subject))
    for listener in slow.listeners:
        trie.remove(listener)
    assert (0, 0) == (trie.count, trie.depth())
