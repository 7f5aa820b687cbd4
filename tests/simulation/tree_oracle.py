"""The oracle for trees of hubs and leaves: what differs from one cluster."""

from tests.simulation.fault_log import FaultLog
from tests.simulation.host import Host
from tests.simulation.oracle import Oracle, OracleMessage, OracleSession, OracleSubscription
from tests.simulation.tree import Tree


class TreeOracle(Oracle):
    """Paths lead through several servers. A queue group may lose what its last member across a link leaves.

    A link has no word for a message whose member has left, and no server suspects another across it.
    """

    def __init__(self, fault_log: FaultLog, tree: Tree) -> None:
        super().__init__(fault_log)
        self._tree = tree

    def _path(self, publisher: OracleSession, receiver: OracleSession) -> tuple[Host, ...]:
        return (publisher.client, *self._tree.way(publisher.server, receiver.server), receiver.client)

    def _must_suspect(
        self, _publisher: OracleSession, _subscription: OracleSubscription, _now: float
    ) -> bool:
        return False

    def _group_is_expected(
        self, message: OracleMessage, members: list[OracleSubscription], leavers: list[OracleSubscription]
    ) -> bool:
        return not leavers and all(self._is_expected(message, member) for member in members)

    def _may_overtake(self, subscription: OracleSubscription, message: OracleMessage) -> bool:
        """A leaf that moved to another hub may have messages under way at the former one."""
        path = self._path(message.session, subscription.session)
        return super()._may_overtake(subscription, message) or self._fault_log.has_fault(*path)
