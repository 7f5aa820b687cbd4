"""The fault log: which hosts and paths had a fault since the last quiet period."""

import math
from itertools import pairwise

from tests.simulation.host import Host


class FaultLog:
    """First faults by host and by pair of hosts, in virtual seconds.

    A path without faults must carry every message exactly once, whatever happens elsewhere.
    """

    def __init__(self) -> None:
        self._hosts: dict[Host, float] = {}
        self._pairs: dict[tuple[Host, Host], float] = {}
        self._frozen: dict[Host, float] = {}
        """Hosts whose only fault is a freeze, and its begin."""

    def record_host(self, host: Host, now: float) -> None:
        """A host lost, or may lose, state or messages."""
        self._hosts.setdefault(host, now)
        self._frozen.pop(host, None)

    def record_freeze(self, host: Host, now: float) -> None:
        """A host was frozen."""
        faultless = host not in self._hosts
        self.record_host(host, now)
        if faultless:
            self._frozen[host] = now

    def record_thaw(self, host: Host) -> None:
        """The host continues."""
        self._frozen.pop(host, None)

    def frozen_since(self, host: Host) -> float:
        """When a host was frozen that is still frozen and had no other fault; or infinity."""
        return self._frozen.get(host, math.inf)

    def record_pair(self, one: Host, other: Host, now: float) -> None:
        """The links between two hosts lost, or may lose, messages."""
        self._pairs.setdefault((one, other), now)
        self._pairs.setdefault((other, one), now)

    def first_fault(self, *path: Host) -> float:
        """When the first fault hit a host of the path, or a hop between two of them; or infinity."""
        first = math.inf
        if self._hosts:
            for host in path:
                first = min(first, self._hosts.get(host, math.inf))
        if self._pairs:
            for one, other in pairwise(path):
                first = min(first, self._pairs.get((one, other), math.inf))
        return first

    def has_fault(self, *path: Host) -> bool:
        """Whether a fault hit the path."""
        return self.first_fault(*path) < math.inf

    def first_fault_between(self, one: Host, other: Host) -> float:
        """When the first fault hit the paths between two hosts; or infinity."""
        return self._pairs.get((one, other), math.inf)

    def clear(self) -> None:
        """Remove all entries."""
        self._hosts.clear()
        self._pairs.clear()
        self._frozen.clear()
