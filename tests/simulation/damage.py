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

    def touch(self, host: Host, now: float) -> None:
        """A machine lost, or may lose, what it knows or owes."""
        self._hosts.setdefault(host, now)

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

    def mend(self) -> None:
        """All is as if nothing had been."""
        self._hosts.clear()
        self._pairs.clear()
