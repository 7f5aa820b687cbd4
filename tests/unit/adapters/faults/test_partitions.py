"""Who does not hear whom."""

from dataclasses import dataclass, field

import pytest

from app.adapters.faults.partitions import Partitions
from app.adapters.faults.rule_book import RuleBook
from app.adapters.faults.rules import FaultKind


@dataclass
class FakeNode:
    """A server."""

    name: str
    is_running: bool = True
    faults: RuleBook = field(default_factory=RuleBook)

    @property
    def server_id(self) -> str:
        """Its id."""
        return self.name.upper()


def lost(nodes: list[FakeNode]) -> set[str]:
    """Between whom nothing passes, as sender and receiver."""
    kinds = (FaultKind.PARTITION, FaultKind.ONE_WAY)
    return {
        one.name + other.name
        for one in nodes
        for other in nodes
        if one.faults.against(other.server_id, *kinds)
    }


def test_groups_are_parted_both_ways() -> None:
    """A server in no group is not; all comes back."""
    nodes = [FakeNode(name) for name in "abcd"]
    partitions = Partitions(lambda: nodes)
    rule = partitions.partition([0], [1, 2, 2])

    assert {"ab", "ba", "ac", "ca"} == lost(nodes)
    assert "partition([0], [1, 2, 2]): 0 hits" == str(rule)
    partitions.heal()
    assert (set(), False) == (lost(nodes), rule.is_active)


def test_one_way() -> None:
    """Only what one sends to the other is lost; a server that does not run has no id yet."""
    nodes = [FakeNode("a"), FakeNode("b", is_running=False)]
    partitions = Partitions(lambda: nodes)
    rule = partitions.one_way(0, 1)
    before = lost(nodes)
    nodes[1].is_running = True

    assert (set(), {"ab"}, "one_way(0, 1): 0 hits") == (before, lost(nodes), str(rule))


def test_what_makes_no_sense() -> None:
    """The error says why, and no rule is made."""
    nodes = [FakeNode("a"), FakeNode("b")]
    partitions = Partitions(lambda: nodes)
    for groups in ([[0]], [[0], [0, 1]], [[0], []]):
        with pytest.raises(ValueError, match="two groups"):
            partitions.partition(*groups)
    with pytest.raises(ValueError, match="no server 2: the cluster has 2"):
        partitions.partition([0], [2])
    with pytest.raises(ValueError, match="itself"):
        partitions.one_way(1, 1)

    assert [[], []] == [node.faults.rules for node in nodes]
