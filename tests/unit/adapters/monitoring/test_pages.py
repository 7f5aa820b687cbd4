"""The answers, to the byte."""

import json
from dataclasses import replace

import pytest

from app.adapters.monitoring import pages
from app.adapters.monitoring.stepper import Chunks
from app.ports.broker_view import (
    ClosedClient,
    ClosingReason,
    Compatibility,
    ConnectionQuery,
    ConnectionState,
    IndexStats,
    Profile,
    RouteStats,
    Security,
    SubscriptionStats,
    Traffic,
    UnreachableRoute,
)
from tests.fakes.broker_view import FACTS, SERVER_ID, Watched, client, leaf
from tests.support.steps import finished as outcome

pytestmark = pytest.mark.usefixtures("new_york")

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


def test_closed_clients_do_not_make_a_page_long(watched: Watched) -> None:
    """A page of open clients is read at once, however many have closed before."""
    watched.view.facts = replace(FACTS, connections=3, closed_clients=pages.MAX_SNAPSHOT)
    watched.view.clients = [client(number) for number in range(3)]
    chunks = pages.connz(watched.context, ConnectionQuery(limit=5000))
    begun = [next(chunks), next(chunks)]
    del watched.view.clients[1]

    page = json.loads(b"".join([*begun, *chunks]))

    assert 3 == len(page["connections"]) == page["num_connections"]


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
    detailed = json.loads(finished(pages.routez(watched.context, detail=True)))["routes"][0]
    assert "subscriptions_list" not in detailed
    (only,) = detailed["subscriptions_list_detail"]
    assert ("x", "RSID:1:1", 0, 1) == (only["subject"], only["sid"], only["msgs"], only["cid"])


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


def test_who_waits(watched: Watched) -> None:
    """A publisher's row says for whom it waits."""
    watched.view.clients = [client(1, waits_for=((7, "laptop"), (8, "")))]

    (row,) = json.loads(finished(pages.connz(watched.context, ConnectionQuery())))["connections"]

    assert [{"cid": 7, "name": "laptop"}, {"cid": 8, "name": ""}] == row["waits_for"]


def test_what_there_is_none_of(watched: Watched) -> None:
    """Pages of today's servers have the shape that tools read: one account, no gateways."""
    watched.view.facts = replace(
        FACTS, connections=3, subscriptions=4, slow_consumers=6, slow_routes=1, traffic=Traffic(1, 2, 30, 40)
    )
    now = {"server_id": FACTS.info.server_id, "now": "2016-04-26T16:39:47.332681-04:00"}

    watched.view.leaf_links = [leaf(5, traffic=Traffic(0, 2, 0, 7)), leaf(6, traffic=Traffic(1, 0, 8, 0))]

    (account,) = outcome(pages.accstatz(watched.context)).model_dump(mode="json")["account_statz"]

    assert ("$G", 3, 3, 0, 4, 5) == tuple(
        account[name]
        for name in ("acc", "conns", "total_conns", "leafnodes", "num_subscriptions", "slow_consumers")
    )
    none = {"msgs": 0, "bytes": 0}
    links = {"gateways": none, "routes": none}
    assert {"msgs": 30, "bytes": 40, **links, "leafs": {"msgs": 8, "bytes": 7}} == account["sent"]
    assert {"msgs": 1, "bytes": 2, **links, "leafs": {"msgs": 1, "bytes": 2}} == account["received"]
    assert (
        now | {"outbound_gateways": {}, "inbound_gateways": {}}
        == pages.gatewayz(watched.context).model_dump()
    )


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


CLOSED = ClosedClient(
    *(9, "192.0.2.9", 4009, 0.0, 1.0, 2.0, ClosingReason.STALE_CONNECTION, 0.0015, 25, 1, 2, 3, 4, 5),
    *(None, True, "ann", "n", "py", "3"),
)

CLOSED_ROW = """    {
      "cid": 9,
      "kind": "Client",
      "type": "websocket",
      "ip": "192.0.2.9",
      "port": 4009,
      "start": "2016-04-26T16:39:47.332681-04:00",
      "last_activity": "2016-04-26T16:39:48.332681-04:00",
      "stop": "2016-04-26T16:39:49.332681-04:00",
      "reason": "Stale Connection",
      "rtt": "1.500ms",
      "uptime": "2s",
      "idle": "1s",
      "pending_bytes": 25,
      "in_msgs": 1,
      "out_msgs": 3,
      "in_bytes": 2,
      "out_bytes": 4,
      "subscriptions": 5,
      "name": "n",
      "lang": "py",
      "version": "3",
      "authorized_user": "ann",
      "name_tag": "$G"
    }
  ]
}"""


@pytest.fixture(name="of_today")
def _of_today(watched: Watched) -> Watched:
    """A server that speaks the wire of today."""
    watched.view.facts = replace(FACTS, info=replace(FACTS.info, compatibility=Compatibility.CURRENT))
    return watched


def test_closed_clients(of_today: Watched) -> None:
    """A closed client has its last figures, the time and the reason; lists of subscriptions are gone."""
    of_today.view.clients = [CLOSED.stats()]
    of_today.clock.advance(60.0)
    query = ConnectionQuery(state=ConnectionState.CLOSED, subscriptions=True)

    answer = finished(pages.connz(of_today.context, query, auth=True))

    assert answer.startswith(f'{{\n  "server_id": "{SERVER_ID}",\n  "now": ')
    assert CLOSED_ROW == answer.partition('"connections": [\n')[2]


def test_a_page_of_very_many_closed_clients(of_today: Watched) -> None:
    """Their rows are made when they are written, a few at a time."""
    count = pages.MAX_SNAPSHOT + 1
    facts = of_today.view.facts
    of_today.view.facts = replace(facts, closed_clients=count)
    of_today.view.closed = [CLOSED._replace(cid=cid) for cid in range(3 * pages.ROWS_PER_STEP)]
    query = ConnectionQuery(limit=count, state=ConnectionState.CLOSED)

    parts = list(pages.connz(of_today.context, query))

    page = json.loads(b"".join(parts))
    assert list(range(3 * pages.ROWS_PER_STEP)) == [row["cid"] for row in page["connections"]]
    assert pages.ROWS_PER_STEP == max(part.count(b'"cid"') for part in parts)
