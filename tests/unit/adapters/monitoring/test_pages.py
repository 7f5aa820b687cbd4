"""The answers, to the byte."""

import json
from dataclasses import replace

import pytest

from app.adapters.monitoring import pages
from app.adapters.monitoring.context import MonitorSettings
from app.adapters.monitoring.formats import indented
from app.adapters.monitoring.stepper import Chunks
from app.ports.broker_view import (
    ClusterFacts,
    ConnectionQuery,
    IndexStats,
    Profile,
    RouteStats,
    Security,
    SlowConsumerRecord,
    SubscriptionStats,
    Traffic,
    UnreachableRoute,
)
from tests.fakes.broker_view import FACTS, Watched, client

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

CONNZ = """{
  "now": "2016-04-26T16:39:50.332681-04:00",
  "num_connections": 2,
  "total": 2,
  "offset": 0,
  "limit": 1024,
  "connections": [
    {
      "cid": 1,
      "ip": "192.0.2.1",
      "port": 4001,
      "start": "2016-04-26T16:39:47.332681-04:00",
      "last_activity": "2016-04-26T16:39:48.332681-04:00",
      "uptime": "3s",
      "idle": "2s",
      "pending_bytes": 7,
      "in_msgs": 1112,
      "out_msgs": 5,
      "in_bytes": 139101,
      "out_bytes": 6,
      "subscriptions": 2,
      "name": "a\\u003cb\\u003e",
      "lang": "go",
      "version": "1.1.9",
      "tls_version": "1.3",
      "tls_cipher_suite": "TLS_AES_128_GCM_SHA256",
      "authorized_user": "derek",
      "subscriptions_list": [
        "a.\\u003e",
        "b"
      ]
    },
    {
      "cid": 3,
      "ip": "192.0.2.1",
      "port": 4003,
      "start": "2016-04-26T16:39:47.332681-04:00",
      "last_activity": "2016-04-26T16:39:47.332681-04:00",
      "uptime": "3s",
      "idle": "3s",
      "pending_bytes": 0,
      "in_msgs": 0,
      "out_msgs": 0,
      "in_bytes": 0,
      "out_bytes": 0,
      "subscriptions": 0
    }
  ]
}"""

ROUTEZ = """{
  "now": "2016-04-26T16:39:50.332681-04:00",
  "num_routes": 1,
  "routes": [
    {
      "rid": 1,
      "remote_id": "de475c0041418afc799bccf0fdd61b47",
      "did_solicit": true,
      "is_configured": true,
      "ip": "192.0.2.1",
      "port": 4001,
      "pending_size": 9,
      "in_msgs": 1,
      "out_msgs": 2,
      "in_bytes": 3,
      "out_bytes": 4,
      "subscriptions": 1,
      "start": "2016-04-26T16:39:47.332681-04:00",
      "uptime": "3s",
      "subscriptions_list": [
        "x"
      ]
    }
  ]
}"""

SUBSZ = """{
  "num_subscriptions": 2,
  "num_cache": 1,
  "num_inserts": 3539,
  "num_removes": 3537,
  "num_matches": 103,
  "cache_hit_rate": 0.6504854368932039,
  "max_fanout": 1,
  "avg_fanout": 1,
  "plan_cache_bytes": 0
}"""

LISTED = (
    SubscriptionStats("a.>", "", "1", delivered=5, limit=0, number=1),
    SubscriptionStats("b", "q", "2", delivered=0, limit=9, number=1),
)


def finished(chunks: Chunks) -> str:
    """The answer, as text."""
    return b"".join(chunks).decode()


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

    assert VARZ == indented(pages.varz(watched.context)).decode()


def test_varz_in_a_cluster(watched: Watched) -> None:
    """In a cluster there is an object about it, its port in the old place, and addresses for clients."""
    info = replace(FACTS.info, connect_urls=("192.0.2.1:4222", "192.0.2.2:4222"))
    cluster = ClusterFacts("0.0.0.0", 4248, auth_timeout=0.5, tls=True)  # noqa: S104 - a name to show
    watched.view.facts = replace(FACTS, info=info, cluster=cluster, routes=1, remotes=1)

    varz = pages.varz(watched.context)

    assert (4248, 1, 1) == (varz.cluster_port, varz.routes, varz.remotes)
    assert ["192.0.2.1:4222", "192.0.2.2:4222"] == varz.connect_urls
    assert {"addr": "0.0.0.0", "cluster_port": 4248, "auth_timeout": 0.5, "tls_required": True} == (  # noqa: S104 - the same
        varz.model_dump(mode="json")["cluster"]
    )


def test_a_server_may_have_a_name(watched: Watched) -> None:
    """Where the server was given a name, it is shown beside its id."""
    context = replace(watched.context, settings=MonitorSettings(tls_timeout=0.5, server_name="edge-1"))

    assert "edge-1" == pages.varz(context).server_name


