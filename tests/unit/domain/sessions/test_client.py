"""A client's session: each operation and each error, whole and byte by byte, and the log of it."""

import gc
import json
from types import FunctionType, ModuleType

import pytest

from app.domain.dataplane.seam import MakePlane
from app.domain.events import (
    AuthorizationFailed,
    ClientReportedError,
    PayloadExceeded,
    ReadFailed,
)
from app.domain.limits import VERDICT_SECONDS, Limits
from app.domain.protocol.encode import PersonalInfo
from app.domain.security.credentials import Credentials, Identity
from app.domain.sessions.client import ClientSession
from tests.fakes.authenticator import ManualAuthenticator
from tests.fakes.event_log import RecordingEventLog
from tests.support.broker_stats import stats_of
from tests.support.virtual_broker import QUIET, BrokerSetup, VirtualBroker, VirtualClient

OK = b"+OK\r\n"
PONG = b"PONG\r\n"
PARSER_ERROR = b"-ERR 'Parser Error'\r\n"
UNKNOWN = b"-ERR 'Unknown Protocol Operation'\r\n" + PARSER_ERROR
INVALID = b"-ERR 'Invalid Subject'\r\n"
VIOLATION = b"-ERR 'Authorization Violation'\r\n"
TOO_LONG = b"-ERR 'Maximum Control Line Exceeded'\r\n"
TOO_LARGE = b"-ERR 'Maximum Payload Violation'\r\n"
LOGIN = b'CONNECT {"user":"u","pass":"secret","auth_token":"hidden","verbose":false}\r\n'

