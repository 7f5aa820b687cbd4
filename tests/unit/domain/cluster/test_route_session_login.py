"""Logging in to a route: nothing before it, and what becomes of those who fail."""

import pytest

from app.domain.cluster.cluster import HANDSHAKE_SECONDS
from app.domain.cluster.route_url import RouteUrl
from app.domain.cluster.settings import ClusterSettings
from app.domain.dataplane.seam import MakePlane
from app.domain.events import AuthorizationFailed, AuthorizationTimedOut, ReadFailed
from app.domain.security.credentials import Credentials, Identity
from app.domain.timers import SLACK
from tests.fakes.authenticator import ManualAuthenticator
from tests.fakes.event_log import RecordingEventLog
from tests.fakes.single_user import SingleUser
from tests.support.virtual_cluster import (
    GREATER_ID,
    OWN_ID,
    SMALLER_ID,
    RoutedBroker,
    VirtualPeer,
    connect_line,
    info_line,
)

VIOLATION = b"-ERR 'Authorization Violation'\r\n"
WRONG_PORT = b"-ERR 'Attempted To Connect To Route Port'\r\n"
TOO_LATE = b"-ERR 'Authorization Timeout'\r\n"
GUARDED = ClusterSettings(host="10.0.0.1", port=6222, user="joe", password="secret", auth_timeout=1.0)  # noqa: S106
CONNECT = connect_line(GREATER_ID, user="joe", **{"pass": "secret"})
INFO = info_line(GREATER_ID)
PING = b"PING\r\n"

INTRUSIONS = {
    "INFO": INFO,
    "SUB": b"SUB foo  RSID:1:1\r\n",
    "UNSUB": b"UNSUB RSID:1:1\r\n",
    "PUB": b"PUB foo 5\r\nhello\r\n",
    "MSG": b"MSG foo RSID:1:1 5\r\nhello\r\n",
    "PING": PING,
    "an error": b"-ERR 'x'\r\n",
    "garbage": b"\x00\xff",
    "HTTP": b"GET / HTTP/1.1\r\n\r\n",
    "a blank line": b"\r\n",
    "one letter": b"S",
    "NATS 2": b"RS+ $G foo\r\n",
}


@pytest.fixture(name="gatekeeper")
def _gatekeeper() -> ManualAuthenticator:
    return ManualAuthenticator()


@pytest.fixture(name="guarded")
def _guarded(
    make_plane: MakePlane, events: RecordingEventLog, gatekeeper: ManualAuthenticator
) -> RoutedBroker:
    """A server whose verdict on a peer that dials it comes later."""
    return RoutedBroker(make_plane, GUARDED, route_gatekeeper=gatekeeper, events=events)


@pytest.fixture(name="prompt")
def _prompt(make_plane: MakePlane, events: RecordingEventLog) -> RoutedBroker:
    """A server that judges at once."""
    return RoutedBroker(make_plane, GUARDED, route_gatekeeper=SingleUser("joe", "secret"), events=events)


@pytest.fixture(name="peer")
def _peer(guarded: RoutedBroker) -> VirtualPeer:
    peer = guarded.called()
    peer.heard()
    return peer


def test_info_demands_credentials(prompt: RoutedBroker) -> None:
    """INFO says that credentials are required."""
    assert b'"auth_required":true' in prompt.called().heard()


@pytest.mark.parametrize("size", [None, 1], ids=["whole", "bytewise"])
@pytest.mark.parametrize("sent", INTRUSIONS.values(), ids=INTRUSIONS.keys())
def test_nothing_before_login(prompt: RoutedBroker, sent: bytes, size: int | None) -> None:
    """A peer that begins with anything but CONNECT is rejected at the first byte, and nothing is obeyed."""
    client = prompt.connect(quiet=True)
    client.send(b"SUB > 1\r\n")
    peer = prompt.called()
    peer.heard()

    heard = peer.ask(sent + CONNECT + INFO, size)

    assert (VIOLATION, True, False) == (heard, peer.wire.closed, peer.wire.aborted)
    assert ({}, {}, 1, b"") == (
        prompt.cluster.routes,
        prompt.cluster.remotes,
        prompt.subscriptions,
        client.heard(),
    )


@pytest.mark.parametrize("size", [None, 1, 7], ids=["whole", "bytewise", "by sevens"])
def test_the_right_credentials(prompt: RoutedBroker, size: int | None) -> None:
    """Who shows them is a route, as if nobody had asked."""
    client = prompt.connect(quiet=True)
    client.send(b"SUB pre.a 1\r\n")
    peer = prompt.called()
    peer.heard()

    heard = peer.ask(CONNECT + INFO + b"SUB foo  RSID:1:1\r\n", size)

    assert b"SUB pre.a  RSID:1:1\r\n" == heard
    assert ([GREATER_ID], 2) == (list(prompt.cluster.remotes), prompt.subscriptions)


