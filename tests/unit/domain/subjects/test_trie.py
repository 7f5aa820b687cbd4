"""Unit tests of the subscription trie (subjects-and-routing.md, sections 2, 3 and 8)."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.protocol.errors import InvalidSubject
from app.domain.subjects.trie import NODES_PER_STEP, Node, SubscriptionTrie, UnknownSubscription
from tests.support.index_model import Answer, IndexModel, ModelListener, listeners, subjects

Members = set[ModelListener]
"""What the tests keep as a queue group of one pattern."""

NOBODY: Answer = (frozenset(), {})


class Trie(SubscriptionTrie[ModelListener, Members]):
    """A trie as the index uses it, and what tests ask of it besides."""

    def add(self, listener: ModelListener) -> None:
        """Insert a plain listener, or a member of a queue group."""
        if listener.queue is None:
            self.insert(listener)
            return
        node = self.reach(listener.subject)
        node.groups = node.groups or {}
        node.groups.setdefault(listener.queue, set()).add(listener)

    def drop(self, listener: ModelListener) -> None:
        """Take it out."""
        if listener.queue is None:
            self.remove(listener)
            return
        path = self.path_to(listener.subject)
        assert path is not None
        groups = path[0].groups
        assert groups is not None
        groups[listener.queue].remove(listener)
        if not groups[listener.queue]:
            del groups[listener.queue]
        if not groups:
            path[0].groups = None
            self.cut(path)

    def subscribe(self, subject: bytes, queue: bytes | None = None) -> ModelListener:
        """Add someone new."""
        listener = ModelListener(subject, queue)
        self.add(listener)
        return listener

    def plain(self, subject: bytes) -> tuple[ModelListener, ...]:
        """Those that all get a message, in order."""
        return tuple(one for node in self.match(subject).ends for one in node.plain_subscriptions())

    def answer(self, subject: bytes) -> Answer:
        """The same without their order, and the queue groups."""
        plain, groups = self.plain(subject), dict[bytes | None, frozenset[ModelListener]]()
        assert len(plain) == len(set(plain)), "a plain listener twice"
        for node in self.match(subject).ends:
            for queue, members in (node.groups or {}).items():
                groups[queue] = groups.get(queue, frozenset()) | members
        return frozenset(plain), groups

    def levels(self) -> list[list[Node[ModelListener, Members]]]:
        """The nodes, level by level; none is of no use."""
        levels: list[list[Node[ModelListener, Members]]] = []
        level = [self._root]
        while level := [child for node in level for child in (node.children or {}).values()]:
            assert all(node.children != {} and node.groups != {} for node in level)
            levels.append(level)
        return levels

    def depth(self) -> int:
        """Levels of nodes below the root; 0 when the trie is empty."""
        return len(self.levels())


@pytest.fixture(name="trie")
def _trie() -> Trie:
    """An empty trie."""
    return Trie()


def test_an_empty_trie(trie: Trie) -> None:
    """Nobody listens, and no level stands."""
    assert NOBODY == trie.answer(b"foo")
    assert 0 == trie.depth()


def test_every_subscriber_of_a_subject(trie: Trie) -> None:
    """One, two or three on one subject are all found, in the order they came."""
    expected = tuple(trie.subscribe(b"foo.bar") for _ in range(3))

    assert expected == trie.plain(b"foo.bar")
    assert NOBODY == trie.answer(b"foo")
    assert NOBODY == trie.answer(b"foo.bar.baz")


def test_subscribers_leave_in_any_order(trie: Trie) -> None:
    """Those who stay keep getting messages, down to the last."""
    first, second, third = (trie.subscribe(b"foo") for _ in range(3))

    trie.remove(second)
    assert (first, third) == trie.plain(b"foo")
    trie.remove(first)
    assert (third,) == trie.plain(b"foo")
    trie.remove(third)
    assert NOBODY == trie.answer(b"foo")


def test_wildcards_come_before_literals(trie: Trie) -> None:
    """Within a result ``>`` stands before ``*`` and this before text (section 3)."""
    literal = trie.subscribe(b"foo.bar")
    one = trie.subscribe(b"foo.*")
    rest = trie.subscribe(b"foo.>")

    assert (rest, one, literal) == trie.plain(b"foo.bar")


@pytest.mark.parametrize(
    "subject", [b"", b".", b".foo", b"foo.", b"foo..bar", b"foo.bar..baz", b"foo.>.bar", b"foo.>."]
)
def test_a_malformed_subject_is_refused(trie: Trie, subject: bytes) -> None:
    """Insert and remove refuse it and leave the trie as it was (section 8)."""
    stays = trie.subscribe(b"foo.bar")

    with pytest.raises(InvalidSubject):
        trie.insert(ModelListener(subject))
    with pytest.raises(InvalidSubject):
        trie.remove(ModelListener(subject))

    assert (stays,) == trie.plain(b"foo.bar")
    assert 2 == trie.depth()


@pytest.mark.parametrize(
    "unknown",
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
    ids=lambda unknown: f"{unknown.subject.decode()} {unknown.queue}",
)
def test_an_unknown_one_is_not_removed(trie: Trie, unknown: ModelListener) -> None:
    """Only the very subscription that was inserted can be removed; an equal one is unknown."""
    for subject in (b"lone", b"pair", b"pair", b"deep.er.still"):
        trie.subscribe(subject)
    trie.subscribe(b"group", b"q")

    with pytest.raises(UnknownSubscription):
        trie.remove(unknown)

    assert 3 == trie.depth()
    assert 2 == len(trie.plain(b"pair"))


def test_a_subscription_is_removed_once(trie: Trie) -> None:
    """The second time it is unknown."""
    listener = trie.subscribe(b"foo")
    trie.remove(listener)

    with pytest.raises(UnknownSubscription):
        trie.remove(listener)


@pytest.mark.parametrize("subject", [b"a.b.c.d.e.f", b"a.*.c.*.e.>", b"*.*.*.*.*.*"])
def test_depth(trie: Trie, subject: bytes) -> None:
    """A token is a level, wildcard or not, and levels go when nobody needs them (section 8)."""
    listener = trie.subscribe(subject)

    assert 6 == trie.depth()
    trie.remove(listener)
    assert 0 == trie.depth()


def test_only_unused_levels_are_cut_off(trie: Trie) -> None:
    """Cutting stops at a node that somebody else needs, for itself or as a way."""
    short = trie.subscribe(b"a.b")
    long = trie.subscribe(b"a.b.c.d")
    aside = trie.subscribe(b"a.b.x")

    trie.remove(long)
    assert 3 == trie.depth()
    trie.remove(aside)
    assert 2 == trie.depth()
    assert (short,) == trie.plain(b"a.b")


def test_a_path_stays_when_its_end_leaves(trie: Trie) -> None:
    """Removing a subscription in the middle of a path keeps those on deeper levels."""
    middle = trie.subscribe(b"a.b")
    below = trie.subscribe(b"a.b.c")

    trie.remove(middle)

    assert (below,) == trie.plain(b"a.b.c")
    assert 3 == trie.depth()


def test_a_queue_group_gathers_across_patterns(trie: Trie) -> None:
    """Members of one name are one group, by whichever pattern they listen (section 3)."""
    members = {trie.subscribe(subject, b"q") for subject in (b"foo", b"*", b">", b"foo")}
    trie.subscribe(b"bar", b"q")

    assert (frozenset(), {b"q": frozenset(members)}) == trie.answer(b"foo")


def test_a_group_ends_with_its_last_member(trie: Trie) -> None:
    """A group without members is none, and does not keep a level standing."""
    first, second = trie.subscribe(b"foo", b"q"), trie.subscribe(b"foo", b"q")
    other = trie.subscribe(b"foo", b"r")

    trie.drop(first)
    assert {b"q": {second}, b"r": {other}} == trie.answer(b"foo")[1]
    trie.drop(second)
    assert {b"r": {other}} == trie.answer(b"foo")[1]
    trie.drop(other)
    assert NOBODY == trie.answer(b"foo")
    assert 0 == trie.depth()


@pytest.mark.parametrize("others", [b"foo", b"foo.bar.baz"])
def test_a_node_that_holds_something_is_not_cut_off(trie: Trie, others: bytes) -> None:
    """Nothing happens to one with a plain subscription, or with others below it."""
    stays = trie.subscribe(others)
    path = trie.path_to(b"foo")

    assert path is not None
    trie.cut(path)

    assert (stays,) == trie.plain(others)


def test_ways(trie: Trie) -> None:
    """There is one to each node, and to no other; a malformed pattern has none."""
    trie.subscribe(b"foo.bar")

    assert None is not trie.path_to(b"foo")
    assert [None, None] == [trie.path_to(b"bar"), trie.path_to(b"foo.bar.baz")]
    with pytest.raises(InvalidSubject):
        trie.path_to(b"foo..bar")


def test_a_search_takes_several_steps(trie: Trie) -> None:
    """One step visits a number of nodes; the search goes on where it stopped, and finds all."""
    patterns = list(itertools.product((b"a", b"*"), repeat=11))
    crowd = {trie.subscribe(b".".join(pattern)) for pattern in patterns}
    search, steps = trie.search(b".".join([b"a"] * 11)), 1

    while (match := search.go_on()) is None:
        steps += 1

    assert crowd == {one for node in match.ends for one in node.plain_subscriptions()}
    assert (11, True) == (match.decisive, steps >= len(patterns) // NODES_PER_STEP // 2)


@pytest.mark.parametrize("subject", [b"", b".", b"foo.", b".foo", b"foo..bar"])
def test_empty_tokens_reach_nobody(trie: Trie, subject: bytes) -> None:
    """A published subject with an empty token is covered by no wildcard (section 2)."""
    for pattern in (b">", b"*", b"*.*", b"foo.*", b"foo.>", b"*.*.*", b"foo.*.bar"):
        trie.subscribe(pattern)

    assert NOBODY == trie.answer(subject)


def test_published_wildcards_are_text(trie: Trie) -> None:
    """A published sign reaches wildcards that cover it, each once, and nobody else (section 2)."""
    trie.subscribe(b"foo.bar")
    one, rest = trie.subscribe(b"foo.*"), trie.subscribe(b"foo.>")

    assert (rest, one) == trie.plain(b"foo.*")
    assert (rest, one) == trie.plain(b"foo.>")


def test_a_subject_of_very_many_tokens(trie: Trie) -> None:
    """Depth is no danger: inserting, matching, measuring and removing do not recurse."""
    subject = b".".join([b"t"] * 50_000)
    listener = trie.subscribe(subject)
    everything = trie.subscribe(b">")

    assert (everything, listener) == trie.plain(subject)
    assert 50_000 == trie.depth()
    trie.remove(listener)
    assert 1 == trie.depth()


@given(st.lists(listeners(), max_size=30), st.lists(subjects(), max_size=10))
def test_a_match_is_what_a_search_of_all_finds(crowd: list[ModelListener], published: list[bytes]) -> None:
    """For any subscriptions, the trie answers like a list that is searched from end to end."""
    trie = Trie()
    slow = IndexModel()
    for listener in crowd:
        trie.add(listener)
        slow.listeners.append(listener)

    for subject in published:
        assert slow.match(subject) == trie.answer(subject)
    assert max((listener.subject.count(b".") + 1 for listener in crowd), default=0) == trie.depth()


@given(st.lists(st.one_of(listeners(), st.integers(0, 99)), max_size=40), subjects())
def test_coming_and_going(steps: list[ModelListener | int], subject: bytes) -> None:
    """After each who comes or leaves, in any order, the answer is right; at last nothing is left behind."""
    trie = Trie()
    slow = IndexModel()

    for step in steps:
        if isinstance(step, ModelListener):
            trie.add(step)
            slow.listeners.append(step)
        elif slow.listeners:
            trie.drop(slow.listeners.pop(step % len(slow.listeners)))
        assert slow.match(subject) == trie.answer(subject)
    for listener in slow.listeners:
        trie.drop(listener)
    assert 0 == trie.depth()


@given(st.lists(listeners(), max_size=8), subjects())
def test_a_lone_subscription_is_all_that_covers(found: list[ModelListener], subject: bytes) -> None:
    """If one is found so, a search finds that one alone, and all tokens decided."""
    trie = Trie()
    for listener in found:
        trie.add(listener)
    lone = trie.lone(subject)

    if lone is not None:
        match = trie.match(subject)
        assert (lone,) == trie.plain(subject)
        assert all(node.groups is None for node in match.ends)
        assert match.decisive == subject.count(b".") + 1


@given(st.lists(listeners(), max_size=8), subjects())
def test_a_bare_subject(found: list[ModelListener], subject: bytes) -> None:
    """What is said to be covered by nothing is; without wildcards it is said of all that is."""
    trie = Trie()
    for listener in found:
        trie.add(listener)
    is_covered = any(trie.answer(subject))
    has_wildcards = any(b"*" in each.subject or b">" in each.subject for each in found)

    assert not (is_covered and trie.is_bare(subject))
    assert is_covered or has_wildcards or trie.is_bare(subject)


def test_who_is_alone() -> None:
    """Not where patterns, another subscription or a queue group may cover the subject, too."""
    trie = Trie()
    alone = trie.subscribe(b"a.b")
    assert alone is trie.lone(b"a.b")
    assert [None] * 5 == [trie.lone(each) for each in (b"a", b"a.c", b"a.b.c", b"a.", b"x")]
    member = trie.subscribe(b"a.b", b"q")
    assert trie.lone(b"a.b") is None
    trie.drop(member)
    for other in (b"a.b", b"a.*", b"a.>", b">"):
        another = trie.subscribe(other)
        assert trie.lone(b"a.b") is None
        trie.drop(another)

    assert alone is trie.lone(b"a.b")