CONVERSATIONS = {
    # Publish and subscribe.
    "acknowledged before delivered": (
        b"SUB foo 1\r\nPUB foo 2\r\nok\r\n",
        OK + OK + b"MSG foo 1 2\r\nok\r\n",
    ),
    "two subjects": (
        b"SUB foo 1\r\nSUB bar 1\r\nPUB bar 1\r\nx\r\nPUB foo 1\r\ny\r\n",
        4 * OK + b"MSG foo 1 1\r\ny\r\n",
    ),
    "two sids": (
        QUIET + b"SUB foo 1\r\nSUB foo 2\r\nPUB foo re 1\r\nx\r\n",
        b"MSG foo 1 re 1\r\nx\r\nMSG foo 2 re 1\r\nx\r\n",
    ),
    "a queue group of one": (QUIET + b"SUB foo q 1\r\nPUB foo 1\r\nx\r\n", b"MSG foo 1 1\r\nx\r\n"),
    "tabs": (QUIET + b"SUB\tfoo\t9\r\nPUB\t \tfoo \t re\t2 \t\r\nok\r\n", b"MSG foo 9 re 2\r\nok\r\n"),
    "many CR": (QUIET + b"SUB foo 9\r\r\nPUB foo 1\r\r\nx\r\n", b"MSG foo 9 1\r\nx\r\n"),
    "lower case": (QUIET + b"sub foo 9\npub foo 1\nx\r\nunsub 9\npub foo 1\nx\r\n", b"MSG foo 9 1\r\nx\r\n"),
    "an invalid subject takes no sid": (
        b"SUB foo. 1\r\nSUB foo 1\r\nPUB foo 0\r\n\r\n",
        INVALID + OK + OK + b"MSG foo 1 0\r\n\r\n",
    ),
    "an invalid subject, quiet": (QUIET + b"SUB a..b 1\r\nPING\r\n", INVALID + PONG),
    "a sid in use keeps its subject": (
        b"SUB foo 1\r\nSUB bar 1\r\nPUB bar 0\r\n\r\nPUB foo 0\r\n\r\n",
        4 * OK + b"MSG foo 1 0\r\n\r\n",
    ),
    "a sid that is free again": (
        QUIET + b"SUB foo 1\r\nUNSUB 1\r\nSUB bar 1\r\nPUB foo 0\r\n\r\nPUB bar 0\r\n\r\n",
        b"MSG bar 1 0\r\n\r\n",
    ),
    # Unsubscribe.
    "at once": (b"SUB foo 1\r\nUNSUB 1\r\nPUB foo 0\r\n\r\n", 3 * OK),
    "an unknown sid": (b"UNSUB 77\r\nPING\r\n", OK + PONG),
    "after two messages": (
        QUIET + b"SUB foo 1\r\nUNSUB 1 2\r\n" + 5 * b"PUB foo 0\r\n\r\n",
        2 * b"MSG foo 1 0\r\n\r\n",
    ),
    "after two that came already": (
        QUIET + b"SUB foo 2\r\n" + 3 * b"PUB foo 0\r\n\r\n" + b"UNSUB 2 2\r\n" + 2 * b"PUB foo 0\r\n\r\n",
        3 * b"MSG foo 2 0\r\n\r\n",
    ),
    "after as many as came already": (
        QUIET + b"SUB foo 2\r\n" + 2 * b"PUB foo 0\r\n\r\n" + b"UNSUB 2 2\r\n" + 2 * b"PUB foo 0\r\n\r\n",
        2 * b"MSG foo 2 0\r\n\r\n",
    ),
    "after none": (QUIET + b"SUB foo 1\r\nUNSUB 1 0\r\nPUB foo 0\r\n\r\n", b""),
    "after no number": (QUIET + b"SUB foo 1\r\nUNSUB 1 x\r\nPUB foo 0\r\n\r\n", b""),
    "the last word counts": (
        QUIET + b"SUB foo 1\r\nUNSUB 1 1\r\nUNSUB 1 3\r\n" + 5 * b"PUB foo 0\r\n\r\n",
        3 * b"MSG foo 1 0\r\n\r\n",
    ),
    "at once after all": (QUIET + b"SUB foo 1\r\nUNSUB 1 3\r\nUNSUB 1\r\nPUB foo 0\r\n\r\n", b""),
    "a member of a group": (
        QUIET + b"SUB foo q 1\r\nUNSUB 1 1\r\nSUB foo 2\r\n" + 2 * b"PUB foo 0\r\n\r\n",
        b"MSG foo 2 0\r\n\r\nMSG foo 1 0\r\n\r\nMSG foo 2 0\r\n\r\n",
    ),
    "a sid that is free again after its last message": (
        QUIET + b"SUB foo 1\r\nUNSUB 1 1\r\n" + 2 * b"PUB foo 0\r\n\r\nSUB foo 1\r\n",
        2 * b"MSG foo 1 0\r\n\r\n",
    ),
    # Keep-alive and small talk.
    "ping": (b"ping\nPING   x junk\nPINGX\r\n", 3 * PONG),
    "pong": (b"PONG\r\npong x\nPING\r\n", PONG),
    "ok": (b"+OK\r\n+ok\nPING\r\n", PONG),
    "info": (b"INFO {}\r\ninfo null\nINFO{}\r\nPING\r\n", PONG),
    # CONNECT.
    "connect": (b"CONNECT {}\r\n", OK),
    "connect null": (b"CONNECT null\r\nPING\r\n", OK + PONG),
    "not verbose": (b'CONNECT {"verbose":false}\r\nSUB foo 1\r\nUNSUB 1\r\nPING\r\n', PONG),
    "verbose again": (QUIET + b'CONNECT {"verbose":true}\r\nSUB foo 1\r\n', 2 * OK),
    "absent keys keep their values": (QUIET + b"CONNECT {}\r\nPUB foo.* 0\r\n\r\nPING\r\n", PONG),
    "pedantic from the start": (b"PUB foo.* 0\r\n\r\n", INVALID + OK),
    "pedantic and quiet": (b'CONNECT {"verbose":false}\r\nPUB foo. 0\r\n\r\nPING\r\n', INVALID + PONG),
    "pedantic later, same line": (
        QUIET + b'PUB a.* 0\r\n\r\nCONNECT {"pedantic":true}\r\nPUB a.* 0\r\n\r\n',
        INVALID,
    ),
    "lenient later, same line": (
        (
            b'CONNECT {"verbose":false}\r\nSUB a.* 1\r\nPUB a.* 0\r\n\r\n'
            b'CONNECT {"pedantic":false}\r\nPUB a.* 0\r\n\r\n'
        ),
        INVALID + b"MSG a.* 1 0\r\n\r\n",
    ),
    "lenient": (QUIET + b"SUB > 1\r\nPUB foo.* 0\r\n\r\nPUB foo. 0\r\n\r\n", b"MSG foo.* 1 0\r\n\r\n"),
}

