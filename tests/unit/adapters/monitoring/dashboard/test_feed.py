"""The feed: the JSON that the page polls."""

import json
import os
from dataclasses import replace
from typing import Any

from app.adapters.monitoring.context import MonitorSettings
from app.adapters.monitoring.dashboard.feed import (
    FeedData,
    FeedQuery,
    ServerLinks,
    collect,
    feed_json,
    server_links,
)
from app.adapters.monitoring.dashboard.history import WINDOWS
from app.adapters.monitoring.dashboard.recorder import Recorder
from app.adapters.monitoring.dashboard.selection import TableQuery
from app.adapters.monitoring.dashboard.snapshot import Snapshot, SubjectRow
from app.adapters.monitoring.journal import Entry, EventKind, JournalSnapshot
from app.domain.limits import Limits
from app.ports.broker_view import (
    Backlog,
    ConnectionStats,
    Link,
    RouteStats,
    SlowAction,
    SlowReceiver,
    Traffic,
    UnreachableRoute,
)
from tests.fakes.broker_view import Watched, leaf
from tests.support.monitored_broker import MonitoredBroker
from tests.support.steps import finished
from tests.support.virtual_broker import INFO

QUERY = FeedQuery(WINDOWS[0], INFO.server_id, 0, TableQuery())


def recorder(samples: int = 0) -> Recorder:
    """A recorder that has taken this many samples."""
    made = Recorder(MonitoredBroker().context, lambda: 0.5)
    for _ in range(samples):
        made.record()
    return made


def data(samples: int = 0, query: FeedQuery = QUERY) -> FeedData:
    """What an answer about an idle server is made of."""
    return collect(recorder(samples), Snapshot(0.0), ServerLinks(), query)


def feed(given: FeedData, query: FeedQuery = QUERY) -> dict[str, Any]:
    """The answer."""
    document: dict[str, Any] = json.loads(finished(feed_json(given, query, "edition")))
    return document


def test_what_an_answer_belongs_to() -> None:
    """An answer names the edition of the page, and the run of the server."""
    document = feed(data())

    assert ("edition", INFO.server_id) == (document["edition"], document["epoch"])


def test_a_server_without_a_name() -> None:
    """Where a server has no name its id stands in its place."""
    assert INFO.server_id == feed(data())["server"]["name"]


def test_samples_are_rows_of_numbers() -> None:
    """The fields of a sample stand in the order that the page knows."""
    history = feed(data(samples=1))["history"]

    [sample] = history["samples"]
    assert [0.0, 0, 0, 0, 0, 0.5, sample[6], 0] == sample
    assert ("10m", "10m", 600.0) == tuple(history[name] for name in ("window", "ring", "span"))
    assert (2.0, 300, 0) == tuple(history[name] for name in ("step", "length", "first"))
    assert history["samples"] == history["latest"]


def test_samples_of_another_run() -> None:
    """A page that has samples of another run of the server gets all of this one."""
    known, other = replace(QUERY, after=2), replace(QUERY, epoch="other", after=2)

    assert 1 == len(feed(data(3, known), known)["history"]["samples"])
    assert 3 == len(feed(data(3, other), other)["history"]["samples"])


def test_a_route() -> None:
    """A route shows where it leads, who dialled, and its traffic."""
    link = ConnectionStats(7, "192.0.2.7", 6222, 0.0, 0.0, 11, Traffic(1, 2, 3, 4))
    route = RouteStats(link, remote_id="PEER", solicited=True, configured=True, subscriptions=5)

    [row] = feed(replace(data(), now=90.0, routes=(route,)))["routes"]

    assert {
        "rid": 7,
        "remote": "PEER",
        "name": "",
        "solicited": True,
        "ip": "192.0.2.7",
        "port": 6222,
        "pending": 11,
        "msgs_to": 3,
        "msgs_from": 1,
        "subs": 5,
        "rtt": None,
        "uptime": 90.0,
    } == row


def test_a_route_with_a_name() -> None:
    """A peer's name and its round-trip time are shown where they are known."""
    link = ConnectionStats(7, "192.0.2.7", 6222, 0.0, 0.0, 11, Traffic(1, 2, 3, 4))
    route = RouteStats(link, "PEER", solicited=True, configured=True, subscriptions=5, name="a", rtt=0.25)

    [row] = feed(replace(data(), routes=(route,)))["routes"]

    assert ("a", 0.25) == (row["name"], row["rtt"])


def test_a_server_that_is_not_reached() -> None:
    """A configured server without a route is shown with its address, the reason and the attempts."""
    record = UnreachableRoute("nats-route://h:1/", 12, "connection refused", 80.0)

    document = feed(replace(data(), now=90.0, unreachable=(record,)))

    assert [
        {"url": "nats-route://h:1/", "attempts": 12, "error": "connection refused", "seconds": 10.0}
    ] == document["unreachable"]


