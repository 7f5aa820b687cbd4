"""Kinds of peers: what the log calls them, and who hears of whose subscriptions."""

import pytest

from app.domain.events import Link, StaleConnection
from app.domain.peer_kind import PeerKind, heard_by


@pytest.mark.parametrize(
    ("kind", "role"),
    [
        (PeerKind.CLIENT, "Client"),
        (PeerKind.ROUTE, "Router"),
        (PeerKind.LEAF, "Leafnode"),
        (PeerKind.HUB, "Leafnode"),
    ],
)
def test_each_kind_has_a_role(kind: PeerKind, role: str) -> None:
    """An event about a link takes its role from the kind of its peer."""
    event = StaleConnection(Link(kind.code, 1, "192.0.2.1:4000"))

    assert [role, role] == [kind.role, event.role]


def test_an_event_without_a_link_is_about_no_server() -> None:
    """It reads as gnatsd has it."""
    assert "Client" == StaleConnection(None).role


def test_subscriptions_never_go_in_circles() -> None:
    """What came over one route is announced on no other; clients hear of nobody."""
    assert PeerKind.ROUTE not in heard_by(PeerKind.ROUTE)
    assert frozenset() == heard_by(PeerKind.CLIENT)


def test_what_only_this_server_knows_is_announced() -> None:
    """Other servers hear of clients and leaf nodes, a leaf node of all."""
    assert {PeerKind.CLIENT, PeerKind.LEAF} == heard_by(PeerKind.ROUTE)
    assert set(PeerKind) == heard_by(PeerKind.LEAF)


def test_a_hub_hears_what_this_server_alone_knows() -> None:
    """Other servers of the cluster have links of their own, so a hub hears of none of their clients."""
    assert {PeerKind.CLIENT, PeerKind.LEAF} == heard_by(PeerKind.HUB)