REFUSALS = {
    "garbage": (b"ZZZ\r\n", UNKNOWN),
    "a blank line": (b"\r\n", UNKNOWN),
    "a leading blank": (b" PING\r\n", UNKNOWN),
    "a broken verb": (b"SUBX foo 1\r\n", UNKNOWN),
    "a verb cut short": (b"PIN\r\n", UNKNOWN),
    "a PUB without a blank": (b"PUB\r\n", UNKNOWN),
    "a message from a client": (b"MSG foo 1 0\r\n\r\n", UNKNOWN),
    "headers": (b"HPUB foo 12 14\r\n", UNKNOWN),
    "a payload too long": (QUIET + b"PUB foo 5\r\nhello\n", UNKNOWN),
    "SUB without words": (b"SUB \r\n", PARSER_ERROR),
    "SUB with one word": (b"SUB foo\r\n", PARSER_ERROR),
    "SUB with four words": (b"SUB foo q 1 2\r\n", PARSER_ERROR),
    "UNSUB without words": (b"UNSUB \r\n", PARSER_ERROR),
    "UNSUB with three words": (b"UNSUB 1 2 3\r\n", PARSER_ERROR),
    "PUB with one word": (b"PUB foo\r\n", PARSER_ERROR),
    "PUB with a negative size": (b"PUB foo -1\r\n", PARSER_ERROR),
    "broken JSON": (b'CONNECT {"verbose"\r\n', PARSER_ERROR),
    "no object": (b"CONNECT []\r\n", PARSER_ERROR),
    "a wrong type": (b'CONNECT {"verbose":1}\r\n', PARSER_ERROR),
    "INFO without JSON": (b"INFO x\r\n", PARSER_ERROR),
    "too large": (b"PUB foo 1048577\r\n", TOO_LARGE),
    "far too large": (b"PUB foo 18446744073709551619\r\n", TOO_LARGE),
    "a PUB too long": (b"PUB " + 1100 * b"a" + b" 0\r\n", TOO_LONG),
    "a SUB too long": (b"SUB " + 1100 * b"a" + b" 0\r\n", TOO_LONG),
    "a line without end": (b"SUB " + 1100 * b"a", TOO_LONG),
    "an account": (b'CONNECT {"account":"a"}\r\n', VIOLATION),
    "a new account": (b'CONNECT {"new_account":true}\r\n', VIOLATION),
    "an error of the client's": (b"-ERR 'x'\r\n", b""),
    "an error without a text": (b"-ERR\r\n", UNKNOWN),
}


def document(**fields: object) -> bytes:
    """A CONNECT with these fields."""
    return b"CONNECT " + json.dumps(fields).encode() + b"\r\n"


def session_of(client: VirtualClient) -> ClientSession:
    """A client's session."""
    session = client.connection.session
    assert isinstance(session, ClientSession)
    return session


@pytest.fixture(name="events")
def _events() -> RecordingEventLog:
    return RecordingEventLog()


@pytest.fixture(name="server")
def _server(make_plane: MakePlane, events: RecordingEventLog) -> VirtualBroker:
    return VirtualBroker(make_plane, events=events)


@pytest.fixture(name="client")
def _client(server: VirtualBroker, events: RecordingEventLog) -> VirtualClient:
    """A client of a broker whose log is still empty."""
    client = server.connect()
    events.events.clear()
    return client


@pytest.fixture(name="gatekeeper")
def _gatekeeper() -> ManualAuthenticator:
    return ManualAuthenticator()


@pytest.fixture(name="guarded")
def _guarded(
    make_plane: MakePlane, events: RecordingEventLog, gatekeeper: ManualAuthenticator
) -> VirtualBroker:
    """A broker that wants credentials, and takes its time to judge them."""
    return VirtualBroker(make_plane, events=events, gatekeeper=gatekeeper)


# --- operations --------------------------------------------------------------------------


@pytest.mark.parametrize("size", [None, 1, 7], ids=["whole", "bytewise", "by sevens"])
@pytest.mark.parametrize(("sent", "heard"), CONVERSATIONS.values(), ids=CONVERSATIONS.keys())
def test_conversations(make_plane: MakePlane, sent: bytes, heard: bytes, size: int | None) -> None:
    """What a client sends is answered like this, however it is cut, and the client stays."""
    client = VirtualBroker(make_plane).connect()

    answer = client.ask(sent, size)

    assert heard == answer
    assert not client.wire.is_over
    assert PONG == client.ask(b"PING\r\n")


@pytest.mark.parametrize("size", [None, 1, 7], ids=["whole", "bytewise", "by sevens"])
@pytest.mark.parametrize(("sent", "heard"), REFUSALS.values(), ids=REFUSALS.keys())
def test_refusals(make_plane: MakePlane, sent: bytes, heard: bytes, size: int | None) -> None:
    """What a client must not send is answered like this, and the client is closed in good order."""
    client = VirtualBroker(make_plane).connect()

    answer = client.ask(sent + b"\r\nSUB foo 1\r\nPING\r\n", size).removeprefix(OK)

    assert heard == answer
    assert (True, False) == (client.wire.closed, client.wire.aborted)


