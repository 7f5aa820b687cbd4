"""Which traffic a rule hits."""

from dataclasses import dataclass, field

import pytest

from app.adapters.faults.frames import FrameSplitter
from app.adapters.faults.rules import IN, OUT, Count, FaultKind, Rule, Selector, Tally


@dataclass
class FakePeer:
    """A client."""

    cid: int = 1
    is_route: bool = False
    name: str = "one"
    user: str = "bob"
    queues: dict[bytes, str] = field(default_factory=dict)

    def queue_of(self, sid: bytes) -> str:
        """The queue group of a subscription."""
        return self.queues.get(sid, "")


[PUB] = FrameSplitter().feed(b"PUB a.b 0\r\n\r\n")
[MSG] = FrameSplitter().feed(b"MSG a.b 7 0\r\n\r\n")
[PING] = FrameSplitter().feed(b"PING\r\n")


@pytest.mark.parametrize(
    ("selector", "hit"),
    [
        (Selector(), True),
        (Selector(subject="a.*", client="one", cid=1, user="bob"), True),
        (Selector(subject="b.*"), False),
        (Selector(client="two"), False),
        (Selector(cid=2), False),
        (Selector(user="alice"), False),
        (Selector(route="*"), False),
        (Selector(queue="q"), False),
        (Selector(direction=OUT), False),
        (Selector(direction="both"), True),
    ],
)
def test_a_selector_chooses(selector: Selector, *, hit: bool) -> None:
    """All that is given has to fit."""
    assert hit == selector.takes(FakePeer(), IN, PUB)


def test_lines_are_no_messages() -> None:
    """A rule for messages is not hit by other lines."""
    assert not Selector().takes(FakePeer(), IN, PING)


def test_routes_are_chosen_by_name() -> None:
    """A rule for clients concerns no route, and one for routes no client."""
    route = FakePeer(is_route=True, name="n1")

    assert [False, True, True, False] == [
        selector.takes(route, IN, MSG)
        for selector in (Selector(), Selector(route="*"), Selector(route="n1"), Selector(route="n2"))
    ]


def test_a_queue_group_is_chosen_at_delivery() -> None:
    """The subscription that a message is delivered to decides."""
    peer = FakePeer(queues={b"7": "q"})

    assert [True, False] == [
        Selector(queue=queue, direction=OUT).takes(peer, OUT, MSG) for queue in ("q", "other")
    ]


def make(count: Count) -> Rule:
    """A rule that counts like that."""
    return Rule(FaultKind.DROP, Selector(subject="a"), Tally(count), run=lambda work: work())


@pytest.mark.parametrize(
    ("count", "struck"),
    [
        (Count(), [True, True, True, True]),
        (Count(on=3), [False, False, True, False]),
        (Count(every=2), [False, True, False, True]),
        (Count(times=1), [True, False, False, False]),
        (Count(every=2, times=1), [False, True, False, False]),
        (Count(probability=0.0), [False, False, False, False]),
    ],
)
def test_a_count_chooses(count: Count, struck: list[bool]) -> None:
    """Each message that is chosen counts, hit or not."""
    rule = make(count)

    assert struck == [rule.strikes() for _ in range(4)]
    assert rule.hits == sum(struck)


def test_chance_is_repeatable() -> None:
    """The same seed gives the same hits."""
    rules = [make(Count(probability=0.5, seed=seed)) for seed in (1, 1, 2)]
    struck = [[rule.strikes() for _ in range(64)] for rule in rules]

    assert struck[0] == struck[1] != struck[2]


def test_rules_count_together() -> None:
    """Rules with one tally count what any of them chooses, and each its own hits."""
    tally = Tally(Count(every=2, times=2))
    one, other = (Rule(FaultKind.DROP, Selector(), tally, run=lambda work: work()) for _ in range(2))

    assert [False, True, False, True] == [rule.strikes() for rule in (one, other, one, other)]
    one.clear()
    assert [False, False] == [rule.strikes() for rule in (one, other)]
    assert [0, 2] == [one.hits, other.hits]


def test_it_ends_once() -> None:
    """A cleared rule hits nothing, and what it has changed is changed back once."""
    calls: list[str] = []
    with make(Count()) as rule:
        rule.on_clear = lambda: calls.append("cleared")
    rule.clear()

    assert (False, ["cleared"], "drop(subject='a'): 0 hits, cleared") == (rule.strikes(), calls, str(rule))
    with pytest.raises(AssertionError, match="no traffic was hit"):
        rule.must_hit()


@pytest.mark.parametrize("given", [{"on": -1}, {"every": -1}, {"times": -1}, {"probability": 1.1}])
def test_counts_that_make_no_sense(given: dict[str, int]) -> None:
    """Counts that no message can reach are refused."""
    with pytest.raises(ValueError, match="counts from 1 on"):
        Count(**given)
