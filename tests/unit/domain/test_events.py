"""Unit tests of the facts the broker reports (client-protocol.md, 16; configuration.md, 7)."""

from dataclasses import FrozenInstanceError

import pytest

from app.domain import events
from app.domain.events import AddressEvent, Event, Level, Link

LINK = Link("cid", 2, "127.0.0.1:55110")

SENTENCES: list[tuple[Event, str, str]] = [
    (
        events.Listening(None, "127.0.0.1", 42629),
        "INF",
        "Listening for client connections on 127.0.0.1:42629",
    ),
    (
        events.Listening(None, "::1", 4222),
        "INF",
        "Listening for client connections on [::1]:4222",
    ),
    (events.ServerReady(None), "INF", "Server is ready"),
    (
        events.PublishDenied(None, "$G", "Subject", "b"),
        "ERR",
        '"$G" - Publish Violation - Subject "b"',
    ),
    (
        events.SubscriptionDenied(None, "$G/user:u", "b", "", "1"),
        "ERR",
        '"$G/user:u" - Subscription Violation - Subject "b", SID 1',
    ),
    (
        events.SubscriptionDenied(None, "$G/user:u", "b", "q", "1"),
        "ERR",
        '"$G/user:u" - Subscription Violation - Subject "b", Queue: "q", SID 1',
    ),
    (events.ServerExiting(None), "INF", "Server Exiting.."),
    (
        events.ListenFailed(None, "127.0.0.1", 4222, "address already in use"),
        "FTL",
        'Error listening on port: 127.0.0.1:4222, "address already in use"',
    ),
    (
        events.ListenFailed(None, "::1", 4222, "address already in use"),
        "FTL",
        'Error listening on port: [::1]:4222, "address already in use"',
    ),
    (
        events.MonitorStarting(None, "127.0.0.1", 8443, "https"),
        "INF",
        "Starting https monitor on 127.0.0.1:8443",
    ),
    (events.MonitorStarting(None, "::1", 8222, "http"), "INF", "Starting http monitor on [::1]:8222"),
    (
        events.MonitorFailed(None, "ValueError: why"),
        "ERR",
        "Internal error in monitoring: ValueError: why",
    ),
    (
        events.AcceptFailed(None, "too many open files", 20),
        "ERR",
        "Temporary Client Accept Error(too many open files), sleeping 20ms",
    ),
    (
        events.InternalFailure(LINK, "ZeroDivisionError"),
        "ERR",
        "Internal error, connection closed: ZeroDivisionError",
    ),
    (
        events.ServerFailure(None, "ZeroDivisionError"),
        "ERR",
        "Internal error, the server continues: ZeroDivisionError",
    ),
    (events.ClientConnected(LINK), "DBG", "Client connection created"),
    (events.ConnectionClosed(LINK), "DBG", "Client connection closed"),
    (events.PingTimerFired(LINK), "DBG", "Client Ping Timer"),
    (events.StaleConnection(LINK), "DBG", "Stale Client Connection - Closing"),
    (events.AuthorizationTimedOut(LINK), "DBG", "Authorization Timeout"),
    (events.AuthorizationFailed(LINK), "ERR", "Authorization Error"),
    (
        events.UnsubscribeDeferred(LINK, "foo", 2, 0),
        "DBG",
        "Deferring actual UNSUB(foo): 2 max, 0 received",
    ),
    (
        events.AutoUnsubscribed(LINK, 2, "1"),
        "DBG",
        "Auto-unsubscribe limit of 2 reached for sid '1'",
    ),
    (
        events.PayloadExceeded(LINK, "1048577", 1048576),
        "ERR",
        "Maximum Payload Exceeded: 1048577 vs 1048576",
    ),
    (events.ConnectionsExceeded(LINK, 65536), "ERR", "Maximum Connections Exceeded: 65536"),
    (events.ClientReportedError(LINK, "'some text'"), "ERR", "Client Error 'some text'"),
    (
        events.ReadFailed(LINK, "processSub Parse Error: 'foo'"),
        "ERR",
        "Error reading from client: processSub Parse Error: 'foo'",
    ),
    (events.SlowConsumer(LINK, "write deadline"), "INF", "Slow Consumer Detected: write deadline"),
    (
        events.PublishersHeld(LINK, "laptop", 3, 1_048_999),
        "INF",
        'Publishers wait for "laptop": 3 held, 1048999 bytes pending',
    ),
    (events.LineReceived(LINK, "PUB foo re 5"), "TRC", "->> [PUB foo re 5]"),
    (events.PayloadReceived(LINK, "hello"), "TRC", "->> MSG_PAYLOAD: [hello]"),
    (events.LineSent(LINK, "MSG foo 9 re 5"), "TRC", "<<- [MSG foo 9 re 5]"),
    (events.SubscriptionDeleted(LINK, "10"), "TRC", "<-> [DELSUB 10]"),
    (events.LameDuckEntered(None), "INF", "Entering lame duck mode, stop accepting new clients"),
    (events.LameDuckClosing(None, 3), "INF", "Closing existing clients: 3"),
    (
        events.SubscriptionRemoved(LINK, "bob", "a.b", "7"),
        "INF",
        'Removed sub "a.b" (sid "7") for "bob" - not authorized',
    ),
    (
        events.ConnectionsTrimmed(None, 5),
        "INF",
        "Closed 5 connections to fall within max_connections",
    ),
]


@pytest.mark.parametrize(
    ("fact", "level", "sentence"), SENTENCES, ids=[type(fact).__name__ for fact, _, _ in SENTENCES]
)
def test_what_operators_read(fact: Event, level: str, sentence: str) -> None:
    """Level and sentence are those of gnatsd, filled from the fact's own fields."""
    assert (level, sentence) == (fact.level.value, fact.text())


def test_no_fact_is_without_a_sentence() -> None:
    """The table above is complete."""
    kinds = {kind for kind in vars(events).values() if isinstance(kind, type) and issubclass(kind, Event)}

    assert kinds - {Event, AddressEvent} == {type(fact) for fact, _, _ in SENTENCES}


def test_levels() -> None:
    """Five severities, by the letters gnatsd prints."""
    assert ["INF", "DBG", "TRC", "ERR", "FTL"] == [level.value for level in Level]


def test_what_a_peer_sent_is_no_format() -> None:
    """Braces in a field come out as they came in."""
    text = "{self.link} {0} {missing} {{"

    assert f"Client Error {text}" == events.ClientReportedError(LINK, text).text()


def test_a_fact_stays_as_it_was() -> None:
    """What happened is not changed afterwards, and equal facts are equal."""
    fact = events.AutoUnsubscribed(LINK, 2, "1")

    with pytest.raises(FrozenInstanceError):
        setattr(fact, "limit", 3)  # noqa: B010 - the type checker knows that it cannot be set
    assert events.AutoUnsubscribed(Link("cid", 2, "127.0.0.1:55110"), 2, "1") == fact