def test_the_words_about_a_client(server: VirtualBroker) -> None:
    """Name, language and version are kept for monitoring, and merged like all fields."""
    client = server.connect()

    client.send(document(name="n", lang="python", version="1.0") + document(version="2.0", name=None))

    session = session_of(client)
    assert ("n", "python", "2.0") == (session.name, session.lang, session.version)


def test_live_subscriptions(server: VirtualBroker) -> None:
    """A session knows its live subscriptions by sid."""
    client = server.connect()

    client.send(b"SUB a 1\r\nSUB b q 2\r\nSUB c 3\r\nUNSUB 1\r\nUNSUB 3 1\r\nPUB c 0\r\n\r\n")

    subscriptions = session_of(client).subscriptions
    assert [(b"2", b"b", b"q")] == [(sid, s.subject, s.queue) for sid, s in subscriptions.items()]
    assert 1 == stats_of(server.broker).subscriptions.num_subscriptions


def test_expiry_by_the_message_of_another(server: VirtualBroker) -> None:
    """A subscription ends with its last message, whatever client published it."""
    receiver, sender = server.connect(quiet=True), server.connect(quiet=True)
    receiver.send(b"SUB a 1\r\nUNSUB 1 2\r\n")

    sender.send(5 * b"PUB a 0\r\n\r\n")

    assert 2 * b"MSG a 1 0\r\n\r\n" == receiver.heard()
    assert {} == session_of(receiver).subscriptions


# --- login ---------------------------------------------------------------------------------


def test_without_credentials_anybody_may_do_anything(server: VirtualBroker) -> None:
    """Where none are required, a client is somebody from the start."""
    client = server.connect()

    assert Identity() == session_of(client).identity


@pytest.mark.parametrize("size", [None, 1], ids=["whole", "bytewise"])
@pytest.mark.parametrize(
    "sent",
    [b"PING\r\n", b"PUB a 1\r\nx\r\n", b"SUB a 1\r\n", b"\r\n", b"ZZZ\r\n", b"+OK\r\n", b"-ERR x\r\n", b" "],
)
def test_only_connect_is_allowed_before_it(guarded: VirtualBroker, sent: bytes, size: int | None) -> None:
    """Where credentials are required, anything but CONNECT is refused at its first byte."""
    client = guarded.connect()

    assert VIOLATION == client.ask(sent, size)
    assert client.wire.closed


def test_a_broken_connect_before_login(guarded: VirtualBroker) -> None:
    """What begins like CONNECT and is none is a protocol error, with or without a login."""
    client = guarded.connect()

    assert UNKNOWN == client.ask(b"CONNEX {}\r\n")


def test_the_gatekeeper_judges(guarded: VirtualBroker, gatekeeper: ManualAuthenticator) -> None:
    """The credentials go to the gatekeeper as they were given, and its answer makes an identity."""
    client = guarded.connect()

    client.send(LOGIN)
    before = session_of(client).identity
    gatekeeper.admit("somebody")

    assert [Credentials("u", "secret", "hidden")] == gatekeeper.asked
    assert (None, Identity("somebody")) == (before, session_of(client).identity)


@pytest.mark.parametrize("size", [None, 1], ids=["whole", "bytewise"])
def test_operations_wait_for_the_verdict(
    guarded: VirtualBroker, gatekeeper: ManualAuthenticator, size: int | None
) -> None:
    """Operations that are pipelined after CONNECT are obeyed after the verdict, in order."""
    client = guarded.connect()

    client.send(LOGIN + b"SUB a 1\r\nPUB a 2\r\nok\r\nPING\r\n", size)
    early = client.heard()
    gatekeeper.admit()
    guarded.settle(size)

    assert b"" == early
    assert b"MSG a 1 2\r\nok\r\n" + PONG == client.heard()
    assert not client.wire.paused


def test_the_verdict_is_acknowledged(guarded: VirtualBroker, gatekeeper: ManualAuthenticator) -> None:
    """A verbose client gets +OK with the verdict, before the answers to anything it sent after CONNECT."""
    client = guarded.connect()

    client.send(document(user="u") + b"PING\r\n")
    early = client.heard()
    gatekeeper.admit()

    assert (b"", OK + PONG) == (early, client.heard())


def test_a_refused_login(
    guarded: VirtualBroker, gatekeeper: ManualAuthenticator, events: RecordingEventLog
) -> None:
    """Wrong credentials end the connection; input after them is not obeyed."""
    client = guarded.connect()

    client.send(LOGIN + b"SUB a 1\r\nPING\r\n")
    gatekeeper.refuse()

    assert VIOLATION == client.heard()
    assert client.wire.closed
    assert [AuthorizationFailed(client.connection.link)] == events.of(AuthorizationFailed)
    assert 0 == stats_of(guarded.broker).subscriptions.num_inserts


