"""What kinds of peers there are: the rules of the cluster, of flow control and of the log ask for these."""

from enum import Enum


class PeerKind(Enum):
    """Who is at the other end of a connection. The value is what numbers of this kind are called."""

    CLIENT = "cid"
    """Publishes and subscribes for itself."""
    ROUTE = "rid"
    """A server of the same cluster: all of these know each other, so nothing is passed on among them."""
    LEAF = "lid"
    """A server outside the cluster, with clients of its own that only this server knows."""

    @property
    def role(self) -> str:
        """What gnatsd calls such a peer in its log; leaf nodes came later."""
        return _ROLES[self.value]


_HEARD: dict[PeerKind, frozenset[PeerKind]] = {
    PeerKind.CLIENT: frozenset(),
    PeerKind.ROUTE: frozenset({PeerKind.CLIENT, PeerKind.LEAF}),
    PeerKind.LEAF: frozenset(PeerKind),
}


def heard_by(kind: PeerKind) -> frozenset[PeerKind]:
    """The kinds of peers whose subscriptions are announced to a peer of this kind.

    A route hears of nothing that came over another one: each server of a cluster speaks for its
    own peers, so nothing can go round in circles. A client hears of nobody.
    """
    return _HEARD[kind]


_ROLES = {"cid": "Client", "rid": "Router", "lid": "Leafnode"}


def role_of(kind: str) -> str:
    """The role by the value of a kind, and that of a client for any other text."""
    return _ROLES.get(kind, "Client")