def test_connz(watched: Watched) -> None:
    """What is empty is left out; what is there stands in its place."""
    busy = client(
        1,
        last_activity=1.0,
        pending_bytes=7,
        traffic=Traffic(1112, 139_101, 5, 6),
        security=Security("1.3", "TLS_AES_128_GCM_SHA256"),
    )
    profile = Profile("a<b>", "go", "1.1.9", "derek")
    watched.view.clients = [
        replace(busy, profile=profile, subscriptions=2, subscription_list=LISTED),
        client(3),
    ]
    watched.clock.advance(3.0)

    assert CONNZ == finished(pages.connz(watched.context, ConnectionQuery(subscriptions=True), auth=True))


def test_users_are_shown_only_when_asked_for(watched: Watched) -> None:
    """Without ``auth`` nobody learns who logged in."""
    watched.view.clients = [replace(client(1), profile=Profile("", "", "", "derek"))]

    assert "derek" not in finished(pages.connz(watched.context, ConnectionQuery()))


def test_details_of_subscriptions(watched: Watched) -> None:
    """With details, a client's subscriptions are listed with their figures instead of their subjects."""
    watched.view.clients = [replace(client(1), subscriptions=2, subscription_list=LISTED), client(2)]

    answer = finished(pages.connz(watched.context, ConnectionQuery(subscriptions=True), detail=True))

    assert answer.endswith(
        """      "subscriptions": 2,
      "subscriptions_list_detail": [
        {
          "subject": "a.\\u003e",
          "sid": "1",
          "msgs": 5,
          "cid": 1
        },
        {
          "subject": "b",
          "qgroup": "q",
          "sid": "2",
          "msgs": 0,
          "max": 9,
          "cid": 1
        }
      ]
    },
"""
        + finished(pages.connz(watched.context, ConnectionQuery(offset=1))).partition('"connections": [\n')[2]
    )


def test_nobody(watched: Watched) -> None:
    """An empty page has an empty list."""
    assert finished(pages.connz(watched.context, ConnectionQuery())).endswith('  "connections": []\n}')
    assert finished(pages.routez(watched.context)).endswith('"num_routes": 0,\n  "routes": []\n}')


@pytest.mark.parametrize("count", [1, pages.ROWS_PER_STEP, pages.ROWS_PER_STEP + 1, 3 * pages.ROWS_PER_STEP])
def test_a_long_page_is_one_document(watched: Watched, count: int) -> None:
    """Rows written in several stretches make the same document as in one."""
    watched.view.clients = [client(number) for number in range(count)]

    answer = finished(pages.connz(watched.context, ConnectionQuery(limit=count)))

    rows = [finished(pages.connz(watched.context, ConnectionQuery(offset=n, limit=1))) for n in range(count)]
    middles = [row.partition('"connections": [\n')[2].removesuffix("\n  ]\n}") for row in rows]
    assert ",\n".join(middles) == answer.partition('"connections": [\n')[2].removesuffix("\n  ]\n}")


def test_a_long_page_comes_in_steps(watched: Watched) -> None:
    """A step writes a few rows at most, or a few of a row's subscriptions."""
    count = 10 * pages.ROWS_PER_STEP
    watched.view.clients = [client(number) for number in range(count)]
    watched.view.clients[0] = replace(client(0), subscription_list=LISTED)

    rows = list(pages.connz(watched.context, ConnectionQuery(limit=count)))
    lists = list(pages.connz(watched.context, ConnectionQuery(limit=count, subscriptions=True)))

    assert 10 <= len(rows)
    assert max(part.count(b'"cid"') for part in rows) == pages.ROWS_PER_STEP
    assert 1 == max(part.count(b'"cid"') for part in lists)
    assert count < len(lists)


def test_a_page_is_as_it_was_begun(watched: Watched) -> None:
    """A client that goes before its row is written has one: the rows are as many as the page says."""
    watched.view.clients = [client(number) for number in range(3)]
    chunks = pages.connz(watched.context, ConnectionQuery())
    begun = [next(chunks), next(chunks)]
    del watched.view.clients[1]

    page = json.loads(b"".join([*begun, *chunks]))

    assert [0, 1, 2] == [row["cid"] for row in page["connections"]]
    assert (3, 3) == (page["num_connections"], page["total"])


def test_a_page_of_very_many(watched: Watched) -> None:
    """A page too long to be held leaves out who goes before its row is written."""
    count = pages.MAX_SNAPSHOT + 1
    watched.view.facts = replace(FACTS, connections=count)
    watched.view.clients = [client(number) for number in range(3)]
    chunks = pages.connz(watched.context, ConnectionQuery(limit=count))
    begun = [next(chunks), next(chunks)]
    del watched.view.clients[1]

    page = json.loads(b"".join([*begun, *chunks]))

    assert [0, 2] == [row["cid"] for row in page["connections"]]
    assert 3 == page["total"]