@pytest.mark.parametrize("rest", [b"", b"PING\r\n", b"SUB a 1\r\nPI", b'CONNECT {"name":"pub "}\r\n'])
@pytest.mark.parametrize("size", [None, 1], ids=["whole", "bytewise"])
def test_a_client_that_leaves_before_the_verdict(
    guarded: VirtualBroker, gatekeeper: ManualAuthenticator, rest: bytes, size: int | None
) -> None:
    """Its end of file closes it at once, and its question is withdrawn."""
    client = guarded.connect()

    client.send(LOGIN + rest, size)
    before = gatekeeper.cancelled
    client.wire.end()

    assert (0, 1, []) == (before, gatekeeper.cancelled, gatekeeper.open)
    assert (b"", True) == (client.heard(), client.wire.closed)
    assert {} == guarded.broker.sessions


@pytest.mark.parametrize("size", [None, 1], ids=["whole", "bytewise"])
def test_messages_on_the_way_outlive_their_sender(
    guarded: VirtualBroker, gatekeeper: ManualAuthenticator, size: int | None
) -> None:
    """A client that sent a message after its login, and then its end, is heard out."""
    client = guarded.connect()

    client.send(LOGIN + b"SUB a 1\r\npub a 2\r\nok\r\n", size)
    client.wire.end()
    waiting = (gatekeeper.cancelled, client.wire.closed)
    gatekeeper.admit()
    guarded.settle(size)

    assert ((0, False), True) == (waiting, client.wire.closed)
    assert b"MSG a 1 2\r\nok\r\n" == client.heard()


def test_a_lost_link_withdraws_the_question(guarded: VirtualBroker, gatekeeper: ManualAuthenticator) -> None:
    """A client that was cut off before its verdict is no work for the gatekeeper any more."""
    client = guarded.connect()
    client.send(LOGIN)

    client.leave()

    assert (1, []) == (gatekeeper.cancelled, gatekeeper.open)


def test_the_login_timer_runs_until_the_verdict(
    guarded: VirtualBroker, gatekeeper: ManualAuthenticator
) -> None:
    """A login that waits for its turn longer than clients do is withdrawn, and its client hears why."""
    client = guarded.connect()
    client.send(LOGIN)

    guarded.advance(VERDICT_SECONDS - 0.1)
    early = client.heard()
    guarded.advance(0.3)

    assert (b"", b"-ERR 'Authorization Timeout'\r\n") == (early, client.heard())
    assert (1, True) == (gatekeeper.cancelled, client.wire.closed)


def test_a_check_that_is_being_made_is_waited_for(
    guarded: VirtualBroker, gatekeeper: ManualAuthenticator
) -> None:
    """A check that takes longer than the login timer allows still counts."""
    client = guarded.connect()
    client.send(LOGIN + b"PING\r\n")
    gatekeeper.at_work = True

    guarded.advance(VERDICT_SECONDS + 5.0)
    gatekeeper.admit()

    assert PONG == client.heard()


def test_a_verdict_ends_the_login_timer(guarded: VirtualBroker, gatekeeper: ManualAuthenticator) -> None:
    """Who is let in is not closed for the time it took."""
    client = guarded.connect()
    client.send(LOGIN)
    gatekeeper.admit()

    guarded.advance(VERDICT_SECONDS + 0.2)

    assert PONG == client.ask(b"PING\r\n")


@pytest.mark.parametrize("admitted", [True, False], ids=["admitted", "refused"])
@pytest.mark.parametrize("ending", ["closed", "lost"])
def test_a_verdict_that_comes_too_late(
    guarded: VirtualBroker, gatekeeper: ManualAuthenticator, ending: str, *, admitted: bool
) -> None:
    """A client that is gone is neither admitted nor refused, by gatekeepers that answer all the same."""
    client = guarded.connect()
    client.send(LOGIN + b"PING\r\n")
    late = gatekeeper.open.copy()

    if ending == "lost":
        client.leave()
    else:
        client.connection.close()
    late[0].answer(Identity("u") if admitted else None)
    guarded.settle()

    assert b"" == client.heard()