@pytest.mark.parametrize(
    "fields",
    [
        {"user": "joe", "pass": "wrong"},
        {"user": "joe"},
        {"pass": "secret"},
        {},
        {"user": "Joe", "pass": "secret"},
        {"user": "joe", "pass": "secret\x00"},
        {"user": "joe", "pass": "пароль"},
        {"user": "joe", "pass": 900 * "x"},
        {"auth_token": "secret"},
    ],
)
def test_wrong_credentials(prompt: RoutedBroker, events: RecordingEventLog, fields: dict[str, str]) -> None:
    """A peer with wrong credentials, or none, is rejected, and what it sent after them is not obeyed."""
    peer = prompt.called()
    peer.heard()

    heard = peer.ask(connect_line(GREATER_ID, **fields) + INFO + b"SUB foo  RSID:1:1\r\n")

    assert (VIOLATION, True) == (heard, peer.wire.closed)
    assert ({}, 0) == (prompt.cluster.remotes, prompt.subscriptions)
    assert [peer.connection.link] == [event.link for event in events.of(AuthorizationFailed)]


def test_nothing_is_obeyed_before_the_verdict(
    guarded: RoutedBroker, gatekeeper: ManualAuthenticator, peer: VirtualPeer
) -> None:
    """Until the verdict, input after CONNECT waits."""
    peer.send(CONNECT + INFO + b"SUB foo  RSID:1:1\r\nPING\r\n")
    peer.send(PING)
    waiting = (peer.heard(), list(guarded.cluster.remotes), guarded.subscriptions)

    gatekeeper.admit("joe")
    guarded.settle()

    assert (b"", [], 0) == waiting
    assert [Credentials("joe", "secret")] == gatekeeper.asked
    assert (b"PONG\r\nPONG\r\n", [GREATER_ID], 1) == (
        peer.heard(),
        list(guarded.cluster.remotes),
        guarded.subscriptions,
    )


def test_a_verdict_that_refuses(
    guarded: RoutedBroker, gatekeeper: ManualAuthenticator, peer: VirtualPeer
) -> None:
    """A late refusal is a refusal, and what waited is dropped."""
    peer.send(CONNECT + INFO)

    gatekeeper.refuse()
    guarded.settle()

    assert (VIOLATION, True, {}) == (peer.heard(), peer.wire.closed, guarded.cluster.remotes)


def test_an_end_of_file_before_the_verdict(
    guarded: RoutedBroker, gatekeeper: ManualAuthenticator, peer: VirtualPeer
) -> None:
    """A server that hangs up while its login is judged is closed at once, and its question withdrawn."""
    peer.send(CONNECT + INFO)

    peer.wire.end()

    assert (1, True, {}) == (gatekeeper.cancelled, peer.wire.closed, guarded.cluster.routes)


@pytest.mark.parametrize("verdict", ["admit", "refuse"])
def test_a_verdict_for_who_is_gone(
    guarded: RoutedBroker, gatekeeper: ManualAuthenticator, peer: VirtualPeer, verdict: str
) -> None:
    """A peer that left before its verdict stays gone."""
    peer.send(CONNECT + INFO)
    (late,) = gatekeeper.open
    peer.leave()

    late.answer(Identity() if verdict == "admit" else None)
    guarded.advance(10.0)

    assert (1, []) == (gatekeeper.cancelled, gatekeeper.open)
    assert ({}, {}, 0) == (guarded.cluster.routes, guarded.cluster.remotes, guarded.clock.timers_outstanding)


def test_no_login_in_time(guarded: RoutedBroker, events: RecordingEventLog, peer: VirtualPeer) -> None:
    """Silence, or a line that dribbles in, is heard for as long as the operator has set."""
    for letter in b"CONNECT {":
        peer.send(bytes([letter]))
        guarded.advance(0.1)
    early = peer.heard()
    guarded.advance(0.1 + SLACK)

    assert (b"", TOO_LATE, True) == (early, peer.heard(), peer.wire.closed)
    assert [peer.connection.link] == [event.link for event in events.of(AuthorizationTimedOut)]
    assert 0 == guarded.clock.timers_outstanding


def test_a_login_stops_the_clock(
    guarded: RoutedBroker, gatekeeper: ManualAuthenticator, peer: VirtualPeer
) -> None:
    """A CONNECT that is complete is in time, however long the verdict takes after it."""
    guarded.advance(0.9)
    peer.send(CONNECT)
    guarded.advance(1.0)
    gatekeeper.admit()
    peer.send(INFO)

    assert [GREATER_ID] == list(guarded.cluster.remotes)