def test_subjects_that_were_not_ranked() -> None:
    """The number of subscriptions that were not ranked is shown."""
    row = SubjectRow("a", 2, 9, 1.5)
    snapshot = Snapshot(0.0, [], {"a": row}, [row], unranked=7)

    subjects = feed(replace(data(), snapshot=snapshot))["subjects"]

    assert (1, 7) == (subjects["total"], subjects["unranked"])
    assert [{"subject": "a", "subs": 2, "delivered": 9, "rate": 1.5}] == subjects["rows"]


def test_what_the_process_is() -> None:
    """Its own version, number, files, configuration and limits are shown."""
    settings = MonitorSettings(
        tls_timeout=0.5, pynatsd="1.2.3", log="/var/log/p.log", config_file="/etc/p.conf"
    )

    document = feed(replace(data(), settings=settings))

    server, limits = document["server"], document["limits"]
    assert ("1.2.3", "/var/log/p.log", "/etc/p.conf") == (
        server["release"],
        server["log"],
        server["config_file"],
    )
    assert os.getpid() == server["pid"]
    assert limits["memory"] > 0
    assert limits["connections"] == server["max_connections"]


ENTRY = Entry(
    EventKind("slow_consumer", "Slow consumer closed", "bad"), 8.0, Link("cid", 7, "::1:4"), "a", "late"
)


def test_an_event() -> None:
    """An event says what happened, when, to whom and why."""
    journal = JournalSnapshot(
        10.0, 3, (replace(ENTRY, at=7.0), replace(ENTRY, link=None)), {"slow_consumer": 8.0}
    )

    events = feed(replace(data(), journal=journal))["events"]

    assert (10.0, 3, {"slow_consumer": 8.0}) == (events["now"], events["revision"], events["latest"])
    newest, oldest = events["rows"]
    assert ("", "", 8.0) == (newest["link"], newest["address"], newest["at"])
    assert {
        "kind": "slow_consumer",
        "title": "Slow consumer closed",
        "tone": "bad",
        "at": 7.0,
        "link": "cid:7",
        "address": "::1:4",
        "who": "a",
        "detail": "late",
        "pending": None,
        "subject": None,
        "count": 1,
    } == oldest


def test_what_a_slow_consumer_had_not_read() -> None:
    """The event of a closed receiver says how much it had left."""
    given = data()
    record = SlowReceiver(SlowAction.CUT, "cid", 7, "a", "::1", 4, 7.0, None, "late", 4096, 0, Backlog())
    facts = replace(given.facts, slow_consumer_log=(record,), held_publishers=2, held_seconds=1.5)

    document = feed(replace(given, facts=facts, journal=JournalSnapshot(10.0, 3, (ENTRY,))))

    assert 4096 == document["events"]["rows"][0]["pending"]
    assert (2, 1.5) == (document["totals"]["held_publishers"], document["totals"]["held_seconds"])


def test_events_that_the_page_has() -> None:
    """Events are sent again only when there is another one, or when the server is another one."""
    journal = JournalSnapshot(10.0, 3, (ENTRY,))
    given = replace(data(), journal=journal)

    known = feed(given, replace(QUERY, seen=3))["events"]
    older = feed(given, replace(QUERY, seen=2))["events"]
    other = feed(given, replace(QUERY, epoch="other", seen=3))["events"]

    assert None is known["rows"]
    assert [1, 1] == [len(older["rows"]), len(other["rows"])]


def test_nothing_is_opened() -> None:
    """Unless a reader has opened something, nothing is looked up for the purpose."""
    document = feed(data())

    assert (None, None) == (document["client"], document["subject"])


def test_leaf_links() -> None:
    """Each has a row: who it is, which end is the hub, and what goes over it."""
    link = leaf(5, traffic=Traffic(1, 2, 3, 4), rtt=0.5)
    (row,) = feed(replace(data(), leaves=(link,)))["leaves"]

    assert (5, "hub", True, 1, 3, 0.5) == tuple(
        row[name] for name in ("lid", "name", "hub", "msgs_from", "msgs_to", "rtt")
    )


def test_links_to_other_servers() -> None:
    """Routes and leaf links are read together."""
    watched = Watched()
    watched.view.leaf_links = [leaf(5)]

    assert ServerLinks((), (leaf(5),)) == finished(server_links(watched.view))


def test_who_was_slow_and_who_has_gone() -> None:
    """The latest of both, newest first, and how many there are."""
    broker = MonitoredBroker(Limits(max_payload=1000, max_pending=100_000))
    slow, publisher = broker.connect("slow", "a.*"), broker.connect("publisher")
    slow.wire.stall()
    for _ in range(60):
        publisher.send(b"PUB a.b 1000\r\n%b\r\n" % bytes(1000))
    slow.connection.abort_slow("why")
    broker.server.advance(1.0)
    publisher.wire.end()
    document = feed(collect(Recorder(broker.context, lambda: 0.5), Snapshot(0.0), ServerLinks(), QUERY))
    (row,) = document["slow"]["rows"]

    assert ("slow", "cut", "a.b", 1) == (
        row["who"],
        row["action"],
        row["subjects"][0]["subject"],
        document["slow"]["total"],
    )
    assert ["publisher", "slow"] == [each["name"] for each in document["closed"]["rows"]]
    assert 2 == document["closed"]["total"]