def test_a_second_connect_is_judged_too(guarded: VirtualBroker, gatekeeper: ManualAuthenticator) -> None:
    """Secrets are checked again, for the user who came in; those of the CONNECT before are forgotten."""
    client = guarded.connect()

    client.send(LOGIN)
    gatekeeper.admit("u")
    client.send(document(**{"pass": "other"}) + b"PING\r\n")
    waiting = client.heard()
    gatekeeper.admit("u")
    answered = client.heard()
    client.send(document(auth_token="wrong"))  # noqa: S106 - it is meant to be wrong
    gatekeeper.refuse()

    assert (b"", PONG, VIOLATION) == (waiting, answered, client.heard())
    assert [
        Credentials("u", "secret", "hidden"),
        Credentials("u", "other"),
        Credentials("u", "", "wrong"),
    ] == gatekeeper.asked


@pytest.mark.parametrize("fields", [{}, {"user": "u"}, {"name": "n", "auth_token": ""}])
def test_a_second_connect_without_secrets(
    guarded: VirtualBroker, gatekeeper: ManualAuthenticator, fields: dict[str, str]
) -> None:
    """It changes options alone, and there is nothing to judge."""
    client = guarded.connect()
    client.send(LOGIN)
    gatekeeper.admit("u")

    assert OK + PONG == client.ask(document(verbose=True, **fields) + b"PING\r\n")
    assert (1, Identity("u")) == (len(gatekeeper.asked), session_of(client).identity)


def test_a_second_connect_of_another_user(guarded: VirtualBroker, gatekeeper: ManualAuthenticator) -> None:
    """No identity changes, neither by the name alone nor with the other's password."""
    named, proven = guarded.connect(), guarded.connect()
    for client in (named, proven):
        client.send(LOGIN)
        gatekeeper.admit("u")

    named.send(document(user="root") + b"PING\r\n")
    proven.send(document(user="root", **{"pass": "right"}) + b"PING\r\n")
    gatekeeper.admit("root")

    assert (VIOLATION, VIOLATION) == (named.heard(), proven.heard())
    assert (True, True) == (named.wire.closed, proven.wire.closed)


def test_an_identity_where_none_is_required(make_plane: MakePlane) -> None:
    """A gatekeeper that lets nameless clients in may know some of them, once."""
    gatekeeper = ManualAuthenticator(required=False)
    client = VirtualBroker(make_plane, gatekeeper=gatekeeper).connect()

    client.send(LOGIN)
    gatekeeper.admit("u")
    first = session_of(client).identity
    client.send(document() + b"PING\r\n")
    again = client.heard()
    client.send(document(user="x"))
    gatekeeper.admit("x")

    assert (Identity("u"), PONG) == (first, again)
    assert VIOLATION == client.heard()


def test_an_open_server_believes_no_name(server: VirtualBroker) -> None:
    """Where nothing is asked for, a name that is claimed makes no identity, however often."""
    client = server.connect()

    answers = client.ask(document(user="root", verbose=True) + document(user="other") + b"PING\r\n")

    assert (OK + OK + PONG, Identity()) == (answers, session_of(client).identity)
    assert "" == session_of(client).profile.user


def test_no_secret_is_kept(guarded: VirtualBroker, gatekeeper: ManualAuthenticator) -> None:
    """Once judged, password and token are nowhere in the session."""
    client = guarded.connect()
    client.send(LOGIN)
    gatekeeper.admit("u")
    session = session_of(client)

    held = [getattr(session, slot, None) for slot in ClientSession.__slots__]

    assert "u" in repr(held)
    assert not any(secret in repr(held) for secret in ("secret", "hidden"))


def test_options_hold_from_the_verdict_on(guarded: VirtualBroker, gatekeeper: ManualAuthenticator) -> None:
    """A login that waits changes nothing yet; PUB is served from the verdict on."""
    client = guarded.connect()

    client.send(document(verbose=False, pedantic=False) + b"PUB a.* 0\r\n\r\nPING\r\n")
    gatekeeper.admit()

    assert PONG == client.heard()
    assert 1 == stats_of(guarded.broker).traffic.in_msgs


# --- the log ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b"PUB foo\r\n", "processPub Parse Error: 'foo'"),
        (b"PUB \t \r\n", "processPub Parse Error: ''"),
        (b"PUB foo -1 \r\n", "processPub Bad or Missing Size: 'foo -1'"),
        (b"PUB foo re x\r\n", "processPub Bad or Missing Size: 'foo re x'"),
        (b"SUB foo\r\n", "processSub Parse Error: 'foo'"),
        (b"UNSUB 1 2 3\r\n", "processUnsub Parse Error: '1 2 3'"),
        (b"SUB \xff\r\n", "processSub Parse Error: '\\xff'"),
        (b"ZZZ\r\n", "Client Parser ERROR, state=0, i=0: proto='\"ZZZ\\r\"...'"),
        (b"PUB foo 2\r\nokx\n", "Client Parser ERROR, state=30, i=0: proto='\"x\\n\"...'"),
        (b"SUB " + 2000 * b"a" + b"\r\n", "Maximum Control Line Exceeded"),
        (b"PUB " + 2000 * b"a" + b"\r\n", "Maximum Control Line Exceeded"),
    ],
    ids=lambda value: value[:20].decode("utf-8", "replace") if isinstance(value, bytes) else "",
)
def test_protocol_errors_are_logged(
    client: VirtualClient, events: RecordingEventLog, sent: bytes, reason: str
) -> None:
    """The log says why a client was closed, in gnatsd's words."""
    client.send(sent)

    assert [ReadFailed(client.connection.link, reason)] == events.of(ReadFailed)
    assert f"Error reading from client: {reason}" in events.texts()


