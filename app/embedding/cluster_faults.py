"""Faults of a cluster: those of its servers, on all of them, and those between them."""

from collections.abc import Callable, Sequence

from ..adapters.faults.commands import FaultCommands, FaultSpec
from ..adapters.faults.partitions import Partitions
from ..adapters.faults.rule_group import RuleGroup
from ..adapters.faults.rules import ABOUT_SERVERS, Tally
from .server import Server


class ClusterFaults(Partitions, FaultCommands[RuleGroup]):
    """What happens to the traffic of all servers of a cluster, and between them.

    The servers count together: ``cut(client="x", on=3)`` hits the third message of the client, whatever
    servers it was connected to. A server that does not run now has the rule when it is started again.
    """

    def __init__(self, servers: Callable[[], Sequence[Server]]) -> None:
        super().__init__(servers)
        self._servers = servers

    def begin(self, spec: FaultSpec) -> RuleGroup:
        """See `FaultCommands`. Raises `RuntimeError` for a cluster that does not run."""
        servers = self._servers()
        if not servers or (spec.kind in ABOUT_SERVERS and not any(server.is_running for server in servers)):
            raise RuntimeError("the cluster is not running: start it first")
        tally = Tally(spec.count)
        rules = [server.faults.begin(spec, tally) for server in servers]
        return RuleGroup(rules, rules[0].words)

    def clear(self) -> None:
        """Clear all rules of all servers, partitions included."""
        for server in self._servers():
            server.faults.clear()