def test_a_login_alone_is_not_enough(
    guarded: RoutedBroker, gatekeeper: ManualAuthenticator, peer: VirtualPeer
) -> None:
    """Who logs in and does not say who it is has to go as well."""
    peer.send(CONNECT)
    gatekeeper.admit()

    guarded.advance(HANDSHAKE_SECONDS + SLACK)

    assert (TOO_LATE, True, 0) == (peer.heard(), peer.wire.closed, guarded.clock.timers_outstanding)


def test_the_operator_may_grant_more_time(make_plane: MakePlane) -> None:
    """A login timeout beyond the time for introductions holds all the same."""
    settings = ClusterSettings(auth_timeout=20.0)
    server = RoutedBroker(make_plane, settings, route_gatekeeper=SingleUser("joe", "secret"))
    peer = server.called()

    server.advance(19.0)
    peer.send(CONNECT + INFO)

    assert [GREATER_ID] == list(server.cluster.remotes)


def test_a_second_login_before_the_introduction(prompt: RoutedBroker) -> None:
    """A peer that logs in again is checked again, and gains nothing by a wrong try."""
    peer = prompt.called()
    peer.heard()

    heard = peer.ask(CONNECT + connect_line(GREATER_ID, user="joe") + INFO)

    assert (VIOLATION, {}) == (heard, prompt.cluster.remotes)


def test_a_client_that_errs(make_plane: MakePlane, events: RecordingEventLog) -> None:
    """A client, known by its language, gets an error on the port of servers, and no other answer."""
    server = RoutedBroker(make_plane, events=events)
    peer = server.called()
    peer.heard()

    heard = peer.ask(connect_line(GREATER_ID, lang="go") + INFO + PING)

    assert (WRONG_PORT, True, {}) == (heard, peer.wire.closed, server.cluster.remotes)
    assert ["Attempted To Connect To Route Port"] == [event.reason for event in events.of(ReadFailed)]


def test_dialling_ourselves_is_no_intrusion(prompt: RoutedBroker, events: RecordingEventLog) -> None:
    """One list of routes may serve all servers, without credentials for this one: no line of error."""
    peer = prompt.called()
    peer.heard()

    heard = peer.ask(connect_line(OWN_ID) + info_line(OWN_ID))

    assert (b"", True) == (heard, peer.wire.closed)
    assert [] == events.of(AuthorizationFailed)


def test_a_client_without_the_credentials_of_servers(prompt: RoutedBroker) -> None:
    """It learns no more than any other unknown peer."""
    peer = prompt.called()
    peer.heard()

    assert VIOLATION == peer.ask(connect_line(GREATER_ID, lang="go") + PING)


def test_whom_we_dial_shows_nothing(make_plane: MakePlane) -> None:
    """The server that was dialled is not asked for credentials: it was chosen."""
    settings = ClusterSettings(routes=(RouteUrl("seed", 6222),))
    server = RoutedBroker(make_plane, settings, route_gatekeeper=SingleUser("joe", "secret"))
    server.cluster.solicit()
    peer = server.answered()

    peer.introduce(SMALLER_ID)

    assert [SMALLER_ID] == list(server.cluster.remotes)


@pytest.mark.parametrize("trace", [False, True], ids=["untraced", "traced"])
@pytest.mark.parametrize(
    "sent",
    [
        CONNECT + INFO,
        CONNECT.lower().replace(b"connect", b"connect "),
        connect_line(GREATER_ID, user="joe", **{"pass": "secret but wrong"}) + INFO,
        b'CONNECT {"user":"joe","pass":"secret"\r\n',
        b'CONNECT {"user":5,"pass":"secret"}\r\n',
        b'CONNECT {"user":"joe","pass":["secret"]}\r\n',
        b'CONNEXT {"user":"joe","pass":"secret"}\r\n',
        b'CONNECT {"pass":"' + 20_000 * b"secret" + b'"}\r\n',
        connect_line("x", user="joe", **{"pass": "secret"}) + INFO,
    ],
    ids=["good", "lower case", "wrong", "cut", "types", "list", "misspelt", "long", "two names"],
)
def test_no_secret_is_ever_logged(make_plane: MakePlane, sent: bytes, *, trace: bool) -> None:
    """Passwords of routes, ours and the peers', are in no fact, whatever becomes of the login."""
    events = RecordingEventLog(trace=trace)
    settings = ClusterSettings(
        user="joe",
        password="secret",  # noqa: S106
        routes=(RouteUrl("seed", 6222, "joe", "secret"),),
    )
    server = RoutedBroker(make_plane, settings, route_gatekeeper=SingleUser("joe", "secret"), events=events)
    server.cluster.solicit()
    server.dialer.refuse()
    server.advance(3.0)

    server.answered().send(info_line(SMALLER_ID, auth_required=True))
    server.called().send(sent)
    server.advance(10.0)

    logged = " ".join([*events.texts(), *map(repr, events.events), repr(settings)])
    assert "rid" in logged
    assert "seed" in logged
    assert "secret" not in logged
