"""The rows of the dashboard's feed."""

from dataclasses import replace

from app.adapters.monitoring.dashboard.rows import (
    client_row,
    closed_row,
    event_row,
    route_row,
    slow_row,
    unreachable_row,
)
from app.adapters.monitoring.dashboard.snapshot import ClientRow
from app.adapters.monitoring.journal import Entry, EventKind
from app.ports.broker_view import (
    Backlog,
    Closing,
    Link,
    PendingSubjects,
    RouteStats,
    SlowAction,
    SlowReceiver,
    SubjectBacklog,
    UnreachableRoute,
)
from tests.fakes.broker_view import client

KIND = EventKind("slow_consumer", "Slow consumer closed", "bad")


def test_a_client_has_rates() -> None:
    """A row has the fields of a client, the publishers that wait for it, and its rates."""
    row = client_row(ClientRow(client(7, holds=2), 1.5, None), 10.0)

    assert (7, 2, 1.5, None, 10.0) == tuple(
        row[name] for name in ("cid", "holds", "to_rate", "from_rate", "uptime")
    )


def test_a_route() -> None:
    """A row has the peer's id and name, and no round-trip time before the first ping."""
    route = RouteStats(client(7).connection, "ID", solicited=True, configured=True, subscriptions=3, name="b")

    row = route_row(route, 1.0)

    assert ("ID", "b", 3, None) == tuple(row[name] for name in ("remote", "name", "subs", "rtt"))


def test_a_server_that_is_not_reached() -> None:
    """A row has the seconds since the first failure, never less than none."""
    record = UnreachableRoute("nats-route://a:1", 3, "refused", 5.0)

    assert [2.5, 0.0] == [unreachable_row(record, now)["seconds"] for now in (7.5, 4.0)]


def test_an_event_of_a_connection() -> None:
    """A row names the connection, and its pending bytes where they are known."""
    entry = Entry(KIND, 1.23456, Link("cid", 7, "192.0.2.1:4"), "name", "late")

    row = event_row(entry, {7: 99})

    assert ("cid:7", "192.0.2.1:4", 99, 1.235) == tuple(
        row[name] for name in ("link", "address", "pending", "at")
    )


def test_an_event_of_the_server() -> None:
    """An event without a connection has neither address nor pending bytes."""
    row = event_row(Entry(KIND, 1.0, None, "", ""), {7: 99})

    assert ("", "", None) == (row["link"], row["address"], row["pending"])


def test_a_slow_receiver() -> None:
    """When, who, and what it had pending by subject."""
    found = Backlog(PendingSubjects((SubjectBacklog(b"a\xff", 3, 200),), 3, 210))
    receiver = SlowReceiver(
        SlowAction.CUT, "cid", 7, "n", "192.0.2.1", 4, 1.2345, 1.0, "late", 4096, 2, found
    )
    row = slow_row(receiver)

    assert ("cid:7", "192.0.2.1:4", "n", 1.234, "cut", "late") == tuple(
        row[name] for name in ("link", "address", "who", "at", "action", "reason")
    )
    assert (4096, 2, False, 210) == tuple(
        row[name] for name in ("pending", "publishers", "counting", "known")
    )
    assert [{"subject": "a\ufffd", "messages": 3, "bytes": 200}] == row["subjects"]


def test_a_client_that_has_gone() -> None:
    """When, why, and how long it was here; one that is here has none of it."""
    stats = client(7)
    gone = closed_row(replace(stats, closing=Closing(5.0, "Client Closed")))

    assert (7, "192.0.2.1:4007", 5.0, "Client Closed", 5.0) == tuple(
        gone[name] for name in ("cid", "address", "at", "reason", "seconds")
    )
    assert (None, "", None) == tuple(closed_row(stats)[name] for name in ("at", "reason", "seconds"))


def test_the_busiest_subject_of_a_slow_receiver() -> None:
    """It is shown with the event, if it is known."""
    link = Link("cid", 7, "::1:4")

    assert "busy" == event_row(Entry(KIND, 1.0, link, "", ""), {}, {7: "busy"})["subject"]
    assert event_row(Entry(KIND, 1.0, link, "", ""), {}, {8: "busy"})["subject"] is None