def test_json_errors_are_logged(client: VirtualClient, events: RecordingEventLog) -> None:
    """Broken JSON is described, without its contents."""
    client.send(b'CONNECT {"pass":"secret"\r\n')

    (failure,) = events.of(ReadFailed)
    assert failure.reason.startswith("invalid JSON: ")
    assert "secret" not in failure.reason


def test_a_large_payload_is_logged(client: VirtualClient, events: RecordingEventLog) -> None:
    """The log shows the size that was asked for, as it was spelled, and the limit."""
    client.send(b"PUB foo 0099999999\r\n")

    assert [PayloadExceeded(client.connection.link, "0099999999", 1_048_576)] == events.of(PayloadExceeded)
    assert [] == events.of(ReadFailed)


def test_an_invalid_subject_is_not_logged(client: VirtualClient, events: RecordingEventLog) -> None:
    """An error that closes nothing is between the client and us."""
    events.debug = events.trace = False

    client.send(b"SUB foo. 1\r\nPUB foo. 0\r\n\r\n")

    assert [] == events.events


def test_a_clients_error_is_logged(client: VirtualClient, events: RecordingEventLog) -> None:
    """The client's own words are in the log."""
    client.send(b"-ERR  'it hurts' \r\n")

    assert [ClientReportedError(client.connection.link, "'it hurts'")] == events.of(ClientReportedError)
    assert "Client Error 'it hurts'" in events.texts()


def test_a_login_before_anything_else_is_logged(guarded: VirtualBroker, events: RecordingEventLog) -> None:
    """Operations before a login are an authorization error."""
    client = guarded.connect()

    client.send(b"PING\r\n")

    assert [AuthorizationFailed(client.connection.link)] == events.of(AuthorizationFailed)


@pytest.mark.parametrize(
    "sent",
    [
        LOGIN,
        LOGIN.lower().replace(b"connect", b"connect "),
        b'CONNECT {"Pass":"secret","AUTH_TOKEN":"hidden"}\r\n',
        b'CONNECT {"pass":"secret","auth_token":"hidden"\r\n',
        b'CONNECT {"pass":["secret"],"auth_token":"hidden"}\r\n',
        b'CONNECT {"auth_token":"hidden","pass":"secret","account":"a"}\r\n',
        b'CONNECT {"user":5,"pass":"secret hidden"}\r\n',
        b'CONNEXT {"pass":"secret","auth_token":"hidden"}\r\n',
        b'{"pass":"secret","auth_token":"hidden"}\r\n',
        b'CONNECT {"token":"secret","jwt":"hidden","Sig":"secret","\\u0070ASSWORD":"hidden"}\r\n',
        b'CONNECT {"user":"u","pass":"x"}\r\nINFO {"auth_token":"secret","port":5,"jwt":["hidden"]}\r\n',
        b'CONNECT {"user":"u","pass":"x"}\r\n{"pass":"secret"}\r\n',
        b'CONNECT {"user":"u","pass":"x"}\r\nGET {"pass":"secret"}\r\n',
        b'CONNECT {"pass":"' + 2000 * b"secret hidden" + b'"}\r\n',
    ],
    ids=[
        "good",
        "lower case",
        "odd keys",
        "cut",
        "wrong type",
        "account",
        "user",
        "misspelt",
        "long",
        "bare",
        "others",
        "INFO",
        "bare later",
        "no verb",
    ],
)
@pytest.mark.parametrize("admitted", [True, False, None], ids=["admitted", "refused", "silence"])
def test_no_secret_is_ever_logged(
    guarded: VirtualBroker,
    gatekeeper: ManualAuthenticator,
    events: RecordingEventLog,
    sent: bytes,
    *,
    admitted: bool | None,
) -> None:
    """Passwords and tokens are in no fact, whatever becomes of the login, even with tracing on."""
    client = guarded.connect()

    client.send(sent)
    if gatekeeper.asked and admitted is not None:
        (gatekeeper.admit if admitted else gatekeeper.refuse)()
    guarded.advance(5.0)

    logged = " ".join([*events.texts(), *map(repr, events.events), repr(gatekeeper.asked)])
    assert "cid" in logged
    assert "secret" not in logged
    assert "hidden" not in logged


