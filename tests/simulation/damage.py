"""What the faults touched since the last quiet period."""

import math
from itertools import pairwise

from tests.simulation.host import Host


class Damage:
    """First touches, by machine and by pair of machines; times in virtual seconds.

    A path that nothing touched must carry every message exactly once, whatever happens
    to its neighbours.
    """

    def __init__(self) -> None:
        self._hosts: dict[Host, float] = {}
        self._pairs: dict[tuple[Host, Host], float] = {}
        self._frozen: dict[Host, float] = {}
        """Machines that only stand still, and since when."""

    def touch(self, host: Host, now: float) -> None:
        """A machine lost, or may lose, what it knows or owes."""
        self._hosts.setdefault(host, now)
        self._frozen.pop(host, None)

    def freeze(self, host: Host, now: float) -> None:
        """A machine stands still."""
        untouched = host not in self._hosts
        self.touch(host, now)
        if untouched:
            self._frozen[host] = now

    def thaw(self, host: Host) -> None:
        """It moves again."""
        self._frozen.pop(host, None)

    def frozen_since(self, host: Host) -> float:
        """When a machine came to a stand to which nothing else has happened; or never."""
        return self._frozen.get(host, math.inf)

    def touch_pair(self, one: Host, other: Host, now: float) -> None:
        """The links between two machines lost, or may lose, something."""
        self._pairs.setdefault((one, other), now)
        self._pairs.setdefault((other, one), now)

    def since(self, *path: Host) -> float:
        """When the first fault touched a machine on the path or a way between neighbours; or never."""
        first = math.inf
        if self._hosts:
            for host in path:
                first = min(first, self._hosts.get(host, math.inf))
        if self._pairs:
            for one, other in pairwise(path):
                first = min(first, self._pairs.get((one, other), math.inf))
        return first

    def since_pair(self, one: Host, other: Host) -> float:
        """When the first fault touched the ways between two machines; or never."""
        return self._pairs.get((one, other), math.inf)

    def mend(self) -> None:
        """All is as if nothing had been."""
        self._hosts.clear()
        self._pairs.clear()
        self._frozen.clear()
