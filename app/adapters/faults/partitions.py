"""Partitions: links between servers or hosts that carry nothing, or carry one way only."""

from collections.abc import Callable, Sequence
from itertools import permutations
from typing import Protocol

from .rule_book import RuleBook
from .rule_group import RuleGroup


class FaultyNode(Protocol):
    """What partitions need of a server, or of a host of a simulated network."""

    @property
    def faults(self) -> RuleBook:
        """Its rules."""
        ...

    @property
    def is_running(self) -> bool:
        """Whether it has a name and an id."""
        ...

    @property
    def name(self) -> str:
        """What is shown."""
        ...

    @property
    def server_id(self) -> str:
        """What its peers know it by, which may be another after each start."""
        ...


class Partitions:
    """Partitions, and links that carry one way, between servers by their numbers from 0 on."""

    def __init__(self, nodes: Callable[[], Sequence[FaultyNode]]) -> None:
        self._nodes = nodes

    def partition(self, *groups: Sequence[int]) -> RuleGroup:
        """End all routes between servers of different groups, and let none come up, until `heal`.

        A server in no group keeps its routes. Raises `ValueError` for less than two groups, an empty
        one, a server that is in two of them, or one that there is not.
        """
        members = [number for group in groups for number in set(group)]
        if len(groups) < 2 or not all(groups) or len(set(members)) < len(members):
            raise ValueError(
                "a partition has at least two groups, none is empty, and each server is in one group at most"
            )
        pairs = [
            (self._node(number), self._node(other))
            for group, apart in permutations(groups, 2)
            for number in dict.fromkeys(group)
            for other in dict.fromkeys(apart)
        ]
        words = ", ".join(str(list(group)) for group in groups)
        return RuleGroup(
            [one.faults.block(_id_of(other), _name(other)) for one, other in pairs], f"partition({words})"
        )

    def one_way(self, sender: int, receiver: int) -> RuleGroup:
        """Lose what one server sends to another, until `heal`; the other way works.

        Raises `ValueError` for a server that there is not, and for one alone.
        """
        one, other = self._node(sender), self._node(receiver)
        if one is other:
            raise ValueError("a server has no link to itself")
        return RuleGroup([one.faults.mute(_id_of(other), _name(other))], f"one_way({sender}, {receiver})")

    def heal(self) -> None:
        """End partitions and one-way links."""
        for node in self._nodes():
            node.faults.heal()

    def _node(self, number: int) -> FaultyNode:
        nodes = self._nodes()
        if not 0 <= number < len(nodes):
            raise ValueError(f"there is no server {number}: the cluster has {len(nodes)}")
        return nodes[number]


def _id_of(node: FaultyNode) -> Callable[[], str]:
    """Its present id: each start makes another one."""
    return lambda: node.server_id if node.is_running else ""


def _name(node: FaultyNode) -> str:
    return node.name if node.is_running else ""