def test_limits_are_the_brokers(make_plane: MakePlane) -> None:
    """A session keeps the limits that its broker was given."""
    server = VirtualBroker(make_plane, Limits(max_control_line=20, max_payload=3))
    long, large = server.connect(), server.connect()

    assert TOO_LONG == long.ask(b"SUB " + 22 * b"a" + b" 1\r\n")
    assert TOO_LARGE == large.ask(b"PUB a 4\r\n")


def test_whether_the_client_is_gone(server: VirtualBroker) -> None:
    """A queue member is passed over from the moment its connection is closed."""
    client = server.connect(quiet=True)
    session = server.broker.sessions[client.connection.cid]
    before = session.is_closed

    client.connection.close()

    assert (False, True) == (before, session.is_closed)


def reachable(root: object) -> list[object]:
    """All objects that can be reached from one, but for modules, types and functions' globals."""
    found: dict[int, object] = {}
    waiting = [root]
    while waiting:
        one = waiting.pop()
        if id(one) in found or isinstance(one, type | ModuleType | FunctionType):
            continue
        found[id(one)] = one
        waiting += gc.get_referents(one)
    return list(found.values())


@pytest.mark.parametrize("admitted", [True, False], ids=["admitted", "refused"])
def test_secrets_are_forgotten(
    guarded: VirtualBroker, gatekeeper: ManualAuthenticator, *, admitted: bool
) -> None:
    """After the verdict no object that can be reached from the session holds a password or a token."""
    client = guarded.connect()
    session = session_of(client)
    client.send(LOGIN)
    before = [one for one in reachable(session) if one in ("secret", "hidden")]
    gatekeeper.asked.clear()  # the test's own memory

    (gatekeeper.admit if admitted else gatekeeper.refuse)()
    guarded.connect().send(b"PING" + 200 * b" " + b"\r\n")  # all connections share the room of a read

    assert ["hidden", "secret"] == sorted(map(str, before))
    texts = [one.encode() for one in reachable(session) if isinstance(one, str)]
    texts += [bytes(one) for one in reachable(session) if isinstance(one, bytes | bytearray)]
    assert [] == [text for text in texts if b"secret" in text or b"hidden" in text]


def test_a_signature_is_judged_with_the_nonce_of_the_connection(make_plane: MakePlane) -> None:
    """INFO has a nonce where one is made, and keeps it; it is judged with CONNECT's signature."""
    gatekeeper = ManualAuthenticator()
    setup = BrokerSetup(make_nonce=lambda: "NONCE")
    server = VirtualBroker(make_plane, gatekeeper=gatekeeper, setup=setup)
    client = server.accept()

    assert "NONCE" == json.loads(client.heard().removeprefix(b"INFO "))["nonce"]
    client.send(b'CONNECT {"nkey":"U","sig":"s","jwt":"j","protocol":1,"verbose":false}\r\n')
    assert [Credentials(nkey="U", sig="s", jwt="j", nonce="NONCE")] == gatekeeper.asked
    assert "Credentials(user='')" == repr(gatekeeper.asked[0])
    gatekeeper.admit("U")
    client.send(b"PING\r\n")
    client.heard()
    server.broker.sessions[1].tell(PersonalInfo(ldm=True))
    lines = client.ask(b"PING\r\n").splitlines()
    assert ["NONCE"] == [json.loads(line[5:])["nonce"] for line in lines if line.startswith(b"INFO ")]


def test_clients_without_subscriptions_share_an_empty_dict(make_plane: MakePlane) -> None:
    """One that subscribes gets a dict of its own, and keeps it; the others still have none."""
    server = VirtualBroker(make_plane)
    one, other = server.connect(quiet=True), server.connect(quiet=True)
    sessions = [server.broker.sessions[client.connection.cid] for client in (one, other)]
    assert sessions[0].subscriptions is sessions[1].subscriptions

    one.send(b"SUB foo 1\r\nSUB bar 2\r\n")

    assert [[b"1", b"2"], []] == [list(session.subscriptions) for session in sessions]
    one.send(b"UNSUB 1\r\nUNSUB 2\r\n")
    assert {} == sessions[0].subscriptions
    assert sessions[0].subscriptions is not sessions[1].subscriptions
