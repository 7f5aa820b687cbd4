"""The page `/leafz`, and what `/varz` says of leaf nodes."""

import json
from dataclasses import replace

import pytest

from app.adapters.monitoring.context import LeafRemoteSummary, LeafSummary
from app.adapters.monitoring.leaf_page import leaf_section, leafz
from app.ports.broker_view import SubscriptionStats, Traffic
from tests.fakes.broker_view import FACTS, Watched, leaf
from tests.unit.adapters.monitoring.client import ask

LISTED = tuple(SubscriptionStats(subject, "", subject, 0, 0, 5) for subject in ("a.*", "b"))


def test_a_link(watched: Watched) -> None:
    """A row has the fields of nats-server in their order; the time of a ping is written as by Go."""
    traffic = Traffic(8, 72, 2, 10)
    watched.view.leaf_links = [
        replace(leaf(5, traffic=traffic, rtt=0.000414), subscriptions=10),
        leaf(6, "leaf", is_spoke=False),
    ]
    page = json.loads(b"".join(leafz(watched.context)))

    assert ["server_id", "now", "leafnodes", "leafs"] == list(page)
    assert 2 == page["leafnodes"]
    first, second = page["leafs"]
    assert [
        ("id", 5),
        ("name", "hub"),
        ("is_spoke", True),
        ("account", "$G"),
        ("ip", "192.0.2.9"),
        ("port", 7422),
        ("rtt", "414µs"),
        ("in_msgs", 8),
        ("out_msgs", 2),
        ("in_bytes", 72),
        ("out_bytes", 10),
        ("subscriptions", 10),
        ("compression", "off"),
    ] == list(first.items())
    assert (False, None) == (second["is_spoke"], second.get("rtt"))


def test_subjects(watched: Watched) -> None:
    """On request a row has what its peer asks for."""
    watched.view.leaf_links = [replace(leaf(5), subscription_list=LISTED)]

    (row,) = json.loads(b"".join(leafz(watched.context, subscriptions=True)))["leafs"]

    assert ["a.*", "b"] == row["subscriptions_list"]


@pytest.mark.parametrize(("account", "count"), [("", 1), ("$G", 1), ("B", 0)])
def test_accounts(watched: Watched, account: str, count: int) -> None:
    """Links of another account there are none."""
    watched.view.leaf_links = [leaf(5)]
    page = json.loads(b"".join(leafz(watched.context, account=account)))

    assert (count, count) == (page["leafnodes"], len(page["leafs"]))


@pytest.mark.asyncio
async def test_over_http(watched: Watched) -> None:
    """The parameters are those of nats-server."""
    watched.view.leaf_links = [replace(leaf(5), subscription_list=LISTED)]

    assert ["a.*", "b"] == (await ask(watched, "/leafz?subs=1")).json()["leafs"][0]["subscriptions_list"]
    assert 0 == (await ask(watched, "/leafz?acc=B")).json()["leafnodes"]
    assert 2 == watched.context.requests.leafz


def test_varz_of_a_listener() -> None:
    """A listener has its address, its times and its certificate."""
    summary = LeafSummary("127.0.0.1", 2.0, 3.0, tls_required=True, tls_verify=True)
    section = leaf_section(summary, replace(FACTS, leaf_port=7422), {"leafnodes.tls": 0.0})
    shown = section.model_dump(mode="json", exclude_none=True)

    assert shown.pop("tls_cert_not_after")
    assert {
        "host": "127.0.0.1",
        "port": 7422,
        "auth_timeout": 2,
        "tls_timeout": 3,
        "tls_required": True,
        "tls_verify": True,
    } == shown


def test_varz_of_a_leaf() -> None:
    """Hubs are shown without what it takes to log in, and with what is denied."""
    remotes = (
        LeafRemoteSummary("$G", ("127.0.0.1:24501",)),
        LeafRemoteSummary("$G", ("hub:7422", "hub2:7422"), ("a.>",), ("b",)),
        LeafRemoteSummary("$G", ("hub3:7422",), (), ("b",), disabled=True),
    )
    section = leaf_section(LeafSummary(remotes=remotes), FACTS, {})

    assert {
        "remotes": [
            {"local_account": "$G", "urls": ["127.0.0.1:24501"]},
            {
                "local_account": "$G",
                "urls": ["hub:7422", "hub2:7422"],
                "deny": {"imports": ["a.>"], "exports": ["b"]},
            },
            {"local_account": "$G", "urls": ["hub3:7422"], "deny": {"exports": ["b"]}, "disabled": True},
        ]
    } == section.model_dump(mode="json", exclude_none=True)


def test_varz_without_leaf_nodes() -> None:
    """Without leaf nodes their part of `/varz` is an empty object."""
    assert {} == leaf_section(LeafSummary(), FACTS, {}).model_dump(exclude_none=True)
