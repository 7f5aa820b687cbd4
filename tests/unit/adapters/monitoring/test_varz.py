"""The answer about the server, to the byte."""

from dataclasses import replace

import pytest

from app.adapters.monitoring.context import MonitorSettings
from app.adapters.monitoring.formats import indented
from app.adapters.monitoring.varz import varz
from app.domain.protocol.compatibility import Compatibility
from app.ports.broker_view import Backlog, ClusterFacts, SlowAction, SlowReceiver, Traffic, Violations
from tests.fakes.broker_view import FACTS, Watched

pytestmark = pytest.mark.usefixtures("new_york")

VARZ = """{
  "server_id": "kG19DsXX1UVeSyEjhl3RFw",
  "version": "0.8.0",
  "go": "cpython3.13.1",
  "host": "127.0.0.1",
  "auth_required": false,
  "ssl_required": false,
  "tls_required": false,
  "tls_verify": false,
  "max_connections": 65536,
  "ping_interval": 120000000000,
  "ping_max": 2,
  "http_host": "0.0.0.0",
  "http_port": 8222,
  "https_port": 0,
  "max_control_line": 1024,
  "max_pending_size": 10485760,
  "cluster_port": 0,
  "tls_timeout": 0.5,
  "port": 4222,
  "max_payload": 1048576,
  "start": "2016-04-26T16:39:47.332681-04:00",
  "now": "2016-04-27T11:09:59.832681-04:00",
  "uptime": "18h30m12s",
  "mem": 21131264,
  "cores": 8,
  "cpu": 12.5,
  "connections": 1002,
  "total_connections": 1831,
  "routes": 0,
  "remotes": 0,
  "in_msgs": 5501151,
  "out_msgs": 11001275,
  "in_bytes": 27645750,
  "out_bytes": 55162353,
  "slow_consumers": 3,
  "subscriptions": 2,
  "http_req_stats": {
    "/": 223,
    "/connz": 31,
    "/routez": 1,
    "/subsz": 7,
    "/varz": 35
  },
  "server_name": "kG19DsXX1UVeSyEjhl3RFw",
  "proto": 0,
  "auth_timeout": 1,
  "max_pending": 10485760,
  "write_deadline": 2000000000,
  "gomaxprocs": 4,
  "leafnodes": 0,
  "config_load_time": "2016-04-26T16:39:47.332681-04:00",
  "slow_consumer_stats": {
    "clients": 2,
    "routes": 1,
    "gateways": 0,
    "leafs": 0
  },
  "pynatsd": "",
  "python": "",
  "data_plane": "",
  "held_publishers": 0,
  "held_seconds": 0,
  "recent_slow_consumers": []
}"""


def test_varz(watched: Watched) -> None:
    """Each figure stands in its place, in the format that readers expect."""
    watched.view.facts = replace(
        FACTS,
        connections=1002,
        total_connections=1831,
        slow_consumers=3,
        slow_routes=1,
        traffic=Traffic(5_501_151, 27_645_750, 11_001_275, 55_162_353),
        subscriptions=2,
    )
    requests = watched.context.requests
    requests.index, requests.connz, requests.routez, requests.subsz, requests.varz = 223, 31, 1, 7, 35
    watched.clock.advance(18 * 3600 + 30 * 60 + 12.5)

    assert VARZ == indented(varz(watched.context)).decode()


def test_varz_in_a_cluster(watched: Watched) -> None:
    """In a cluster there is an object about it, its port in the old place, and addresses for clients."""
    info = replace(FACTS.info, connect_urls=("192.0.2.1:4222", "192.0.2.2:4222"))
    cluster = ClusterFacts("0.0.0.0", 4248, auth_timeout=0.5, tls=True)  # noqa: S104 - a name to show
    watched.view.facts = replace(FACTS, info=info, cluster=cluster, routes=1, remotes=1)

    page = varz(watched.context)

    assert (4248, 1, 1) == (page.cluster_port, page.routes, page.remotes)
    assert ["192.0.2.1:4222", "192.0.2.2:4222"] == page.connect_urls
    assert page.model_dump(mode="json")["cluster"] == {
        "addr": "0.0.0.0",  # noqa: S104 - the same
        "cluster_port": 4248,
        "auth_timeout": 0.5,
        "tls_required": True,
        "tls_cert_not_after": None,
    }


def test_a_server_may_have_a_name(watched: Watched) -> None:
    """Where the server was given a name, it is shown beside its id."""
    context = replace(watched.context, settings=MonitorSettings(tls_timeout=0.5, server_name="edge-1"))

    assert "edge-1" == varz(context).server_name


def test_a_server_may_have_tags(watched: Watched) -> None:
    """They are shown as they were configured, and left out where there are none."""
    tagged = replace(watched.context, settings=MonitorSettings(tls_timeout=0.5, tags=("eu", "id:7")))

    assert (["eu", "id:7"], None) == (varz(tagged).tags, varz(watched.context).tags)


def test_who_was_slow(watched: Watched) -> None:
    """Receivers that were closed are listed with the reason."""
    record = SlowReceiver(
        SlowAction.CUT, "cid", 7, "laptop", "192.0.2.7", 4007, 1.5, None, "why", 99, 0, Backlog()
    )
    watched.view.facts = replace(FACTS, slow_consumer_log=(record,), held_publishers=2, held_seconds=1.23456)

    page = varz(watched.context)

    assert (2, 1.235) == (page.held_publishers, page.held_seconds)
    assert [
        {
            "kind": "cid",
            "cid": 7,
            "name": "laptop",
            "ip": "192.0.2.7",
            "port": 4007,
            "reason": "why",
            "pending_bytes": 99,
            "at": "2016-04-26T16:39:48.832681-04:00",
        }
    ] == [one.model_dump() for one in page.recent_slow_consumers]


OF_TODAY = """  "http_base_path": "",
  "gateway": {},
  "leaf": {},
  "mqtt": {},
  "websocket": {},
  "system_account": "$SYS",
  "jetstream": {},
  "in_client_msgs": 1,
  "in_client_bytes": 2,
  "out_client_msgs": 3,
  "out_client_bytes": 4,
  "stale_connections": 5,
  "stale_connection_stats": {
    "clients": 3,
    "routes": 2,
    "gateways": 0,
    "leafs": 0
  },
  "closed_connections": 7,
  "header_violations": 8,
  "permission_violations": 9,
"""


def test_varz_of_today(watched: Watched) -> None:
    """A server with the wire of today has the fields of current servers besides, and counts more pages."""
    watched.view.facts = replace(
        FACTS,
        info=replace(FACTS.info, compatibility=Compatibility.CURRENT),
        limits=replace(FACTS.limits, max_subscriptions=0),
        stale_connections=5,
        stale_routes=2,
        closed_clients=7,
        violations=Violations(headers=8, permissions=9),
        client_traffic=Traffic(1, 2, 3, 4),
    )
    watched.context.requests.healthz = 4

    page = varz(watched.context)
    text = indented(page).decode()

    assert OF_TODAY in text
    assert (1, 4, 0) == (page.proto, page.http_req_stats.healthz, page.http_req_stats.leafz)
    assert '"/stacksz": 0\n' in text


def test_a_limit_of_subscriptions(watched: Watched) -> None:
    """It is shown where there is one."""
    info = replace(FACTS.info, compatibility=Compatibility.CURRENT)
    watched.view.facts = replace(FACTS, info=info, limits=replace(FACTS.limits, max_subscriptions=12))

    assert 12 == varz(watched.context).max_subscriptions