def test_routez(watched: Watched) -> None:
    """A route shows its peer and its traffic."""
    link = client(1, pending_bytes=9, traffic=Traffic(1, 3, 2, 4)).connection
    listed = (SubscriptionStats("x", "", "RSID:1:1", delivered=0, limit=0, number=1),)
    watched.view.links = [
        RouteStats(
            connection=link,
            remote_id="de475c0041418afc799bccf0fdd61b47",
            solicited=True,
            configured=True,
            subscriptions=1,
            subscription_list=listed,
        )
    ]
    watched.clock.advance(3.0)

    assert ROUTEZ == finished(pages.routez(watched.context, subscriptions=True))


def test_routez_of_a_cluster_that_is_not_whole(watched: Watched) -> None:
    """Configured servers without a route are listed; a route has its peer's name and the time of a ping."""
    link = client(1).connection
    row = RouteStats(link, "ID", solicited=True, configured=True, subscriptions=0, name="west", rtt=0.0015)
    watched.view.links = [row]
    watched.view.unreached = [UnreachableRoute("nats-route://seed:6222/", 4, "refused", 1.0)]
    watched.clock.advance(3.0)

    document = json.loads(finished(pages.routez(watched.context)))

    assert [
        {
            "url": "nats-route://seed:6222/",
            "attempts": 4,
            "error": "refused",
            "since": "2016-04-26T16:39:48.332681-04:00",
        }
    ] == document["unreachable"]
    assert ("west", "1.500ms") == (document["routes"][0]["remote_name"], document["routes"][0]["rtt"])


def test_subsz(watched: Watched) -> None:
    """Exactly the figures of the index; whole floats have no fraction."""
    watched.view.figures = IndexStats(2, 1, 3539, 3537, 103, 0.6504854368932039, 1, 1.0, 0)

    assert SUBSZ == finished(pages.subsz(watched.context))


def test_who_was_slow_and_who_waits(watched: Watched) -> None:
    """Receivers that were closed are listed with the reason, and a publisher's row says for whom it waits."""
    record = SlowConsumerRecord("cid", 7, "laptop", "192.0.2.7", 4007, "why", 99, 1.5)
    watched.view.facts = replace(FACTS, slow_consumer_log=(record,), held_publishers=2, held_seconds=1.23456)
    watched.view.clients = [client(1, waits_for=((7, "laptop"), (8, "")))]

    varz = pages.varz(watched.context)
    (row,) = json.loads(finished(pages.connz(watched.context, ConnectionQuery())))["connections"]

    assert (2, 1.235) == (varz.held_publishers, varz.held_seconds)
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
    ] == [one.model_dump() for one in varz.recent_slow_consumers]
    assert [{"cid": 7, "name": "laptop"}, {"cid": 8, "name": ""}] == row["waits_for"]


def test_what_there_is_none_of(watched: Watched) -> None:
    """Pages of today's servers have the shape that tools read: one account, no gateways, no leaf nodes."""
    watched.view.facts = replace(
        FACTS, connections=3, subscriptions=4, slow_consumers=6, slow_routes=1, traffic=Traffic(1, 2, 30, 40)
    )
    now = {"server_id": FACTS.info.server_id, "now": "2016-04-26T16:39:47.332681-04:00"}

    (account,) = pages.accstatz(watched.context).model_dump(mode="json")["account_statz"]

    assert ("$G", 3, 3, 0, 4, 5) == tuple(
        account[name]
        for name in ("acc", "conns", "total_conns", "leafnodes", "num_subscriptions", "slow_consumers")
    )
    assert ({"msgs": 30, "bytes": 40}, {"msgs": 1, "bytes": 2}) == (account["sent"], account["received"])
    assert (
        now | {"outbound_gateways": {}, "inbound_gateways": {}}
        == pages.gatewayz(watched.context).model_dump()
    )
    assert now | {"leafnodes": 0, "leafs": []} == pages.leafz(watched.context).model_dump()


def test_subsz_with_a_list(watched: Watched) -> None:
    """A page of subscriptions follows the figures."""
    watched.view.listened = list(LISTED)

    answer = finished(pages.subsz_list(watched.context, 1, 5))

    assert answer.endswith(
        """  "avg_fanout": 0,
  "plan_cache_bytes": 0,
  "total": 2,
  "offset": 1,
  "limit": 5,
  "subscriptions_list": [
    {
      "subject": "b",
      "qgroup": "q",
      "sid": "2",
      "msgs": 0,
      "max": 9,
      "cid": 1
    }
  ]
}"""
    )
