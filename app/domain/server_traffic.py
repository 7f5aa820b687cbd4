"""Traffic of peers that are not clients: other servers and JetStream."""

from collections.abc import Iterable

from .peer_kind import PeerKind
from .sessions.connection import Connection
from .stats import Traffic


class ServerTraffic:
    """Traffic of connections that are not clients, closed ones included."""

    def __init__(self) -> None:
        self._closed = Traffic(0, 0, 0, 0)

    def closed(self, connection: Connection) -> None:
        """This connection was closed; clients are not counted here."""
        if connection.kind is not PeerKind.CLIENT:
            self._closed = _sum([self._closed, _of(connection)])

    def without(self, everything: Traffic, servers: Iterable[Connection]) -> Traffic:
        """What remains of `everything` for clients; `servers` are the others that are connected."""
        theirs = _sum([self._closed, *(_of(each) for each in servers if not each.closed)])
        return Traffic(
            everything.in_msgs - theirs.in_msgs,
            everything.in_bytes - theirs.in_bytes,
            everything.out_msgs - theirs.out_msgs,
            everything.out_bytes - theirs.out_bytes,
        )


def _of(connection: Connection) -> Traffic:
    inlet, outbox = connection.inlet, connection.outbox
    return Traffic(inlet.in_msgs, inlet.in_bytes, outbox.out_msgs, outbox.out_bytes)


def _sum(parts: list[Traffic]) -> Traffic:
    return Traffic(
        sum(part.in_msgs for part in parts),
        sum(part.in_bytes for part in parts),
        sum(part.out_msgs for part in parts),
        sum(part.out_bytes for part in parts),
    )
