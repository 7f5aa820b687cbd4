"""Faults between the servers of a cluster."""

from collections.abc import Callable, Sequence
from itertools import permutations
from typing import Self

from ..adapters.faults.rules import Rule
from .server import Server


class ClusterRule:
    """A partition, or a link that carries one way; as a context manager, until its block ends."""

    def __init__(self, rules: Sequence[Rule], words: str) -> None:
        self._rules = rules
        self._words = words

    @property
    def hits(self) -> int:
        """Routes that a partition has ended, each at both ends, or what was lost on a one-way link."""
        return sum(rule.hits for rule in self._rules)

    @property
    def is_active(self) -> bool:
        """Whether it has not been cleared or healed."""
        return any(rule.is_active for rule in self._rules)

    def clear(self) -> None:
        """End it; routes come back. Without effect when it is over."""
        for rule in self._rules:
            rule.clear()

    def must_hit(self) -> None:
        """Raise `AssertionError` if it has done nothing."""
        if not self.hits:
            raise AssertionError(f"no traffic was hit by {self}")

    def __str__(self) -> str:
        return f"{self._words}: {self.hits} hits{'' if self.is_active else ', cleared'}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.clear()


class ClusterFaults:
    """Partitions, and links that carry one way, between servers by their numbers from 0 on."""

    def __init__(self, servers: Callable[[], Sequence[Server]]) -> None:
        self._servers = servers

    def partition(self, *groups: Sequence[int]) -> ClusterRule:
        """End all routes between servers of different groups, and let none come up, until `heal`.

        A server in no group keeps its routes. Raises `ValueError` for less than two groups, an empty
        one, a server that is in two of them, or one that there is not.
        """
        members = [number for group in groups for number in set(group)]
        if len(groups) < 2 or not all(groups) or len(set(members)) < len(members):
            raise ValueError(
                "a partition has two groups at least, none is empty, and a server is in one of them"
            )
        pairs = [
            (self._server(number), self._server(other))
            for group, apart in permutations(groups, 2)
            for number in set(group)
            for other in set(apart)
        ]
        words = ", ".join(str(list(group)) for group in groups)
        return ClusterRule(
            [one.faults.block(_id_of(other), _name(other)) for one, other in pairs], f"partition({words})"
        )

    def one_way(self, sender: int, receiver: int) -> ClusterRule:
        """Lose what one server sends to another, until `heal`; the other way works.

        Raises `ValueError` for a server that there is not, and for one alone.
        """
        one, other = self._server(sender), self._server(receiver)
        if one is other:
            raise ValueError("a server has no link to itself")
        return ClusterRule([one.faults.mute(_id_of(other), _name(other))], f"one_way({sender}, {receiver})")

    def heal(self) -> None:
        """End partitions and one-way links; routes come back."""
        for server in self._servers():
            server.faults.heal()

    def _server(self, number: int) -> Server:
        servers = self._servers()
        if not 0 <= number < len(servers):
            raise ValueError(f"there is no server {number}: the cluster has {len(servers)}")
        return servers[number]


def _id_of(server: Server) -> Callable[[], str]:
    """Its present id: each start makes another one."""
    return lambda: server.server_id if server.is_running else ""


def _name(server: Server) -> str:
    return server.name if server.is_running else ""
