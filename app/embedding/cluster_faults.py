"""Faults between the servers of a cluster."""

from collections.abc import Callable, Sequence
from functools import partial

from .server import Server


class ClusterFaults:
    """Partitions, and links that carry one way, between servers by their numbers from 0 on."""

    def __init__(self, servers: Callable[[], Sequence[Server]]) -> None:
        self._servers = servers

    def partition(self, *groups: Sequence[int]) -> None:
        """End all routes between servers of different groups, and let none come up, until `heal`.

        Raises `ValueError` for less than two groups, or a server in two of them.
        """
        members = [number for group in groups for number in group]
        if len(groups) < 2 or len(set(members)) < len(members):
            raise ValueError("a partition has two groups at least, and a server is in one of them")
        for group in groups:
            for number in group:
                for other in set(members) - set(group):
                    self._do(number, partial(self._block, other))

    def one_way(self, sender: int, receiver: int) -> None:
        """Lose what one server sends to another, until `heal`; the other way works."""
        self._do(sender, lambda server: server.faults.mute(self._id(receiver)))

    def heal(self) -> None:
        """End partitions and one-way links; routes come back."""
        for number in range(len(self._servers())):
            self._do(number, lambda server: server.faults.heal())

    def _block(self, other: int, server: Server) -> None:
        server.faults.block(self._id(other))

    def _do(self, number: int, work: Callable[[Server], None]) -> None:
        server = self._server(number)
        server.faults.run(lambda: work(server))

    def _server(self, number: int) -> Server:
        servers = self._servers()
        if not 0 <= number < len(servers):
            raise ValueError(f"there is no server {number}: the cluster has {len(servers)}")
        return servers[number]

    def _id(self, number: int) -> str:
        return self._server(number).server_id
