"""Kinds of peers, as the rules of the cluster, of flow control and of the log distinguish them."""

from enum import Enum


class PeerKind(Enum):
    """Who is at the other end of a connection."""

    CLIENT = "cid"
    """Publishes and subscribes for itself."""
    ROUTE = "rid"
    """A server of the same cluster: all of these know each other, so nothing is passed on among them."""
    LEAF = "lid"
    """A server outside the cluster, with clients of its own that only this server knows: a leaf node."""
    HUB = "hub"
    """The hub of this server, which is its leaf node. Its interest is passed on to leaf nodes only."""

    @property
    def role(self) -> str:
        """What gnatsd calls such a peer in its log; leaf nodes came later."""
        return _ROLES[self.code]

    @property
    def code(self) -> str:
        """The prefix of numbers of this kind in the log; both ends of a leaf link have the same."""
        return PeerKind.LEAF.value if self is PeerKind.HUB else self.value


LEAF_KINDS = frozenset({PeerKind.LEAF, PeerKind.HUB})
"""Both ends of a leaf link."""

_HEARD: dict[PeerKind, frozenset[PeerKind]] = {
    PeerKind.CLIENT: frozenset(),
    PeerKind.ROUTE: frozenset({PeerKind.CLIENT, PeerKind.LEAF}),
    PeerKind.LEAF: frozenset(PeerKind),
    PeerKind.HUB: frozenset({PeerKind.CLIENT, PeerKind.LEAF}),
}


def heard_by(kind: PeerKind) -> frozenset[PeerKind]:
    """The kinds of peers whose subscriptions are announced to a peer of this kind.

    What came over one route is not announced on another, nor to a hub: each server of a cluster
    announces its own peers, and has a link of its own to the hub. Nothing is announced to a client.
    Subscriptions that are not announced to a peer do not get its messages.
    """
    return _HEARD[kind]


_ROLES = {"cid": "Client", "rid": "Router", "lid": "Leafnode"}


def role_of(kind: str) -> str:
    """The role by the code of a kind, and that of a client for any other text."""
    return _ROLES.get(kind, "Client")
